"""Branches by name: their tips, and how a commit came onto one."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.git.branch import Branch
from pipeline.adapters.git.plumbing import Git


class GitBranches:
    """The branches of `remote`, or of the repository at `root` itself without one."""

    def __init__(self, root: Path, remote: str | None = None) -> None:
        self._git = Git(root, "branches" + (f" of {remote}" if remote else ""))
        self._remote = remote

    def tip(self, branch: str) -> str | None:
        """The newest commit of a branch, fetched; None where there is no such branch."""
        return Branch(self._git, branch, self._remote).tip()

    def merged_by(self, commit: str, base: str) -> str | None:
        """The commit that brought `commit` to `base`: a merge, or itself after a fast-forward.

        None where `base` does not have it; so a squash is not seen as a merge.
        """
        tip = self.tip(base)
        if tip is None or not self._git.is_ancestor(commit, tip):
            return None
        walk = ("rev-list", "--first-parent", "--ancestry-path", f"{commit}..{tip}")
        since = self._git.run(*walk).stdout.split()
        return since[-1] if since and self._is_merge(since[-1], commit) else commit

    def _is_merge(self, merge: str, commit: str) -> bool:
        first = self._git.run("rev-parse", f"{merge}^1").stdout.strip()
        return not self._git.is_ancestor(commit, first)
