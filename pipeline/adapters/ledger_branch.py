"""The ledger's file on a branch of its own: one writer wins, the other one looks again.

Every update is compare-and-swap: fetch, change, commit, push, never by force. A push is accepted
only on top of the commit that the change was made on, so two runners never lose each other's
events, and one that is killed before its push has changed nothing. The branch is apart from main,
whose protection no bot has to pass. No checkout is touched: git's plumbing writes the commits.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pipeline.credentials import without_credentials
from pipeline.errors import OutsideError
from pipeline.jsonio import render_json

T = TypeVar("T")

BRANCH = "perennial/ledger"
FILE = "ledger.json"
ATTEMPTS = 30
_WAIT_SECONDS = 0.1
_MISSING = "0" * 40


class LedgerBranch:
    """ledger.json on `branch` of `remote`, or of the repository at `root` itself without one."""

    def __init__(self, root: Path, remote: str | None = "origin", branch: str = BRANCH) -> None:
        self._root = root
        self._remote = remote
        self._ref = f"refs/heads/{branch}"
        self.where = f"{FILE} on {branch}" + (f" of {remote}" if remote else "")

    def read(self) -> Any:
        """The newest value; None where there is no ledger yet. Raises OutsideError."""
        return self._value_at(self._tip())

    def update(self, change: Callable[[Any], tuple[Any, T]], message: str) -> T:
        """Replace the value by what `change` makes of it, and return what it says beside.

        `change` gets None where there is no ledger yet; it is called again whenever another
        writer came first, so it must do nothing but compute. An unchanged value makes no commit.
        Raises OutsideError where git fails, or after ATTEMPTS lost races.
        """
        for attempt in range(ATTEMPTS):
            tip = self._tip()
            before = self._value_at(tip)
            after, said = change(before)
            if after == before:
                return said
            commit = self._commit(render_json(after), tip, message)
            if self._swap(tip, commit):
                return said
            longest = _WAIT_SECONDS * 2 ** min(attempt, 5)
            time.sleep(random.uniform(0, longest))  # noqa: S311 (jitter, no secret)
        raise OutsideError(f"{self.where}: other writers came first {ATTEMPTS} times. Run again.")

    def _tip(self) -> str | None:
        """The newest commit, fetched; None where the branch is not there."""
        if self._remote is None:
            found = self._git("rev-parse", "--verify", "--quiet", self._ref, may_fail=True)
            return found.stdout.strip() or None
        listed = self._git("ls-remote", self._remote, self._ref).stdout.split()
        if not listed:
            return None
        self._git("fetch", "--quiet", "--no-tags", self._remote, listed[0], may_fail=True)
        if self._git("cat-file", "-e", f"{listed[0]}^{{commit}}", may_fail=True).returncode:
            self._git("fetch", "--quiet", "--no-tags", self._remote, self._ref)
        return listed[0]

    def _value_at(self, commit: str | None) -> Any:
        if commit is None:
            return None
        text = self._git("show", f"{commit}:{FILE}").stdout
        try:
            return json.loads(text)
        except ValueError as error:
            raise OutsideError(
                f"{self.where}: not JSON ({error}). Restore it from the branch's history."
            ) from error

    def _commit(self, text: str, parent: str | None, message: str) -> str:
        blob = self._git("hash-object", "-w", "--stdin", given=text).stdout.strip()
        entry = f"100644 blob {blob}\t{FILE}\n"
        tree = self._git("mktree", given=entry).stdout.strip()
        parents = ["-p", parent] if parent else []
        return self._git("commit-tree", tree, *parents, "-m", message).stdout.strip()

    def _swap(self, tip: str | None, commit: str) -> bool:
        """Whether `commit` became the branch's tip, `tip` having been it until then."""
        if self._remote is None:
            swap = ("update-ref", self._ref, commit, tip or _MISSING)
            return self._git(*swap, may_fail=True).returncode == 0
        push = ("push", "--quiet", self._remote, f"{commit}:{self._ref}")
        pushed = self._git(*push, may_fail=True)
        if pushed.returncode == 0:
            return True
        if self._tip() == tip:
            raise self._failure("push", pushed)
        return self._tip_holds(commit)

    def _tip_holds(self, commit: str) -> bool:
        """Whether a push whose answer was lost had arrived, and others built on it since."""
        tip = self._tip()
        if tip is None:
            return False
        return self._git("merge-base", "--is-ancestor", commit, tip, may_fail=True).returncode == 0

    def _git(
        self, *arguments: str, given: str | None = None, may_fail: bool = False
    ) -> subprocess.CompletedProcess[str]:
        identity = ["-c", "user.name=perennial", "-c", "user.email=perennial@localhost"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self._root,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **_token_header(os.environ)},
        )
        if done.returncode != 0 and not may_fail:
            raise self._failure(arguments[0], done)
        return done

    def _failure(self, verb: str, done: subprocess.CompletedProcess[str]) -> OutsideError:
        reason = without_credentials(done.stderr.strip() or f"exit code {done.returncode}")
        return OutsideError(f"{self.where}: git {verb}: {reason}. Run again: nothing was lost.")


def _token_header(environment: Mapping[str, str]) -> dict[str, str]:
    """Git's configuration, by environment, to send a job's token to its own server alone.

    Checkouts keep no credentials. In the environment the token is in no file and no process list.
    """
    server, token = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_TOKEN")
    if not server or not token:
        return {}
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{server}/.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {basic}",
    }
