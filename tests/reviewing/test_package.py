"""The package of a proposal against the one that main makes of what it has judged."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from sklearn.linear_model import LogisticRegression

from pipeline.ml.model_io import save_model
from pipeline.ml.package import PARTS, About, build_package, model_digest
from pipeline.reviewing.package import (
    as_of_faults,
    evidence_faults,
    package_faults,
    parameter_faults,
)
from pipeline.stages import outputs
from tests.packages import ABOUT

ROOT = Path(__file__).parents[2]
CARD = "# Model card\n\nMade with numpy 2.1.0, python 3.11.9; environment.txt lists the rest.\n"
CONTENTS = {
    "model.skops": b"a model",
    **dict.fromkeys(PARTS, '{"a": 0.25, "b": [1]}\n'),
    "environment.txt": "# Python 3.11.9\nnumpy==2.1.0\nscikit-learn==1.5.2\n",
    "model-card.md": CARD,
    "seen_ids.parquet": b"rows",
}


def faults(folder: Path, about: About = ABOUT, **changes: str | bytes) -> list[str]:
    """What is said where the proposal's package has other contents, each by its file's stem."""
    contents = {name: changes.pop(stem(name), text) for name, text in CONTENTS.items()}
    build_package(folder / "made", CONTENTS, ABOUT)
    digest = build_package(folder / "claimed", {**contents, **changes}, about)
    return list(package_faults(folder / "claimed", folder / "made", digest))


def stem(name: str) -> str:
    return name.partition(".")[0].replace("-", "_")


def test_the_same_package_has_no_fault(tmp_path: Path) -> None:
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("model", b"another model"),
        ("seen_ids", b""),
        ("reference", '{"a": 0.26, "b": [1]}\n'),
        ("data_profile", '{"b": [1], "a": 0.25}\n'),  # another order
        ("input_schema", '{"a": 0.25, "a": 0.25, "b": [1]}\n'),
        ("metrics", '[["a", 0.25], ["b", [1]]]\n'),
        ("params", "[" * 100_000),
        ("environment", "# Python 3.11.9\nnumpy==2.1.0\n"),
        ("environment", "# Python 3.11.9\nnumpy==2.1.0\nscikit-learn @ https://evil/x.whl\n"),
        ("environment", ""),
        ("model_card", CARD.replace("card", "cart")),
        ("model_card", CARD.replace("2.1.0", "2.1.0](https://evil)")),
    ],
)
def test_a_file_that_differs_is_named(tmp_path: Path, part: str, content: str | bytes) -> None:
    [said] = faults(tmp_path, **{part: content})
    assert said.startswith("artifacts/package/"), said
    assert part in said.replace("-", "_")
    assert said.endswith(" came out otherwise")


def test_what_another_machine_may_change_is_no_fault(tmp_path: Path) -> None:
    newer = {
        "environment": "# Python 3.11.10\nnumpy==2.1.3\nscikit-learn==1.5.2\n",
        "model_card": CARD.replace("2.1.0", "2.1.3").replace("3.11.9", "3.11.10"),
        "metrics": '{"a": 0.2500000000001, "b": [1]}\n',
    }
    assert faults(tmp_path, **newer) == []


def test_a_file_too_many_is_named(tmp_path: Path) -> None:
    build_package(tmp_path / "made", CONTENTS, ABOUT)
    build_package(tmp_path / "claimed", CONTENTS, ABOUT)
    manifest = tmp_path / "claimed/manifest.json"
    (tmp_path / "claimed/more").write_text("")
    values = json.loads(manifest.read_text())
    values["files"]["more"] = {
        "sha256": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "size": 0,
    }
    manifest.write_text(json.dumps(values))
    digest = model_digest(tmp_path / "claimed")
    found = package_faults(tmp_path / "claimed", tmp_path / "made", digest)
    assert found == ("artifacts/package/more is in one of two packages alone",)


@pytest.mark.parametrize(
    "change",
    [{"threshold": 0.4}, {"train_rows": 8}, {"as_of": datetime(2013, 7, 3, tzinfo=UTC)}],
)
def test_what_the_manifest_says_otherwise_is_named(tmp_path: Path, change: dict) -> None:
    [said] = faults(tmp_path, replace(ABOUT, **change))
    assert said.startswith(f"artifacts/package/manifest.json {next(iter(change))}: claimed ")


def test_a_format_that_main_does_not_ask_for_is_named(tmp_path: Path) -> None:
    build_package(tmp_path / "made", CONTENTS, ABOUT)
    contents = {name: text for name, text in CONTENTS.items() if name != "model.skops"}
    parts = {**contents, "model.joblib": CONTENTS["model.skops"]}
    digest = build_package(tmp_path / "claimed", parts, replace(ABOUT, format="joblib"))
    said = package_faults(tmp_path / "claimed", tmp_path / "made", digest)
    assert said[0] == ("artifacts/package/manifest.json format: claimed 'joblib', came out 'skops'")


def test_another_package_than_the_rollouts_is_a_fault(tmp_path: Path) -> None:
    for folder in ("made", "claimed"):
        build_package(tmp_path / folder, CONTENTS, ABOUT)
    [said] = package_faults(tmp_path / "claimed", tmp_path / "made", "sha256:" + "0" * 64)
    assert "not the package it should be" in said
    assert "\n" not in said


@pytest.mark.parametrize("forged", ["artifacts/reference.json", "artifacts/model-manifest.json"])
def test_evidence_that_says_other_than_the_package_is_found(tmp_path: Path, forged: str) -> None:
    build_package(tmp_path, CONTENTS, ABOUT)
    files = {
        "evidence/x/artifacts/reference.json": (tmp_path / "reference.json").read_bytes(),
        "evidence/x/artifacts/model-manifest.json": (tmp_path / "manifest.json").read_bytes(),
    }
    spec = SimpleNamespace(evidence=SimpleNamespace(folder="evidence/x"))
    assert evidence_faults(SimpleNamespace(read=files.get), spec, tmp_path) == ()
    files[f"evidence/x/{forged}"] = b"{}"
    [said] = evidence_faults(SimpleNamespace(read=files.get), spec, tmp_path)
    assert said.startswith(f"evidence/x/{forged} is not ")


def test_a_rollout_of_another_time_than_its_package_is_found(tmp_path: Path) -> None:
    build_package(tmp_path, CONTENTS, ABOUT)
    honest = SimpleNamespace(challenger=SimpleNamespace(as_of=ABOUT.as_of))
    other = SimpleNamespace(challenger=SimpleNamespace(as_of=datetime(2013, 7, 3, tzinfo=UTC)))
    assert as_of_faults(honest, tmp_path) == ()
    assert len(as_of_faults(other, tmp_path)) == 1


@pytest.fixture
def trained(tmp_path: Path) -> Callable[[object], Path]:
    """A folder with a model whose C is 0.5, and with the parameters that are claimed of it."""

    def with_claim(claimed: object) -> Path:
        model = LogisticRegression(C=0.5).fit([[0.0], [1.0]], [0, 1])
        digest = save_model(tmp_path / outputs.MODEL, model)
        (tmp_path / outputs.TRAIN_SUMMARY).write_text(json.dumps({"model_digest": digest}))
        (tmp_path / outputs.MODEL_PARAMS).write_text(json.dumps(claimed))
        shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
        return tmp_path

    return with_claim


def test_the_models_own_parameters_are_no_fault(trained: Callable[[object], Path]) -> None:
    assert parameter_faults(trained({"C": 0.5, "random_state": None})) == ()


@pytest.mark.parametrize("claimed", [{"C": 5}, {"D": 1}, [["C", 0.5]]])
def test_parameters_that_are_not_the_models_are_found(
    trained: Callable[[object], Path], claimed: object
) -> None:
    [said] = parameter_faults(trained(claimed))
    assert said.startswith("artifacts/train/params.json ")
