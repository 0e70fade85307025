import hashlib
import json
import os
import pickle
import signal
from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pipeline.errors import ConfigurationError, OutsideError
from pipeline.ml import package
from pipeline.ml.model_io import save_model
from pipeline.ml.package import (
    PARTS,
    build_package,
    load_manifest,
    load_packaged_model,
    model_digest,
    verify_package,
)
from tests.packages import ABOUT

X, Y = np.arange(20.0).reshape(-1, 1), np.arange(20) % 3 == 0


@pytest.fixture
def parts(tmp_path):
    model = LogisticRegression().fit(X, Y)
    save_model(tmp_path / "train" / "model", model)
    return {"model.skops": tmp_path / "train" / "model", **{name: f"{name}\n" for name in PARTS}}


@pytest.fixture
def folder(tmp_path, parts):
    built = tmp_path / "artifacts" / "package"
    build_package(built, parts, ABOUT)
    return built


def test_the_manifest_lists_every_other_file_with_its_digest_and_size(folder):
    files = json.loads((folder / "manifest.json").read_text())["files"]
    assert set(files) == {path.name for path in folder.iterdir()} - {"manifest.json"}
    for name, entry in files.items():
        content = (folder / name).read_bytes()
        assert entry["sha256"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert entry["size"] == len(content)


def test_the_model_digest_is_that_of_the_manifests_bytes(folder):
    content = (folder / "manifest.json").read_bytes()
    assert model_digest(folder) == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_building_gives_the_model_digest_back(tmp_path, parts):
    assert build_package(tmp_path / "p", parts, ABOUT) == model_digest(tmp_path / "p")


def test_the_manifest_is_sorted_and_says_what_the_model_is(folder):
    text = (folder / "manifest.json").read_text()
    values = json.loads(text)
    assert text == json.dumps(values, indent=2, sort_keys=True) + "\n"
    assert values["as_of"] == "2013-07-02T00:00:00Z"
    assert values["threshold"] == 0.5
    assert values["train_rows"] == 61_234
    assert {"python", "scikit-learn", "numpy", "skops"} <= set(values["versions"])


def test_the_same_parts_give_the_same_digest_in_any_order_at_any_time(tmp_path, parts, folder):
    backwards = dict(reversed(parts.items()))
    assert build_package(tmp_path / "other", backwards, ABOUT) == model_digest(folder)


@pytest.mark.parametrize("change", [{"threshold": 0.4}, {"train_rows": 1}, {"model": "other"}])
def test_any_other_statement_gives_another_digest(tmp_path, parts, folder, change):
    other = build_package(tmp_path / "other", parts, replace(ABOUT, **change))
    assert other != model_digest(folder)


def test_a_sound_package_passes_and_its_manifest_is_given_back(folder):
    manifest = verify_package(folder, model_digest(folder))
    assert manifest == load_manifest(folder)
    assert manifest.as_of == ABOUT.as_of


def test_every_mismatch_is_named_at_once(folder):
    (folder / "params.json").write_text("changed\n")
    (folder / "metrics.json").unlink()
    (folder / "notes.txt").write_text("extra")
    (folder / ".hidden").write_text("extra")
    (folder / "folder").mkdir()
    with pytest.raises(OutsideError) as error:
        verify_package(folder, "sha256:" + "0" * 64)
    message = str(error.value)
    assert f"manifest.json: found {model_digest(folder)}, expected sha256:0000" in message
    assert "metrics.json: missing" in message
    for name in ("notes.txt", ".hidden", "folder"):
        assert f"{name}: not in the manifest" in message
    assert "params.json: found sha256:" in message
    assert "fetch it again" in message


def test_a_file_of_the_same_size_with_one_bit_changed_is_found(folder):
    path = folder / "model.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(OutsideError, match=r"model\.skops: found sha256:"):
        verify_package(folder)


def test_a_folder_in_the_place_of_a_file_is_found(folder):
    (folder / "params.json").unlink()
    (folder / "params.json").mkdir()
    with pytest.raises(OutsideError, match=r"params\.json: not a file"):
        verify_package(folder)


@pytest.mark.parametrize("name", ["../train/model", "a/b", "..", "", "/etc/passwd"])
def test_a_manifest_that_names_a_file_elsewhere_is_refused(folder, name):
    values = json.loads((folder / "manifest.json").read_text())
    values["files"][name] = {"sha256": "sha256:" + "0" * 64, "size": 1}
    (folder / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(OutsideError, match=r"manifest\.json"):
        verify_package(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json", '{"schema": 2}'])
def test_a_manifest_that_is_none_of_ours_is_a_clear_error(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(OutsideError, match=r"manifest\.json"):
        load_manifest(folder)


def test_a_folder_without_a_manifest_is_no_package(tmp_path):
    with pytest.raises(OutsideError, match=r"manifest\.json: not found, so this is no package"):
        verify_package(tmp_path)


def test_missing_and_unexpected_parts_are_all_named_before_anything_is_written(tmp_path, parts):
    del parts["metrics.json"], parts["params.json"]
    parts["surprise.txt"] = "?"
    with pytest.raises(ConfigurationError) as error:
        build_package(tmp_path / "p", parts, ABOUT)
    assert error.value.faults == (
        "metrics.json: missing",
        "params.json: missing",
        "surprise.txt: not a part of a package",
    )
    assert not (tmp_path / "p").exists()


def test_building_again_replaces_the_folder_and_leaves_nothing_beside_it(folder, parts):
    parts["params.json"] = "{}\n"
    digest = build_package(folder, parts, ABOUT)
    verify_package(folder, digest)
    assert [path.name for path in folder.parent.iterdir()] == ["package"]


def test_a_failed_build_leaves_the_earlier_package_alone(folder, parts):
    before = model_digest(folder)
    parts["params.json"] = folder.parent / "no such file"
    with pytest.raises(FileNotFoundError):
        build_package(folder, parts, ABOUT)
    verify_package(folder, before)
    assert [path.name for path in folder.parent.iterdir()] == ["package"]


def test_what_a_killed_build_left_is_cleared_by_the_next(folder, parts):
    child = os.fork()
    if child == 0:
        package._replace_folder = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        build_package(folder, parts, ABOUT)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert len(list(folder.parent.iterdir())) == 2
    build_package(folder, parts, ABOUT)
    assert [path.name for path in folder.parent.iterdir()] == ["package"]


def test_the_packaged_model_loads_after_the_whole_package_was_verified(folder):
    model = load_packaged_model(folder, model_digest(folder))
    np.testing.assert_array_equal(model.predict(X), LogisticRegression().fit(X, Y).predict(X))
    (folder / "model-card.md").write_text("tampered")
    with pytest.raises(OutsideError, match=r"model-card\.md: found"):
        load_packaged_model(folder)


def test_a_joblib_package_loads_the_same_way(tmp_path, parts):
    save_model(tmp_path / "joblib", LogisticRegression().fit(X, Y), "joblib")
    del parts["model.skops"]
    parts["model.joblib"] = tmp_path / "joblib"
    digest = build_package(tmp_path / "p", parts, replace(ABOUT, format="joblib"))
    load_packaged_model(tmp_path / "p", digest).predict(X)


def test_what_could_not_be_read_back_is_not_written(tmp_path, parts):
    with pytest.raises(ConfigurationError, match="data_digest"):
        build_package(tmp_path / "p", parts, replace(ABOUT, data_digest="md5"))
    assert not (tmp_path / "p").exists()


def test_a_pickle_in_a_package_that_says_skops_is_not_loaded(tmp_path, parts):
    parts["model.skops"] = pickle.dumps({"a": 1})
    digest = build_package(tmp_path / "p", parts, ABOUT)
    with pytest.raises(OutsideError, match="not a skops model"):
        load_packaged_model(tmp_path / "p", digest)
