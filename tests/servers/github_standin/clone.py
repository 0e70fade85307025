"""Somebody's clone: commits are made in it and pushed over the file path, with real git."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.repository import commit, git
from tests.servers.github_standin.git_backend import BareRepository


class Clone:
    """A clone in `folder`; the bare repository gets a main branch if it has none."""

    def __init__(self, bare: BareRepository, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--template=", "--initial-branch=main")
        git(folder, "remote", "add", "origin", str(bare.path))
        if "refs/heads/main" not in bare.refs():
            self.push("main", {"README.md": "start\n"}, start=None)

    def push(
        self,
        branch: str,
        files: Mapping[str, str],
        *,
        start: str | None = "main",
        is_forced: bool = False,
    ) -> str:
        """Commit `files` on top of the branch and push; returns the commit.

        A branch that is new, or `is_forced`, starts anew at the remote's branch `start`.
        """
        git(self.folder, "fetch", "--quiet", "--prune", "origin")
        remote = git(self.folder, "branch", "--remotes", "--list", f"origin/{branch}").strip()
        if start is not None:
            begin = f"origin/{start}" if is_forced or not remote else f"origin/{branch}"
            git(self.folder, "checkout", "--quiet", "-B", branch, begin)
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")
        commit(self.folder, f"Change {', '.join(files) or 'nothing'}")
        force = ["--force"] if is_forced else []
        git(self.folder, "push", "--quiet", *force, "origin", f"HEAD:refs/heads/{branch}")
        return git(self.folder, "rev-parse", "HEAD").strip()

    def delete(self, branch: str) -> None:
        """Delete the branch of the bare repository."""
        git(self.folder, "push", "--quiet", "origin", f":refs/heads/{branch}")
