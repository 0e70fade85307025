import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipeline.adapters.package_files import (
    find_package,
    folder_md5,
    is_whole_here,
    package_faults,
    read_manifest,
)
from pipeline.errors import OutsideError
from pipeline.ml.package import PARTS, build_package, model_digest
from tests.packages import ABOUT
from tests.scripts.finished_run import store_package

FILES = {"manifest.json": b"{}", "nested/model.skops": b"\x80\xff"}
FOLDER_REMOTE = "[core]\n    remote = s\n['remote \"s\"']\n    url = ../elsewhere\n"
BUCKET = "[core]\n    remote = s\n['remote \"s\"']\n    url = s3://bucket/path\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / ".dvc").mkdir()
    return tmp_path


def test_a_package_in_the_cache_is_found(root):
    name = store_package(root, "cache", FILES)
    assert find_package(root, name).place == "the DVC cache"


def test_a_package_in_a_remote_folder_is_found(root):
    (root / ".dvc/config").write_text(FOLDER_REMOTE)
    name = store_package(root, "../elsewhere", FILES)
    assert find_package(root, name).place == "the DVC remote"


def test_another_cache_is_looked_at_where_the_local_configuration_says_so(root):
    (root / ".dvc/config").write_text("[cache]\n    dir = wrong\n")
    (root / ".dvc/config.local").write_text("[cache]\n    dir = ../shared\n")
    name = store_package(root, "../shared", FILES)
    assert find_package(root, name).place == "the DVC cache"


@pytest.mark.parametrize(
    ("config", "is_all_known"), [(FOLDER_REMOTE, True), (BUCKET, False), ("", False)]
)
def test_what_is_nowhere_on_this_disk_may_still_be_in_a_bucket(root, config, is_all_known):
    (root / ".dvc/config").write_text(config)
    (root / ".dvc/cache").mkdir()
    found = find_package(root, "a" * 32 + ".dir")
    assert (found.place, found.is_all_known) == (None, is_all_known)


def test_a_machine_without_cache_and_remote_cannot_say(root):
    (root / ".dvc/config").write_text(FOLDER_REMOTE)
    assert not find_package(root, "a" * 32 + ".dir").is_all_known


@pytest.mark.parametrize("damaged", [True, False])
def test_one_object_that_is_damaged_or_gone_makes_it_no_package(root, damaged):
    name = store_package(root, "cache", FILES)
    objects = [p for p in (root / ".dvc/cache").rglob("*") if p.is_file() and p.suffix != ".dir"]
    if damaged:
        objects[0].write_bytes(b"other")
    else:
        objects[0].unlink()
    assert find_package(root, name).place is None


def test_a_folder_is_named_as_dvc_names_it(root):
    for path, raw in FILES.items():
        (root / "folder" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "folder" / path).write_bytes(raw)
    assert folder_md5(root / "folder") == store_package(root, "cache", FILES)


# ---------------------------------------------------------------- manifests


@pytest.fixture
def package(tmp_path):
    about = replace(ABOUT, model="m", train_rows=9)
    build_package(tmp_path / "p", {**dict.fromkeys(PARTS, "{}"), "model.skops": b"m"}, about)
    return tmp_path / "p"


def test_a_manifest_says_the_same_as_to_the_training_stack(package):
    found = read_manifest(package / "manifest.json")
    assert found.digest == model_digest(package)
    assert (found.train_rows, found.as_of) == (9, datetime(2013, 7, 2, tzinfo=UTC))
    assert package_faults(package, found) == ()


def test_every_fault_of_a_package_is_named(package):
    found = read_manifest(package / "manifest.json")
    (package / "params.json").write_text("{ }")
    (package / "metrics.json").unlink()
    (package / "extra.txt").write_text("x")
    assert package_faults(package, found) == (
        "metrics.json is missing from the package",
        "extra.txt is not what the package's manifest says",
        "params.json is not what the package's manifest says",
    )


def test_a_package_whose_manifest_names_no_model_is_not_one(package):
    manifest = json.loads((package / "manifest.json").read_text())
    del manifest["files"]["model.skops"]
    (package / "manifest.json").write_text(json.dumps(manifest))
    found = read_manifest(package / "manifest.json")
    assert package_faults(package, found) == (
        "the package's manifest names no model",
        "model.skops is not what the package's manifest says",
    )


def test_the_texts_of_a_package_alone_are_checked_as_far_as_they_are_here(package):
    found = read_manifest(package / "manifest.json")
    (package / "model.skops").unlink()
    (package / "seen_ids.parquet").unlink()
    assert not is_whole_here(package, found)
    assert package_faults(package, found) == ()
    (package / "params.json").write_text("{ }")
    assert package_faults(package, found) == (
        "params.json is not what the package's manifest says",
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"as_of": "soon"}', '{"files": 3}', "\xff"])
def test_what_is_no_manifest_says_what_to_do(tmp_path, text):
    path = tmp_path / "manifest.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OutsideError, match="run `dvc repro`"):
        read_manifest(path)
