"""The branch that holds the rollouts: its newest commit, and one more on top of it.

Every push is compare-and-swap, for each model by itself: a commit is made only on top of a tip
whose rollouts/<model>/ is what the decision was made from. Other models and other people may push
meanwhile; nothing is ever forced.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pipeline.adapters.git.branch import Branch
from pipeline.adapters.git.plumbing import Git
from pipeline.errors import OutsideError
from pipeline.rolling.snapshot import Snapshot, tree_of_model

MAIN = "main"
ATTEMPTS = 30
_SEEN = "refs/perennial/seen"
_LOCK_SECONDS = 60.0  # writing one ref takes milliseconds


class RolloutRepository:
    """`branch` of `remote`, or of the repository at `root` itself without one.

    Safe between threads. A checkout of the branch at `root` follows where there is no remote.
    """

    def __init__(self, root: Path, remote: str | None = "origin", branch: str = MAIN) -> None:
        self.root = root
        self.branch = branch
        self._remote = remote
        self._git = Git(root, f"rollouts on {branch}" + (f" of {remote}" if remote else ""))
        self._branch = Branch(self._git, branch, remote)
        self._lock = threading.Lock()
        self._marked: str | None = None
        self._newest: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        """The newest commit, fetched with its whole past. Raises OutsideError."""
        with self._lock:
            tip = self._tip()
            if self._newest is None:
                self._newest = Snapshot(self._git, tip)
            elif self._newest.commit != tip:
                self._newest = self._newest.at_newer(tip)
            return self._newest

    def require_place(self) -> None:
        """Raises ConfigurationError where there is no repository or no remote; asks no server."""
        self._git.require_place(self._remote)

    def last_known(self) -> Snapshot | None:
        """What `snapshot` found last, in this process or an earlier one; asks no server."""
        found = self._git.commit_of(f"{_SEEN}/{self.branch}")
        return Snapshot(self._git, found) if found else None

    def checked_out(self, commit: str) -> Snapshot | None:
        """The checkout's HEAD where it is `commit`, with its whole past; asks no server."""
        head = self._git.run("rev-parse", "HEAD", may_fail=True).stdout.strip()
        shallow = self._git.run("rev-parse", "--is-shallow-repository").stdout.strip()
        return Snapshot(self._git, head) if head == commit and shallow == "false" else None

    def commit(
        self, seen: Snapshot, model: str, files: Mapping[str, bytes | None], message: str
    ) -> bool:
        """Add one commit with `files` (by path; None takes one away), decided on from `seen`.

        False where rollouts/<model>/ is not as it was in `seen`: decide again from the newest.
        Raises OutsideError where git fails.
        """
        blobs = {p: None if c is None else self._git.write_blob(c) for p, c in files.items()}
        for _ in range(ATTEMPTS):
            with self._lock:
                tip = self._tip()
                if tip != seen.commit and self._differ(model, tip, seen.commit):
                    return False
                tree = self._git.write_tree(tip, blobs)
                if self._swap(tip, self._git.write_commit(tree, [tip], message)):
                    return True
        raise OutsideError(f"{self._git.where}: others came first {ATTEMPTS} times. Run again.")

    def commit_exactly(self, seen: Snapshot, blobs: Mapping[str, str | None], message: str) -> bool:
        """Add one commit with `blobs` by path, where the newest commit is still that of `seen`.

        For what depends on more than one model's folder. False where anybody came first.
        """
        with self._lock:
            tree = self._git.write_tree(seen.commit, blobs)
            made = self._git.write_commit(tree, [seen.commit], message)
            return self._swap(seen.commit, made)

    def beside(self, name: str) -> tuple[Git, Branch]:
        """Another branch of the same place, and git to write with."""
        return self._git, Branch(self._git, name, self._remote)

    def _differ(self, model: str, one: str, other: str) -> bool:
        return tree_of_model(self._git, one, model) != tree_of_model(self._git, other, model)

    def _tip(self) -> str:
        self._branch.deepen()  # reverted records are known from history alone
        tip = self._branch.tip()
        if tip is None:
            raise OutsideError(f"{self._git.where}: there is no such branch. Push it first.")
        self._bookmark(tip)
        return tip

    def _bookmark(self, tip: str) -> None:
        """Remember `tip` for a time without a server. Who cannot write that goes on without it.

        A git that was killed meanwhile leaves the ref's lock, which no other git ever takes away.
        """
        if tip == self._marked:
            return
        ref = f"{_SEEN}/{self.branch}"
        with suppress(OutsideError):
            if self._git.run("update-ref", ref, tip, may_fail=True).exit_code != 0:
                self._remove_old_lock(ref)
                self._git.run("update-ref", ref, tip)
            self._marked = tip

    def _remove_old_lock(self, ref: str) -> None:
        place = self._git.run("rev-parse", "--git-path", f"{ref}.lock").stdout.strip()
        lock = self.root / place
        with suppress(OSError):
            if time.time() - lock.stat().st_mtime > _LOCK_SECONDS:
                lock.unlink()

    def _swap(self, tip: str, commit: str) -> bool:
        if self._remote is not None or not self._is_checked_out():
            return self._branch.swap(tip, commit)
        # A checkout of the branch has to follow, or its next commit would undo this one.
        merge = ("merge", "--quiet", "--ff-only", commit)
        if self._git.run(*merge, may_fail=True).exit_code == 0:
            return True
        if self._branch.tip() != tip:
            return False
        raise OutsideError(
            f"{self._git.where}: the checkout cannot follow. Commit or undo what is changed below "
            "rollouts/, then run again."
        )

    def _is_checked_out(self) -> bool:
        head = self._git.run("symbolic-ref", "--quiet", "HEAD", may_fail=True).stdout.strip()
        bare = self._git.run("rev-parse", "--is-bare-repository").stdout.strip()
        return head == f"refs/heads/{self.branch}" and bare == "false"
