"""The files of a commit, read from git's objects: nothing is checked out, nothing is run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from pipeline.adapters.git.objects import Blob, read_objects
from pipeline.adapters.git.plumbing import MISSING, Git
from pipeline.errors import OutsideError

MAX_BYTES = 5_000_000  # no report or manifest of ours is larger
# Digests by git's id: most files are the same at the three commits that a review looks at.
_MD5S: dict[str, str] = {}


class Tree:
    """The files of `commit` in the repository at `root`; links and submodules are no files.

    Raises OutsideError where the repository does not have the commit.
    """

    def __init__(self, root: Path, commit: str) -> None:
        self._root = root
        self.commit = _git(root).require_commit(commit)

    @cached_property
    def _entries(self) -> dict[str, list[str]]:
        """Mode, kind, id and size in bytes of all that is not a folder, by path."""
        listed = _git(self._root).run("ls-tree", "-r", "-l", "-z", self.commit).stdout.split("\0")
        entries = (line.split("\t", 1) for line in listed if line)
        return {path: what.split() for what, path in entries}

    @cached_property
    def _blobs(self) -> dict[str, tuple[str, int]]:
        """The id and the size in bytes of each file's content."""
        files = ((path, what) for path, what in self._entries.items() if _is_file(what[0]))
        return {path: (blob, int(size)) for path, (_, _, blob, size) in files}

    def blob(self, path: str) -> str | None:
        """Git's id of a file's content, None where there is no file."""
        return self._blobs[path][0] if path in self._blobs else None

    @property
    def paths(self) -> frozenset[str]:
        """The path of every regular file."""
        return frozenset(self._blobs)

    @property
    def links(self) -> frozenset[str]:
        """The path of every link and submodule, which lead to what is not in this commit."""
        return frozenset(path for path, what in self._entries.items() if not _is_file(what[0]))

    def read(self, path: str) -> bytes | None:
        """The content of a file, None where there is none.

        Raises OutsideError for one of over MAX_BYTES.
        """
        return self._contents([path]).get(path)

    def text(self, path: str) -> str | None:
        """The content of a UTF-8 file; what is not UTF-8 is replaced by a question mark."""
        content = self.read(path)
        return None if content is None else content.decode("utf-8", "replace")

    def md5s(self, paths: Iterable[str]) -> dict[str, str]:
        """DVC's digest of each of `paths` that is a file here."""
        here = {path: self._blobs[path][0] for path in paths if path in self._blobs}
        new = self._contents(path for path, blob in here.items() if blob not in _MD5S)
        for path, content in new.items():
            _MD5S[here[path]] = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return {path: _MD5S[blob] for path, blob in here.items()}

    def files_below(self, folder: str) -> dict[str, bytes]:
        """Path below `folder` (which ends with a slash) -> content."""
        inside = sorted(path for path in self.paths if path.startswith(folder))
        return {p.removeprefix(folder): content for p, content in self._contents(inside).items()}

    def _contents(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Path -> content of each of `paths` that is a file here."""
        here = {path: self._blobs[path] for path in paths if path in self._blobs}
        for blob, size in here.values():
            if size > MAX_BYTES:
                raise OutsideError(f"git object {blob}: {size:,} bytes, more than {MAX_BYTES:,}.")
        found = read_objects(_git(self._root), (blob for blob, _ in here.values()), MAX_BYTES)
        return {path: _content_of(blob, found) for path, (blob, _) in here.items()}


def fetch_pull(root: Path, number: int) -> str:
    """Fetch the commits of a pull request. Returns the ref of its newest. Raises OutsideError."""
    git, ref = _git(root), f"refs/pull/{number}/head"
    kept = f"refs/perennial/pull/{number}"
    git.run("fetch", "--quiet", "--no-tags", "origin", f"+{ref}:{kept}")
    return kept


def is_newest_of(root: Path, commit: str, prefix: str) -> bool:
    """Whether a branch of the remote whose name starts with `prefix` is at `commit`, a full id.

    No branch of a fork is: those are in another repository. Raises OutsideError.
    """
    start = f"refs/heads/{prefix}"
    listed = _git(root).run("ls-remote", "origin", f"{start}*").stdout.splitlines()
    # Git lists whatever ends so too: refs/heads/a/refs/heads/... is a branch of anybody's.
    tips = {tip for tip, ref in (line.split("\t") for line in listed) if ref.startswith(start)}
    return commit in tips


def fetch_commit(root: Path, commit: str) -> None:
    """Have a commit of the remote here, if it has it; a shallow clone gets no history with it.

    Nothing happens where it is here already, or the remote does not give it.
    """
    git = _git(root)
    if git.commit_of(commit) is None:
        is_shallow = git.run("rev-parse", "--is-shallow-repository").stdout.strip() == "true"
        depth = ["--depth=1"] if is_shallow else []
        git.run("fetch", "--quiet", "--no-tags", *depth, "origin", commit, may_fail=True)


def changed_paths(root: Path, base: str, head: str) -> tuple[str, ...]:
    """The paths that differ between two commits; a renamed file counts as both of its paths."""
    listed = _git(root).run("diff", "--name-only", "--no-renames", "-z", base, head).stdout
    return tuple(path for path in listed.split("\0") if path)


def changed_blobs(git: Git, before: str, after: str, *places: str) -> dict[str, str | None]:
    """Git's id of each content that is other in `after`, by its path; None for a file that goes.

    Of commits or trees, below `places` or everywhere. A renamed file counts as both of its paths.
    """
    shown = ("diff", "--raw", "--no-abbrev", "--no-renames", "-z", before, after, "--", *places)
    cells = iter(git.run(*shown).stdout.split("\0"))
    found = {next(cells): about.split()[3] for about in cells if about}
    return {path: None if blob == MISSING else blob for path, blob in found.items()}


def merge_base(root: Path, one: str, other: str) -> str:
    """Where two branches parted. Raises OutsideError where they share nothing."""
    found = _git(root).run("merge-base", one, other, may_fail=True).stdout.strip()
    if not found:
        raise OutsideError("git: the branch shares no commit with main. Fetch the whole history.")
    return found


def former_blobs(root: Path, commit: str, paths: Iterable[str]) -> dict[str, set[str | None]]:
    """What each of `paths` was before some commit up to `commit`: ids, None for absent.

    One walk over the history of the folders that they are in. A path that never changed is left
    out.
    """
    wanted = set(paths)
    tops = sorted({path.partition("/")[0] for path in wanted})
    shown = ("log", "--format=", "--raw", "--no-abbrev", "--no-renames", "-m", "--first-parent")
    log = ("--literal-pathspecs", *shown, "-z", commit, "--", *tops)
    cells = _git(root).run(*log).stdout.split("\0")
    found: dict[str, set[str | None]] = {}
    for about, path in zip(cells[::2], cells[1::2], strict=False):
        if path in wanted:
            blob = about.split()[2]
            found.setdefault(path, set()).add(None if blob == MISSING else blob)
    return found


def trailer_of(root: Path, commit: str, name: str) -> str | None:
    """The last trailer `name` of a commit's message, None where it has none."""
    shown = f"--format=%(trailers:key={name},valueonly)"
    found = _git(root).run("show", "--no-patch", shown, commit).stdout.split()
    return found[-1] if found else None


def _is_file(mode: str) -> bool:
    return mode.startswith("100")


def _git(root: Path) -> Git:
    return Git(root, "the files of a commit")


def _content_of(blob: str, found: Mapping[str, Blob]) -> bytes:
    content = found[blob].content if blob in found else None
    if content is None:
        raise OutsideError(f"git object {blob}: not in this repository. Fetch it, then run again.")
    return content
