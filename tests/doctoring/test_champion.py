"""The champion's package, whole, damaged, gone, or another one."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from pipeline.adapters.package_files import folder_md5
from pipeline.champion import Champion, champion_path, render_champion
from pipeline.doctoring.champion import check_champions, check_leftovers
from pipeline.dvc_objects import file_md5
from pipeline.monitoring.reference import reference_path
from tests.doctoring.checkouts import replaced, situation_of, told

MODEL = "flight-delay"


@pytest.fixture
def champion(root: Path, tmp_path: Path) -> Champion:
    """A champion whose package is in the remote's folder, as DVC keeps it."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "model.skops").write_bytes(b"a model")
    manifest = {
        "as_of": "2013-04-01T00:00:00+00:00",
        "train_rows": 3,
        "data_digest": "sha256:0",
        "format": "skops",
        "files": {"model.skops": {"sha256": "0"}},
    }
    (package / "manifest.json").write_text(json.dumps(manifest))
    names = ("manifest.json", "model.skops")
    listed = [{"md5": file_md5(package / name), "relpath": name} for name in names]
    name = folder_md5(package)
    objects = root / ".dvc/storage/files/md5"
    for entry in listed:
        put(objects, entry["md5"], (package / entry["relpath"]).read_bytes())
    put(objects, name, json.dumps(listed, sort_keys=True).encode())
    digest = hashlib.sha256((package / "manifest.json").read_bytes()).hexdigest()
    made = Champion(
        model=MODEL,
        digest=f"sha256:{digest}",
        package_md5=name,
        as_of="2013-04-01T00:00:00Z",
        approved_by="ada",
        reason="the first",
    )
    path = champion_path(root, MODEL)
    path.parent.mkdir(parents=True)
    path.write_text(render_champion(made))
    reference_path(root, MODEL).write_text("{}")
    return made


def put(objects: Path, name: str, content: bytes) -> None:
    (objects / name[:2]).mkdir(parents=True, exist_ok=True)
    (objects / name[:2] / name[2:]).write_bytes(content)


def test_a_whole_package_of_the_right_digest_is_well(root: Path, champion: Champion) -> None:
    (line,) = told(check_champions, situation_of(root))
    assert line == (
        f"ok champion of flight-delay: {champion.digest[:19]}… is whole in the DVC remote"
    )


def test_a_damaged_file_is_a_fault(root: Path, champion: Champion) -> None:
    path = root / ".dvc/storage/files/md5" / champion.package_md5[:2] / champion.package_md5[2:]
    path.write_text("[]")
    (line,) = told(check_champions, situation_of(root))
    assert line.startswith("fault champion of flight-delay: its package is damaged or gone")


def test_a_digest_that_is_not_the_packages_is_a_fault(root: Path, champion: Champion) -> None:
    replaced(champion_path(root, MODEL), champion.digest, f"sha256:{'f' * 64}")
    (line,) = told(check_champions, situation_of(root))
    assert f"has {champion.digest[:19]}…, champion.yaml says sha256:ffffffffffff…" in line


def test_a_champion_without_a_reference_is_a_fault(root: Path, champion: Champion) -> None:
    reference_path(root, MODEL).unlink()
    _, line = told(check_champions, situation_of(root))
    assert line.startswith("fault champion of flight-delay: no reference.json")


def test_no_champion_is_no_fault_and_names_the_next_step(root: Path, champion: Champion) -> None:
    champion_path(root, MODEL).write_text("# nobody yet\n")
    (line,) = told(check_champions, situation_of(root))
    assert line.startswith("warning champion of flight-delay: none serves yet -> train one")


def test_a_pointer_that_cannot_be_read_hides_no_other_model(root: Path, champion: Champion) -> None:
    broken = champion_path(root, "a-model")
    broken.parent.mkdir()
    broken.write_text("digest: [half")
    first, second = told(check_champions, situation_of(root))
    assert first.startswith("fault champion of a-model: ")
    assert second.startswith("ok champion of flight-delay: ")


def test_a_package_that_is_far_away_is_not_checked_without_dvc(
    root: Path, champion: Champion, monkeypatch
) -> None:
    shutil.rmtree(root / ".dvc/storage")
    replaced(root / ".dvc/config", "url = storage", "url = s3://bucket/path")
    monkeypatch.setattr("pipeline.doctoring.champion.find_spec", lambda _: None)
    (line,) = told(check_champions, situation_of(root))
    assert line.startswith("not checked champion of flight-delay")


def test_a_folder_of_a_model_that_is_not_configured_is_told(root: Path, champion: Champion) -> None:
    assert champion.model == MODEL
    assert told(check_leftovers, situation_of(root)) == []
    replaced(root / "configs/usecase.yaml", f"model: {MODEL}", "model: card-fraud")
    (line,) = told(check_leftovers, situation_of(root))
    assert line.startswith(f"warning rollouts/{MODEL}: configs/usecase.yaml has the model card-fr")
    assert line.endswith(f"-> where nothing serves it: git rm -r rollouts/{MODEL}")
    (root / "configs/usecase.yaml").unlink()
    assert told(check_leftovers, situation_of(root)) == []


def test_a_link_in_the_place_of_a_model_is_told_and_is_none(root: Path, champion: Champion) -> None:
    assert champion.model == MODEL
    (root / "rollouts/card-fraud").symlink_to(MODEL)
    (line,) = told(check_champions, situation_of(root))
    assert line.startswith(f"ok champion of {MODEL}")
    (line,) = told(check_leftovers, situation_of(root))
    assert line.startswith("fault rollouts/card-fraud: it is a link, and so no model")
    assert line.endswith("-> git rm rollouts/card-fraud")
