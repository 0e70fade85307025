"""An evidence package is believed only as it was merged."""

from __future__ import annotations

import json

import pytest

from pipeline.core.evidence import complete_evidence, digest_of, package_digest
from pipeline.core.site.evidence import COMPARISON, GATES, MANIFEST, read_evidence
from pipeline.manifest import EvidenceRef
from tests.rollouts import spec_of
from tests.sites import DATA, HOLDOUT, evidence_of

SPEC = spec_of()
OTHER = "its evidence package is not the one that was merged"
REGISTERED = {"digest": SPEC.challenger.digest, "version": 7, "run_id": "abc"}


def package(improvement: float | None = 0.02) -> dict[str, bytes | None]:
    return dict(
        evidence_of(SPEC.challenger.digest, SPEC.version, SPEC.champion.digest, improvement)
    )


def written(manifest: dict) -> bytes:
    return (json.dumps(manifest, indent=2) + "\n").encode()


def read(files, registration=None, of=None):
    found = of if of is not None else package()
    ref = EvidenceRef(path="evidence/x", digest=package_digest(found))
    raw = None if registration is None else json.dumps(registration).encode()
    return read_evidence(SPEC.model_copy(update={"evidence": ref}), files, "10ck", raw)


def test_a_sound_package_tells_its_data_and_the_improvement() -> None:
    found = read(package(), REGISTERED)
    assert (found.data_digest, found.holdout_digest) == (DATA, HOLDOUT)
    assert (found.metric, found.improvement) == ("f1_weighted", 0.02)
    assert (round(found.low, 4), round(found.high, 4)) == (0.014, 0.027)
    assert (found.lock, found.mlflow, found.fault) == ("10ck", "7 (run abc)", "")


def test_a_package_without_a_figure_says_so() -> None:
    bare = package(None)
    found = read(bare, of=bare)
    assert found.improvement is None
    assert found.fault == "its comparison cannot be read"
    assert found.data_digest == DATA


@pytest.mark.parametrize("path", [COMPARISON, GATES])
@pytest.mark.parametrize("change", [None, b"{}"])
def test_a_file_that_differs_from_its_digest_is_not_believed(path: str, change) -> None:
    found = read({**package(), path: change})
    assert (found.improvement, found.fault) == (None, OTHER)


@pytest.mark.parametrize("path", [COMPARISON, GATES])
def test_a_file_that_no_manifest_names_is_not_believed(path: str) -> None:
    value = json.loads(package()[MANIFEST] or b"")
    del value["files"][path]
    bare = {**package(), MANIFEST: written(value)}
    found = read(bare, of=bare)
    assert (found.improvement, found.fault) == (None, OTHER)


def test_a_completion_that_was_never_to_come_changes_no_figure() -> None:
    """The first digest stays true, so nothing else tells this from the merged package."""
    raw = (package(0.3)[COMPARISON] or b"") + b"\n"
    value = json.loads(package()[MANIFEST] or b"")
    entry = {"sha256": digest_of(raw), "size": len(raw)}
    value["completed"] = [{"path": COMPARISON, "entry": entry, "note": ""}]
    found = read({**package(), COMPARISON: raw, MANIFEST: written(value)})
    assert (found.improvement, found.fault, found.data_digest) == (None, OTHER, None)


def test_a_package_without_a_comparison_says_so() -> None:
    value = json.loads(package()[MANIFEST] or b"")
    del value["files"][COMPARISON]
    bare = {**package(), COMPARISON: None, MANIFEST: written(value)}
    assert read(bare, of=bare).fault == "its comparison cannot be read"


@pytest.mark.parametrize(
    ("manifest", "fault"),
    [
        (None, "the merge has no evidence package"),
        (b"{", OTHER),
        (package(0.9)[MANIFEST], OTHER),
    ],
)
def test_another_package_than_the_merged_one_says_nothing(manifest, fault: str) -> None:
    found = read({**package(), MANIFEST: manifest})
    assert (found.fault, found.improvement, found.data_digest) == (fault, None, None)
    assert found.lock == "10ck"


@pytest.mark.parametrize(
    "record",
    [
        {**REGISTERED, "digest": f"sha256:{'0' * 64}"},
        {**REGISTERED, "version": None},
        {"digest": SPEC.challenger.digest},
        [],
    ],
)
def test_a_registration_of_another_package_or_of_none_is_no_version(record) -> None:
    assert read(package(), record).mlflow is None


def test_a_registration_that_is_no_json_is_no_version() -> None:
    assert read_evidence(SPEC, package(), None, b"{").mlflow is None


def test_a_package_that_was_completed_since_is_still_the_one_that_was_merged() -> None:
    whole = evidence_of(SPEC.challenger.digest, SPEC.version, SPEC.champion.digest, 0.02)
    value = json.loads(whole[MANIFEST])
    assert value["to_come"] == []  # so completing it with nothing leaves it as it is
    assert complete_evidence(whole, {}, "later") == whole
    value["completed"] = []
    assert read(package()).fault == ""
