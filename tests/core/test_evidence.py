import json

import pytest

from pipeline.core.evidence import (
    MANIFEST,
    MAX_FILE_BYTES,
    TO_COME,
    Subject,
    build_evidence,
    complete_evidence,
    digest_of,
    first_digest,
    outcomes_of,
    package_digest,
    package_faults,
    parse_manifest,
)
from pipeline.errors import ConfigurationError

MODEL_MANIFEST = b'{"model": "flight-delay"}\n'
DIGEST = digest_of(MODEL_MANIFEST)
SUMMARY = "reports/rollout-summary.md"
FILES = {
    "configs/gates.yaml": b"comparison:\n",
    "artifacts/model-manifest.json": MODEL_MANIFEST,
    "artifacts/deployment-checklist.md": b"- [ ] Approved\n",
    "reports/ab-test-results.json": b"{}\n",
    "reports/plots/roc.png": b"\x89PNG\r\n\x1a\n\x00\xff",
    SUMMARY: b"Not started.\n",
}
ABSENT = {"scripts/ab_testing.py": "pipeline/core/abtest/verdict.py is not in this repository"}


def subject(**changes):
    found = {
        "model": "flight-delay",
        "version": f"2013-07-02-{DIGEST[7:19]}",
        "digest": DIGEST,
        "champion": "sha256:" + "4d1e" * 16,
        "commit": "3f2a" * 10,
        "changed": ("configs/gates.yaml",),
        "data_digest": "sha256:" + "c0de" * 16,
        "holdout_digest": "sha256:" + "beef" * 16,
    }
    return Subject(**(found | changes))


def built(**files):
    return build_evidence(subject(), {**FILES, **files}, ABSENT)


def test_a_package_names_every_file_and_what_is_absent():
    manifest = json.loads(built()[MANIFEST])
    assert list(manifest["files"]) == sorted(FILES)
    assert manifest["files"][SUMMARY] == {"sha256": digest_of(b"Not started.\n"), "size": 13}
    assert manifest["absent"] == ABSENT
    assert manifest["to_come"] == list(TO_COME)
    assert manifest["completed"] == []
    assert manifest["subject"]["commit"] == "3f2a" * 10


def test_the_same_run_gives_the_same_bytes_whatever_order_it_is_read_in():
    backwards = build_evidence(subject(), dict(reversed(FILES.items())), ABSENT)
    assert backwards[MANIFEST] == built()[MANIFEST]
    assert package_digest(built()) == digest_of(built()[MANIFEST])


def test_a_sound_package_has_no_faults():
    assert package_faults(built()) == ()
    assert package_faults(built(), package_digest(built())) == ()


def test_what_became_of_the_rollout_is_added_and_must_be_of_this_package():
    package = built()
    digest = package_digest(package)
    outcome = {"outcome/0007-promoted.md": f"Promoted. Of {digest}.\n".encode()}
    assert package_faults(package | outcome, digest) == ()
    assert outcomes_of(package | outcome) == outcome
    completed = complete_evidence(package | outcome, {SUMMARY: b"Stage 1.\n"}, "as it goes")
    assert package_faults(completed, digest) == ()
    assert outcomes_of(completed) == outcome
    stray = {"outcome/0007-promoted.md": b"Promoted.\n", "outcome/notes.md": digest.encode()}
    assert package_faults(package | stray) == (
        f"outcome/0007-promoted.md: is of another package than {digest}",
        "outcome/notes.md: not in the manifest",
    )


def test_every_fault_is_named_at_once():
    package = built()
    del package[SUMMARY]
    package["configs/gates.yaml"] += b" "
    package["configs/strange.yaml"] = b"x"
    faults = package_faults(package, "sha256:" + "0" * 64)
    assert [fault.split(":")[0] for fault in faults] == [
        SUMMARY,
        "configs/strange.yaml",
        "configs/gates.yaml",
        MANIFEST,
    ]


@pytest.mark.parametrize("path", [*FILES, MANIFEST])
def test_one_changed_byte_of_any_file_is_found(path):
    package = built()
    digest = package_digest(package)
    package[path] = package[path][:-1] + b"!"
    assert package_faults(package, digest)


def test_a_manifest_that_was_edited_to_fit_has_another_digest():
    package, digest = built(), package_digest(built())
    forged = build_evidence(subject(), {**FILES, "configs/gates.yaml": b"lax:\n"}, ABSENT)
    assert package_faults(forged) == ()
    assert package_faults(forged, digest) == (
        f"{MANIFEST}: found {package_digest(forged)}, expected {digest}",
    )
    assert package != forged


def test_a_manifest_that_says_the_same_in_other_bytes_is_found_out():
    package = built()
    compact = json.dumps(json.loads(package[MANIFEST])).encode()
    faults = package_faults({**package, MANIFEST: compact})
    assert f"{MANIFEST}: not written as scripts/collect_evidence.py writes it" in faults


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b"{" + b" " * 10**6])
def test_a_manifest_that_is_none_is_a_fault_and_no_crash(raw):
    faults = package_faults({**built(), MANIFEST: raw})
    assert faults
    assert all(fault.startswith(MANIFEST) for fault in faults)


def test_no_manifest_at_all_is_a_fault():
    assert package_faults(FILES) == (f"{MANIFEST}: missing",)


def test_another_models_manifest_is_found_out():
    package = build_evidence(subject(), {**FILES, "artifacts/model-manifest.json": b"{}"}, ABSENT)
    assert any(
        fault.startswith("artifacts/model-manifest.json") for fault in package_faults(package)
    )
    other = build_evidence(subject(version="2013-07-02-000000000000"), FILES, ABSENT)
    assert any(fault.startswith("subject.version") for fault in package_faults(other))


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("artifacts/model.pkl", b"\x80\x04\x95\xff"),
        ("artifacts/rows.csv", b"a\0b"),
        ("artifacts/big.json", b" " * (MAX_FILE_BYTES + 1)),
        ("reports/plots/model.png", b"\x80\x04\x95\xff"),
    ],
)
def test_data_and_models_are_refused(path, raw):
    with pytest.raises(ConfigurationError, match=path):
        built(**{path: raw})


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b", "configs/.git", "x"])
def test_a_manifest_that_leads_out_of_the_package_is_refused(path):
    value = json.loads(built()[MANIFEST])
    value["files"][path] = {"sha256": DIGEST, "size": 1}
    raw = json.dumps(value, indent=2).encode()
    with pytest.raises(ConfigurationError):
        parse_manifest(raw)


# ---------------------------------------------------------------- completed, not rewritten


def test_completing_replaces_one_file_and_keeps_every_other_byte():
    before = built()
    after = complete_evidence(before, {SUMMARY: b"Promoted.\n"}, "Promoted on July 4th.")
    assert {path for path in after if after[path] != before[path]} == {SUMMARY, MANIFEST}
    manifest = json.loads(after[MANIFEST])
    assert manifest["files"] == json.loads(before[MANIFEST])["files"]
    assert [(done["path"], done["note"]) for done in manifest["completed"]] == [
        (SUMMARY, "Promoted on July 4th.")
    ]
    assert package_faults(after) == ()


def test_the_first_digest_stays_true_after_completing_twice():
    first = package_digest(built())
    once = complete_evidence(built(), {SUMMARY: b"Stage 1.\n"}, "")
    twice = complete_evidence(once, {SUMMARY: b"Stage 2.\n"}, "")
    assert first_digest(twice) == first
    assert package_faults(twice, first) == ()
    assert package_faults(twice, package_digest(twice)) == ()
    assert package_faults(twice, package_digest(once)) != ()
    assert len(json.loads(twice[MANIFEST])["completed"]) == 2


def test_completing_with_what_is_there_changes_nothing():
    assert complete_evidence(built(), {SUMMARY: FILES[SUMMARY]}, "again") == built()


@pytest.mark.parametrize("path", ["configs/gates.yaml", "reports/new.md", MANIFEST])
def test_only_what_was_to_come_may_be_completed(path):
    with pytest.raises(ConfigurationError, match="not one of those to come"):
        complete_evidence(built(), {path: b"x"}, "")


def test_a_damaged_package_is_not_completed():
    package = {**built(), "configs/gates.yaml": b"edited"}
    with pytest.raises(ConfigurationError, match=r"configs/gates\.yaml"):
        complete_evidence(package, {SUMMARY: b"x"}, "")


def test_a_completion_of_what_was_never_to_come_is_found_out():
    value = json.loads(built()[MANIFEST])
    raw = b"lax:\n"
    entry = {"sha256": digest_of(raw), "size": len(raw)}
    value["completed"] = [{"path": "configs/gates.yaml", "entry": entry, "note": ""}]
    text = (json.dumps(value, indent=2) + "\n").encode()
    package = {**built(), "configs/gates.yaml": raw, MANIFEST: text}
    assert package_faults(package) == (
        f"{MANIFEST}: configs/gates.yaml: completed, and was never to come",
    )
    with pytest.raises(ConfigurationError, match="was never to come"):
        parse_manifest(text)
