"""The branch of a proposal: what is on it, and one more commit by us on top of it.

A commit's files are those of main's tip with the proposal's laid over, so that a proposal can
undo nothing that main has got since; its parents keep every commit that anybody made. So its
workflow files are main's too: GitHub takes from a job's token only those that some branch has, and
would refuse those of a main that has moved on. The checkout is not touched: not its files, not its
index, not its branches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.adapters.git.branch import Branch
from pipeline.adapters.git.merges import is_plain_merge
from pipeline.adapters.git.plumbing import Git
from pipeline.adapters.git.proposal_files import changed_files, check_files, present_files
from pipeline.errors import OutsideError
from pipeline.forge import BranchState, Commit

TRAILER = "Perennial-Evidence"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_FIELDS = ("%H", "%an <%ae>", "%cn <%ce>", "%P", "%T", f"%(trailers:key={TRAILER},valueonly)")


class ProposalBranch:
    """`name`, beside `base`, on `remote` or in the repository itself without one."""

    def __init__(
        self, root: Path, name: str, model: str, *, remote: str | None = "origin", base: str
    ) -> None:
        self.name = name
        self.base = base
        self.model = model
        self._remote = remote
        self._git = Git(root, f"branch {name}" + (f" of {remote}" if remote else ""))
        self._branch = Branch(self._git, name, remote)
        self._base = Branch(self._git, base, remote)
        self._blobs: dict[str, tuple[bytes, str]] = {}

    def main(self) -> str:
        """The tip of the base branch, fetched. Raises OutsideError where there is none."""
        self._base.deepen()  # a shallow checkout would show main's own past as the branch's commits
        tip = self._base.tip()
        if tip is None:
            raise OutsideError(
                f"{self._git.where}: no branch {self.base} beside it. Push it first."
            )
        return tip

    def head(self) -> str:
        """The commit that is checked out here."""
        return self._git.run("rev-parse", "--verify", "HEAD").stdout.strip()

    def present_files(self) -> dict[str, bytes]:
        """What of this checkout may be proposed; see `proposal_files.present_files`."""
        return present_files(self._git, self.model)

    def changed_files(self, main: str, present: Mapping[str, bytes]) -> dict[str, bytes | None]:
        """Those that this checkout changed since it left `main`; None for one that is gone."""
        return changed_files(self._git, main, self.model, present)

    def file_at(self, commit: str, path: str) -> bytes | None:
        """A file of a commit; None where the commit does not have it."""
        return self._git.file_at(commit, path)

    def state(self, files: Mapping[str, bytes | None]) -> BranchState:
        """The branch as it is, next to what `files` would make of it. Raises OutsideError."""
        main, tip = self.main(), self._branch.tip()
        wanted = self._tree(main, files)
        return BranchState(
            name=self.name,
            tip=tip,
            main=main,
            commits=self._commits(main, tip) if tip else (),
            is_current=tip is not None and self._git.tree_of(tip) == wanted,
            main_has_all=self._git.tree_of(main) == wanted,
        )

    def push(
        self, state: BranchState, files: Mapping[str, bytes | None], message: str, evidence: str
    ) -> bool:
        """Add one commit on top of `state`; False where somebody else came first, on main too.

        Raises ConfigurationError for files that must not be proposed, OutsideError where the push
        is refused.
        """
        check_files(self._git, files, self.model)
        self._keep_out_of_checkout()
        text = f"{message.strip()}\n\n{TRAILER}: {evidence}\n"
        commit = self._git.write_commit(self._tree(state.main, files), self._parents(state), text)
        try:
            return self._branch.swap(state.tip, commit)
        except OutsideError:
            # Its workflow files may be those of the main before: with the new ones it is taken.
            if self._base.tip() == state.main:
                raise
            return False

    def _parents(self, state: BranchState) -> list[str]:
        if state.tip is None or self._git.is_ancestor(state.tip, state.main):
            return [state.main]
        has_main = self._git.is_ancestor(state.main, state.tip)
        return [state.tip] if has_main else [state.tip, state.main]

    def _tree(self, main: str, files: Mapping[str, bytes | None]) -> str:
        return self._git.write_tree(main, {path: self._blob(path, c) for path, c in files.items()})

    def _blob(self, path: str, content: bytes | None) -> str | None:
        if content is None:
            return None
        if path not in self._blobs or self._blobs[path][0] != content:
            self._blobs[path] = content, self._git.write_blob(content)
        return self._blobs[path][1]

    def _commits(self, main: str, tip: str) -> tuple[Commit, ...]:
        log = ("log", "-z", f"--format={'%x00'.join(_FIELDS)}", f"{main}..{tip}", "--")
        cells = self._git.run(*log).stdout.split("\0")
        width = len(_FIELDS)
        rows = [cells[i : i + width] for i in range(0, len(cells) - width + 1, width)]
        return tuple(self._commit(row, main) for row in rows)

    def _commit(self, row: list[str], main: str) -> Commit:
        sha, author, committer, parents, tree, trailer = row
        is_digest = _DIGEST.fullmatch(trailer.strip()) is not None
        return Commit(
            sha=sha,
            author=author,
            committer=committer,
            evidence=trailer.strip() if is_digest else None,
            is_plain_merge=is_plain_merge(self._git, parents.split(), tree, main),
        )

    def _keep_out_of_checkout(self) -> None:
        head = self._git.run("symbolic-ref", "--quiet", "HEAD", may_fail=True).stdout.strip()
        if self._remote is None and head == f"refs/heads/{self.name}":
            raise OutsideError(
                f"{self._git.where}: checked out here. Check {self.base} out and run again."
            )
