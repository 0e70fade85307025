"""The files of a commit, read from git's objects: nothing is checked out, nothing is run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path

from pipeline.adapters.git.plumbing import MISSING, Git
from pipeline.errors import OutsideError

MAX_BYTES = 5_000_000  # no report or manifest of ours is larger


class Tree:
    """The files of `commit` in the repository at `root`; links and submodules are no files.

    Raises OutsideError where the repository does not have the commit.
    """

    def __init__(self, root: Path, commit: str) -> None:
        self._root = root
        asked = ("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
        self.commit = _git(root).run(*asked, may_fail=True).stdout.strip()
        if not self.commit:
            raise OutsideError(f"git: no commit {commit[:60]!r}. Fetch it, then run again.")

    @cached_property
    def _blobs(self) -> dict[str, str]:
        listed = _git(self._root).run("ls-tree", "-r", "-z", self.commit).stdout.split("\0")
        entries = (line.split("\t", 1) for line in listed if line)
        return {path: what.split()[2] for what, path in entries if what.startswith("100")}

    def blob(self, path: str) -> str | None:
        """Git's id of a file's content, None where there is no file."""
        return self._blobs.get(path)

    @property
    def paths(self) -> frozenset[str]:
        """The path of every regular file."""
        return frozenset(self._blobs)

    def read(self, path: str) -> bytes | None:
        """The content of a file, None where there is none.

        Raises OutsideError for one of over MAX_BYTES.
        """
        blob = self._blobs.get(path)
        return None if blob is None else _content(self._root, blob)

    def text(self, path: str) -> str | None:
        """The content of a UTF-8 file; what is not UTF-8 is replaced by a question mark."""
        content = self.read(path)
        return None if content is None else content.decode("utf-8", "replace")

    def md5s(self, paths: Iterable[str]) -> dict[str, str]:
        """DVC's digest of each of `paths` that is a file here."""
        return {path: _md5(self._root, self._blobs[path]) for path in paths if path in self._blobs}

    def files_below(self, folder: str) -> dict[str, bytes]:
        """Path below `folder` (which ends with a slash) -> content."""
        inside = sorted(path for path in self.paths if path.startswith(folder))
        return {path.removeprefix(folder): self.read(path) or b"" for path in inside}


def fetch_pull(root: Path, number: int) -> str:
    """Fetch the commits of a pull request. Returns the ref of its newest. Raises OutsideError."""
    git, ref = _git(root), f"refs/pull/{number}/head"
    kept = f"refs/perennial/pull/{number}"
    git.run("fetch", "--quiet", "--no-tags", "origin", f"+{ref}:{kept}")
    return kept


def changed_paths(root: Path, base: str, head: str) -> tuple[str, ...]:
    """The paths that differ between two commits; a renamed file counts as both of its paths."""
    listed = _git(root).run("diff", "--name-only", "--no-renames", "-z", base, head).stdout
    return tuple(path for path in listed.split("\0") if path)


def merge_base(root: Path, one: str, other: str) -> str:
    """Where two branches parted. Raises OutsideError where they share nothing."""
    found = _git(root).run("merge-base", one, other, may_fail=True).stdout.strip()
    if not found:
        raise OutsideError("git: the branch shares no commit with main. Fetch the whole history.")
    return found


def was_there(root: Path, commit: str, path: str, blob: str | None) -> bool:
    """Whether `path` was the file with the id `blob`, or was absent (None), before `commit`."""
    shown = ("log", "--format=", "--raw", "--no-abbrev", "--no-renames", "-m", "--first-parent")
    lines = _git(root).run(*shown, commit, "--", path).stdout.splitlines()
    before = {line.split()[2] for line in lines if line.startswith(":")}
    return (blob or MISSING) in before


def trailer_of(root: Path, commit: str, name: str) -> str | None:
    """The last trailer `name` of a commit's message, None where it has none."""
    shown = f"--format=%(trailers:key={name},valueonly)"
    found = _git(root).run("show", "--no-patch", shown, commit).stdout.split()
    return found[-1] if found else None


def _git(root: Path) -> Git:
    return Git(root, "the files of a commit")


def _content(root: Path, blob: str) -> bytes:
    size = int(_git(root).run("cat-file", "-s", blob).stdout)
    if size > MAX_BYTES:
        raise OutsideError(f"git object {blob}: {size:,} bytes, more than {MAX_BYTES:,}.")
    return _git(root).run("cat-file", "blob", blob).stdout.encode("utf-8", "surrogateescape")


@cache
def _md5(root: Path, blob: str) -> str:
    """Kept, since most files are the same at the three commits that a review looks at."""
    return hashlib.md5(_content(root, blob), usedforsecurity=False).hexdigest()
