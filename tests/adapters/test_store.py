import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.adapters.store import fetch_package, push_outputs, tracked_md5
from pipeline.errors import OutsideError
from tests.servers import s3_server
from tests.servers.ports import free_port

PROJECT = Path(__file__).parents[2]
OUTPUT = "artifacts/package"
CONTENT = {"manifest.json": b'{"a": 1}\n', "model.skops": b"\0\1\2" * 5_000, "params.json": b"{}\n"}

MAKE = "python -c \"import pathlib, shutil; shutil.copytree('made', 'artifacts/package')\""
STAGE = f"""stages:
  package:
    cmd: {MAKE}
    deps: [made]
    outs: [{OUTPUT}]
"""

FETCHING_STAGE = """  compare:
    cmd: python fetch.py
    deps: [fetch.py]
    outs: [done]
"""

# What a stage does: fetch the champion while `dvc repro` is running.
FETCH = """
import sys; sys.path.insert(0, {project!r})
from pathlib import Path
from pipeline.adapters.store import fetch_package
fetch_package(Path.cwd(), {md5!r}, Path("fetched"))
Path("done").write_text("yes")
"""


# Fetches, and says when it waits for whoever fetches too. With `pause` it stops before it copies
# its last file, until it is continued.
FETCH_BESIDE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {project!r})
made = []
def watch(event, arguments):
    if event == "fcntl.flock":
        print("waits", flush=True)
    if event == "os.mkdir" and ".new" in str(arguments[0]) and {pause}:
        made.append(event)
        if len(made) == {last}:
            os.kill(os.getpid(), signal.SIGSTOP)
from pipeline.adapters.store import fetch_package
sys.addaudithook(watch)
fetch_package(Path.cwd(), {md5!r}, Path({into!r}))
"""


@dataclass(frozen=True)
class Repository:
    root: Path

    def dvc(self, *arguments):
        environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        subprocess.run(
            [sys.executable, "-m", "dvc", *arguments],
            cwd=self.root,
            env=environment,
            check=True,
            capture_output=True,
        )

    @property
    def md5(self):
        return tracked_md5(self.root, OUTPUT)

    def cached(self, md5):
        return self.root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]

    def stored(self, md5):
        return self.root / "remote" / "files" / "md5" / md5[:2] / md5[2:]

    def forget(self):
        """As a fresh clone on another machine: no cache, no workspace copy."""
        shutil.rmtree(self.root / ".dvc" / "cache")
        shutil.rmtree(self.root / "artifacts", ignore_errors=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A git and DVC repository whose one stage has made a package and pushed it to a folder."""
    root = tmp_path_factory.mktemp("made")
    repository = Repository(root)
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    repository.dvc("init", "-q")
    repository.dvc("remote", "add", "-q", "-d", "store", "remote")
    repository.dvc("config", "core.check_update", "false")
    (root / "made").mkdir()
    for name, content in CONTENT.items():
        (root / "made" / name).write_bytes(content)
    (root / "dvc.yaml").write_text(STAGE)
    repository.dvc("repro", "-q")
    push_outputs(root, OUTPUT)
    return repository


@pytest.fixture
def repository(made, tmp_path):
    """A copy of its own for each test; the remote's path is relative, so it moves along."""
    root = tmp_path / "repository"
    shutil.copytree(made.root, root)
    return Repository(root)


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def damage(path):
    """Change one byte, size and mode kept: what DVC itself does not look for."""
    mode = stat.S_IMODE(path.stat().st_mode)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    path.chmod(mode)


def md5_of(name):
    return hashlib.md5(CONTENT[name], usedforsecurity=False).hexdigest()


def test_the_lock_file_tells_dvcs_name_of_the_package(repository):
    assert repository.md5.endswith(".dir")
    listing = json.loads(repository.cached(repository.md5).read_text())
    assert {item["relpath"] for item in listing} == set(CONTENT)


def test_an_output_that_was_never_made_has_no_name(repository, tmp_path):
    with pytest.raises(OutsideError, match="no output 'artifacts/other' is recorded"):
        tracked_md5(repository.root, "artifacts/other")
    with pytest.raises(OutsideError, match="Run `dvc repro` first"):
        tracked_md5(tmp_path, OUTPUT)


def test_a_package_comes_from_the_cache_while_the_remote_is_away(repository, tmp_path):
    shutil.rmtree(repository.root / "remote")
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    assert content_of(tmp_path / "into") == CONTENT


def test_a_package_comes_from_the_remote_when_the_cache_is_empty(repository, tmp_path):
    repository.forget()
    fetch_package(repository.root, repository.md5, tmp_path / "deep" / "into")
    assert content_of(tmp_path / "deep" / "into") == CONTENT


def test_a_half_empty_cache_is_filled_up(repository, tmp_path):
    repository.cached(md5_of("model.skops")).unlink()
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    assert content_of(tmp_path / "into") == CONTENT


def test_fetching_twice_changes_nothing_the_second_time(repository, tmp_path):
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    before = {path: path.stat().st_ino for path in (tmp_path / "into").iterdir()}
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    assert {path: path.stat().st_ino for path in (tmp_path / "into").iterdir()} == before


def test_a_folder_that_is_not_the_package_is_replaced(repository, tmp_path):
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    (tmp_path / "into" / "params.json").write_text("changed")
    (tmp_path / "into" / "extra").write_text("extra")
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    assert content_of(tmp_path / "into") == CONTENT
    beside = {path.name for path in tmp_path.iterdir() if "into" in path.name}
    assert beside == {"into", ".into.lock"}


def test_what_a_killed_fetch_left_beside_the_folder_is_cleared(repository, tmp_path):
    (tmp_path / ".into.1.new").mkdir()
    (tmp_path / ".into.1.new" / "half").write_text("half")
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    assert not (tmp_path / ".into.1.new").exists()


def test_two_processes_that_fetch_the_same_package_put_it_there_whole(repository, tmp_path):
    into = tmp_path / "into"

    def fetching(*, pause):
        values = {"project": str(PROJECT), "md5": repository.md5, "into": str(into)}
        script = FETCH_BESIDE.format(pause=pause, last=len(CONTENT), **values)
        command = [sys.executable, "-c", script]
        return subprocess.Popen(command, cwd=repository.root, stdout=subprocess.PIPE)

    with fetching(pause=True) as first:
        _, status = os.waitpid(first.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        with fetching(pause=False) as second:
            second.stdout.readline()  # it waits for the first, or has ended
            first.send_signal(signal.SIGCONT)
            assert (first.wait(60), second.wait(60)) == (0, 0)
    assert content_of(into) == CONTENT


def test_changing_a_fetched_file_does_not_reach_the_cache(repository, tmp_path):
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    (tmp_path / "into" / "params.json").write_text("changed")
    assert repository.cached(md5_of("params.json")).read_bytes() == CONTENT["params.json"]


def test_a_damaged_cache_object_is_detected_and_fetched_anew(repository, tmp_path):
    damage(repository.cached(md5_of("model.skops")))
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    assert content_of(tmp_path / "into") == CONTENT


def test_a_damaged_listing_is_detected_and_fetched_anew(repository, tmp_path):
    damage(repository.cached(repository.md5))
    fetch_package(repository.root, repository.md5, tmp_path / "into")
    assert content_of(tmp_path / "into") == CONTENT


def test_a_damaged_object_in_cache_and_remote_is_an_error_and_leaves_nothing(repository, tmp_path):
    name = md5_of("model.skops")
    damage(repository.cached(name))
    damage(repository.stored(name))
    with pytest.raises(OutsideError, match=f"{name}: neither in the DVC cache nor, undamaged"):
        fetch_package(repository.root, repository.md5, tmp_path / "into")
    assert not (tmp_path / "into").exists()


def test_a_package_that_nobody_has_says_to_push_it(repository, tmp_path):
    repository.forget()
    unknown = "0" * 32 + ".dir"
    with pytest.raises(OutsideError, match="Run `dvc push` where the package was made"):
        fetch_package(repository.root, unknown, tmp_path / "into")


def test_a_remote_folder_that_is_gone_is_a_clear_error(repository, tmp_path):
    repository.forget()
    shutil.rmtree(repository.root / "remote")
    with pytest.raises(OutsideError, match=f"package {repository.md5} could not be fetched"):
        fetch_package(repository.root, repository.md5, tmp_path / "into")


def test_no_remote_at_all_says_how_to_add_one(repository, tmp_path):
    repository.forget()
    repository.dvc("remote", "remove", "store")
    with pytest.raises(OutsideError, match="dvc remote add -d"):
        fetch_package(repository.root, repository.md5, tmp_path / "into")


def test_a_folder_without_dvc_is_a_clear_error(tmp_path):
    with pytest.raises(OutsideError, match="could not be fetched"):
        fetch_package(tmp_path, "0" * 32 + ".dir", tmp_path / "into")


def test_fetching_works_from_within_a_running_stage(repository):
    md5 = repository.md5
    repository.forget()
    script = repository.root / "fetch.py"
    script.write_text(FETCH.format(project=str(PROJECT), md5=md5))
    stage = (
        f"  compare:\n    cmd: {sys.executable} fetch.py\n    deps: [fetch.py]\n    outs: [done]\n"
    )
    (repository.root / "dvc.yaml").write_text(STAGE + stage)
    repository.dvc("repro", "compare")
    assert content_of(repository.root / "fetched") == CONTENT


def test_pushing_again_is_no_fault(repository):
    push_outputs(repository.root, OUTPUT)
    push_outputs(repository.root)


def test_a_push_that_fails_tells_dvcs_reason(repository):
    with pytest.raises(OutsideError, match=r"(?s)`dvc push` failed: .*artifacts/none"):
        push_outputs(repository.root, "artifacts/none")


# ---------------------------------------------------------------- S3


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with s3_server.running(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def on_s3(repository, s3, monkeypatch):
    """The repository with a bucket of its own as the default remote."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{free_port()}-{os.getpid()}"
    s3.client().create_bucket(Bucket=bucket)
    repository.dvc("remote", "add", "-q", "-f", "-d", "store", f"s3://{bucket}/dvc")
    repository.dvc("remote", "modify", "-q", "store", "endpointurl", s3.url)
    return repository


def test_a_package_travels_through_an_s3_remote(on_s3, s3, tmp_path):
    push_outputs(on_s3.root, OUTPUT)
    on_s3.forget()
    fetch_package(on_s3.root, on_s3.md5, tmp_path / "into")
    assert content_of(tmp_path / "into") == CONTENT


def test_an_object_that_the_bucket_lost_is_named(on_s3, s3, tmp_path):
    push_outputs(on_s3.root, OUTPUT)
    on_s3.forget()
    lost = md5_of("model.skops")
    for bucket in (item["Name"] for item in s3.client().list_buckets()["Buckets"]):
        s3.client().delete_object(Bucket=bucket, Key=f"dvc/files/md5/{lost[:2]}/{lost[2:]}")
    with pytest.raises(OutsideError, match=lost):
        fetch_package(on_s3.root, on_s3.md5, tmp_path / "into")


def test_an_s3_remote_that_is_down_is_a_clear_error(on_s3, tmp_path):
    on_s3.forget()
    on_s3.dvc("remote", "modify", "-q", "store", "endpointurl", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(OutsideError, match="then run again") as error:
        fetch_package(on_s3.root, on_s3.md5, tmp_path / "into")
    assert "test-secret" not in str(error.value)
    assert not (tmp_path / "into").exists()
