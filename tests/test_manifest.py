"""The manifest: what it says is read exactly or refused with the reason, whoever wrote it."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.manifest import (
    MAX_MANIFEST_BYTES,
    load_rollout,
    parse_rollout,
    render_rollout,
    rollout_path,
    version_of,
)
from pipeline.rollout_schemas import render_schemas
from tests.rollouts import MODEL, champion_of, spec_of

ROOT = Path(__file__).parent.parent
TEXT = render_rollout(spec_of())


def saved(root: Path, text: str, model: str = MODEL) -> Path:
    path = rollout_path(root, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_rollout(text, "rollout.yaml")
    return "\n".join(caught.value.faults)


def test_a_version_is_named_by_its_day_and_the_start_of_its_digest() -> None:
    digest = f"sha256:3f2a9c1d8e4b{'0' * 52}"
    assert version_of(digest, datetime(2013, 7, 3, tzinfo=UTC)) == "2013-07-03-3f2a9c1d8e4b"


def test_what_is_written_is_read_back_exactly(tmp_path: Path) -> None:
    spec = spec_of()
    saved(tmp_path, TEXT)
    assert load_rollout(tmp_path, MODEL) == spec
    assert render_rollout(load_rollout(tmp_path, MODEL)) == TEXT


@given(reason=st.text(min_size=1, max_size=200), name=st.text(min_size=1, max_size=50))
def test_whatever_the_champion_is_told_about_comes_back(reason: str, name: str) -> None:
    told = champion_of("a").model_copy(update={"reason": reason, "approved_by": name})
    spec = spec_of().model_copy(update={"champion": told})
    try:
        text = render_rollout(spec)
        text.encode()
    except UnicodeEncodeError:
        return  # a lone surrogate is in no file
    assert parse_rollout(text, "x") == spec


def test_comments_and_layout_are_not_part_of_what_it_says() -> None:
    commented = f"# a person's remark\n{TEXT}\n# and another\n".replace(
        "model: flight-delay", "model:   flight-delay   # ours", 1
    )
    assert parse_rollout(commented, "x").digest == spec_of().digest


def test_a_change_of_what_it_says_is_another_digest() -> None:
    other = parse_rollout(TEXT.replace("error_rate_max: 0.02", "error_rate_max: 0.03"), "x")
    assert other.digest != spec_of().digest


def test_a_digest_is_the_same_in_every_process() -> None:
    code = (
        "from pipeline.manifest import parse_rollout; import sys;"
        "print(parse_rollout(sys.stdin.read(), 'x').digest)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], input=TEXT, text=True, capture_output=True, cwd=ROOT,
        check=True,
    )  # fmt: skip
    assert found.stdout.strip() == spec_of().digest


def test_without_a_file_there_is_no_manifest(tmp_path: Path) -> None:
    assert load_rollout(tmp_path, MODEL) is None


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("model: flight-delay\n", "model: ../../etc\n", "expected 1 to 63 of a-z"),
        ("model: flight-delay\n", "model: Flight-Delay\n", "expected 1 to 63 of a-z"),
        ("model: flight-delay\n", 'model: "a\\0b"\n', "expected 1 to 63 of a-z"),
        ("model: flight-delay\n", "model: '$(id)'\n", "expected 1 to 63 of a-z"),
        ("evidence/x/manifest.json", "/etc/passwd", "expected a path inside"),
        ("evidence/x/manifest.json", "a/../../b", "expected a path inside"),
        ("evidence/x/manifest.json", "..\\\\b", "expected a path inside"),
        ("evidence/x/manifest.json", "a//b", "expected a path inside"),
        ("evidence/x/manifest.json", "a/./b", "expected a path inside"),
        ("evidence/x/manifest.json", "a b", "expected a path inside"),
        (f"sha256:{'c' * 64}", "sha256:c", "pattern"),
        (f"sha256:{'c' * 64}", f"sha256:{'C' * 64}", "pattern"),
        (f"sha256:{'c' * 64}", f"sha256:{'d' * 64}", "expected 2013-07-03-dddddddddddd"),
        (f"{'c' * 32}.dir", f"{'c' * 32}", "pattern"),
        ("schema: 1\n", "schema: 2\n", "schema"),
        ("schema: 1\n", "schema: 1\nweight: 100\n", "weight: unknown key"),
        ("retrain: flight-delay-0004", "retrain: '${{ github.token }}'", "expected 1 to 63"),
        ("version: 2013-07-03-c", "version: 2013-07-04-c", "version is not the challenger's"),
        ("type: canary", "type: canary\n  type: rolling", "twice"),
        ("traffic_percentage: 5.0", "traffic_percentage: 95.0", "traffic must grow"),
        ("traffic_percentage: 5.0", "traffic_percentage: .nan", "traffic_percentage"),
        ("plan:\n", "plan: &p\n  <<: *p\n", "found an alias"),
    ],
)  # fmt: skip
def test_what_must_not_be_is_refused_with_the_reason(old: str, new: str, found: str) -> None:
    assert old in TEXT
    assert found in faults_of(TEXT.replace(old, new, 1))


def test_the_challenger_cannot_be_the_champion() -> None:
    assert "champion already" in faults_of(TEXT.replace("a" * 64, "c" * 64))


BOMB = "a: &a [x, x]\n" + "\n".join(f"{n}: &{n} [*{p}, *{p}]" for p, n in zip("abcdefg", "bcdefgh", strict=True))  # noqa: E501  # fmt: skip
HOSTILE = {
    "a bomb of aliases": BOMB,
    "a python object": "!!python/object/apply:os.system ['id']",
    "a list as a key": "? [a, b]\n: c",
    "nested without an end": "[" * 20_000,
    "a mapping without an end": "{a: " * 5_000,
    "no mapping": "just words",
    "nothing": "",
    "a number too long": "schema: " + "9" * 5_000,
    "two documents": "schema: 1\n---\nschema: 1\n",
    "a control character": "schema: \x07",
    "a tab": "schema:\t1\n\tmodel: x",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_yaml_is_a_fault_and_never_a_crash(text: str) -> None:
    assert faults_of(text)


def test_ten_megabytes_are_not_even_read(tmp_path: Path) -> None:
    path = saved(tmp_path, TEXT)
    with path.open("ab") as file:
        file.truncate(10_000_000)
    with pytest.raises(ConfigurationError, match="larger than"):
        load_rollout(tmp_path, MODEL)
    assert "larger than" in faults_of("#" * (MAX_MANIFEST_BYTES + 1))


def test_a_link_out_of_the_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("schema: 1")
    path = rollout_path(tmp_path, MODEL)
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "secret")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        load_rollout(tmp_path, MODEL)


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, TEXT, "other-model")
    (tmp_path / "rollouts" / MODEL).symlink_to(tmp_path / "rollouts" / "other-model")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        load_rollout(tmp_path, MODEL)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, "").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load_rollout(tmp_path, MODEL)


def test_a_manifest_of_another_model_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, TEXT, "other-model")
    with pytest.raises(ConfigurationError, match="as its folder is named"):
        load_rollout(tmp_path, "other-model")


def test_a_time_without_a_zone_is_utc_and_another_zone_is_turned_into_it() -> None:
    east = timezone(timedelta(hours=2))
    spec = spec_of()
    moved = spec.challenger.model_copy(update={"as_of": spec.challenger.as_of.astimezone(east)})
    text = render_rollout(spec.model_copy(update={"challenger": moved}))
    assert parse_rollout(text, "x").challenger.as_of == spec.challenger.as_of
    bare = TEXT.replace("'2013-07-03T09:00:00Z'", "2013-07-03T09:00:00")
    assert parse_rollout(bare, "x") == spec


@pytest.mark.parametrize("path", render_schemas())
def test_the_published_schemas_are_those_of_the_models(path: str) -> None:
    published = (ROOT / path).read_text(encoding="utf-8")
    assert published == render_schemas()[path], "run python -m pipeline.rollout_schemas"


def test_editors_accept_what_we_write_and_the_documents_of_the_repository() -> None:
    def check(name: str, text: str) -> None:
        schema = json.loads(render_schemas()[f"docs/schemas/{name}.schema.json"])
        jsonschema.validate(yaml.safe_load(text), schema, jsonschema.Draft202012Validator)

    check("rollout", TEXT)
    check("rollout-plan", (ROOT / "configs" / "rollout-plan.yaml").read_text())
    with pytest.raises(jsonschema.ValidationError):
        check("rollout", TEXT.replace("schema: 1", "schema: 2", 1))
