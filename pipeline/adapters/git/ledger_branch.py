"""The ledger's file on a branch of its own: one writer wins, the other one looks again.

Every update is compare-and-swap: fetch, change, commit, push, never by force. A push is accepted
only on top of the commit that the change was made on, so two runners never lose each other's
events, and one that is killed before its push has changed nothing. The branch is apart from main,
whose protection no bot has to pass.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pipeline.adapters.git.branch import Branch
from pipeline.adapters.git.plumbing import Git
from pipeline.errors import OutsideError
from pipeline.jsonio import render_json

T = TypeVar("T")

BRANCH = "perennial/ledger"
FILE = "ledger.json"
ATTEMPTS = 30
_WAIT_SECONDS = 0.1


class LedgerBranch:
    """ledger.json on `branch` of `remote`, or of the repository at `root` itself without one."""

    def __init__(self, root: Path, remote: str | None = "origin", branch: str = BRANCH) -> None:
        self.where = f"{FILE} on {branch}" + (f" of {remote}" if remote else "")
        self._git = Git(root, self.where)
        self._branch = Branch(self._git, branch, remote)

    def read(self) -> Any:
        """The newest value; None where there is no ledger yet. Raises OutsideError."""
        return self._value_at(self._branch.tip())

    def update(self, change: Callable[[Any], tuple[Any, T]], message: str) -> T:
        """Replace the value by what `change` makes of it, and return what it says beside.

        `change` gets None where there is no ledger yet; it is called again whenever another
        writer came first, so it must do nothing but compute. An unchanged value makes no commit.
        Raises OutsideError where git fails, or after ATTEMPTS lost races.
        """
        for attempt in range(ATTEMPTS):
            tip = self._branch.tip()
            before = self._value_at(tip)
            after, said = change(before)
            if after == before:
                return said
            commit = self._commit(render_json(after), tip, message)
            if self._branch.swap(tip, commit):
                return said
            longest = _WAIT_SECONDS * 2 ** min(attempt, 5)
            time.sleep(random.uniform(0, longest))  # noqa: S311 (jitter, no secret)
        raise OutsideError(f"{self.where}: other writers came first {ATTEMPTS} times. Run again.")

    def _value_at(self, commit: str | None) -> Any:
        if commit is None:
            return None
        text = self._git.run("show", f"{commit}:{FILE}").stdout
        try:
            return json.loads(text)
        except ValueError as error:
            raise OutsideError(
                f"{self.where}: not JSON ({error}). Restore it from the branch's history."
            ) from error

    def _commit(self, text: str, parent: str | None, message: str) -> str:
        tree = self._git.write_tree(None, {FILE: self._git.write_blob(text.encode())})
        return self._git.write_commit(tree, [parent] if parent else [], message)
