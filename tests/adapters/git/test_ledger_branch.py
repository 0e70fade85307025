"""The ledger's branch: real git, two writers, killed pushes; nothing is lost, nothing is forced."""

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.git.ledger_branch import BRANCH, LedgerBranch
from pipeline.errors import OutsideError
from tests.repository import git


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
    return folder


@pytest.fixture
def clone(tmp_path: Path, remote: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        folder = tmp_path / name
        subprocess.run(["git", "clone", "--quiet", remote, folder], check=True, capture_output=True)
        return folder

    return make


def add(number: int) -> Callable[[Any], tuple[Any, list[int]]]:
    def change(value: Any) -> tuple[Any, list[int]]:
        numbers = [*(value or {"numbers": []})["numbers"], number]
        return {"numbers": numbers}, numbers

    return change


def commits(remote: Path) -> int:
    return int(git(remote, "rev-list", "--count", BRANCH))


def test_the_first_update_makes_the_branch_and_leaves_the_checkout_alone(
    clone: Callable[[str], Path], remote: Path
) -> None:
    folder = clone("one")
    ledger = LedgerBranch(folder)
    assert ledger.read() is None
    assert ledger.update(add(1), "Add 1") == [1]
    assert json.loads(git(remote, "show", f"{BRANCH}:ledger.json")) == {"numbers": [1]}
    assert git(remote, "log", "-1", "--format=%s", BRANCH).strip() == "Add 1"
    assert git(folder, "status", "--porcelain", "--branch").strip().startswith("## No commits yet")


def test_a_change_that_changes_nothing_makes_no_commit(
    clone: Callable[[str], Path], remote: Path
) -> None:
    ledger = LedgerBranch(clone("one"))
    ledger.update(add(1), "Add 1")
    assert ledger.update(lambda value: (value, "same"), "Nothing") == "same"
    assert commits(remote) == 1


def test_two_writers_at_once_lose_nothing(clone: Callable[[str], Path], remote: Path) -> None:
    folders = [clone("one"), clone("two")]
    threads = [
        threading.Thread(
            target=lambda f=folder, o=offset: [
                LedgerBranch(f).update(add(o + k), f"Add {o + k}") for k in range(8)
            ]
        )
        for folder, offset in zip(folders, (0, 100), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = LedgerBranch(clone("three")).read()["numbers"]
    assert sorted(numbers) == [*range(8), *range(100, 108)]
    assert commits(remote) == 16  # one commit an update: nobody wrote over anybody


def test_a_writer_that_was_overtaken_computes_again(clone: Callable[[str], Path]) -> None:
    slow, quick = LedgerBranch(clone("slow")), LedgerBranch(clone("quick"))
    calls = []

    def change(value: Any) -> tuple[Any, int]:
        calls.append(value)
        if len(calls) == 1:
            quick.update(add(2), "Add 2")
        return add(1)(value)[0], len(calls)

    assert slow.update(change, "Add 1") == 2
    assert calls == [None, {"numbers": [2]}]
    assert quick.read() == {"numbers": [2, 1]}


def test_a_push_that_arrived_though_its_answer_was_lost_is_not_made_twice(
    clone: Callable[[str], Path], remote: Path
) -> None:
    ledger = LedgerBranch(clone("one"))
    ledger.update(add(1), "Add 1")
    hook = remote / "hooks" / "post-receive"  # takes the push, then breaks the connection
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")
    hook.chmod(0o755)
    assert ledger.update(add(2), "Add 2") == [1, 2]
    assert ledger.read() == {"numbers": [1, 2]}
    assert commits(remote) == 2


def test_a_remote_that_refuses_is_one_clear_error_without_credentials(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path / "one"], check=True)
    git(tmp_path / "one", "remote", "add", "origin", "http://me:hunter2@127.0.0.1:9/x.git")
    with pytest.raises(OutsideError, match=r"ls-remote.*Run again: nothing was lost") as caught:
        LedgerBranch(tmp_path / "one").read()
    assert "hunter2" not in str(caught.value)


def test_a_protected_branch_is_an_error_and_not_a_loop(
    clone: Callable[[str], Path], remote: Path
) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'branch is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(OutsideError, match=r"(?s)push.*branch is protected"):
        LedgerBranch(clone("one")).update(add(1), "Add 1")


def test_a_file_that_is_no_json_is_named(clone: Callable[[str], Path], remote: Path) -> None:
    folder = clone("one")
    (folder / "ledger.json").write_text("<<<<<<< ours")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Break it")
    git(folder, "push", "--quiet", "origin", f"HEAD:refs/heads/{BRANCH}")
    with pytest.raises(OutsideError, match=r"ledger\.json on perennial/ledger of origin: not JSON"):
        LedgerBranch(folder).read()


def test_without_a_remote_the_repository_keeps_it_itself(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    ledger = LedgerBranch(tmp_path, remote=None)
    assert ledger.update(add(1), "Add 1") == [1]
    assert ledger.update(add(2), "Add 2") == [1, 2]
    assert LedgerBranch(tmp_path, remote=None).read() == {"numbers": [1, 2]}


def test_a_token_goes_to_its_own_server_and_into_no_file(
    clone: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://forge.example")
    monkeypatch.setenv("GITHUB_TOKEN", "secret-token")
    folder = clone("one")
    LedgerBranch(folder).update(add(1), "Add 1")
    kept = [path for path in (folder / ".git").rglob("*") if path.is_file()]
    assert not any(b"secret-token" in path.read_bytes() for path in kept)
