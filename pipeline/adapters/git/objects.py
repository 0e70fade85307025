"""Many objects and commits at once: two processes for a thousand files, not a thousand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.adapters.git.plumbing import Git

_FIELDS = ("%H", "%an", "%s", "%(trailers:key=Approved-by,key=Reviewed-by,valueonly)")


@dataclass(frozen=True)
class Blob:
    """A file's id and content; `content` is None where it is larger than was asked for."""

    id: str
    content: bytes | None


@dataclass(frozen=True)
class CommitFacts:
    """A commit's author, subject and the people whom its trailers name as reviewers."""

    author: str
    subject: str
    reviewers: tuple[str, ...]


def read_objects(git: Git, names: Iterable[str], most_bytes: int) -> dict[str, Blob]:
    """Each of `names` that is a file: an id, or `<commit>:<path>` without line breaks.

    Raises OutsideError where git fails.
    """
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return {}
    told = git.run("cat-file", "--batch-check", given=_lines(wanted)).stdout.splitlines()
    files: dict[str, tuple[str, int]] = {}
    for name, line in zip(wanted, told, strict=True):
        cells = line.rsplit(" ", 2)
        # Of a name that ends with " blob" and is missing: "… blob missing".
        if len(cells) == 3 and cells[1] == "blob" and cells[2].isdigit():
            files[name] = cells[0], int(cells[2])
    small = [blob for blob, size in dict.fromkeys(files.values()) if size <= most_bytes]
    raw = git.run("cat-file", "--batch", given=_lines(small)).stdout if small else ""
    contents = _contents(raw.encode("utf-8", "surrogateescape"))
    return {name: Blob(blob, contents.get(blob)) for name, (blob, _) in files.items()}


def read_commits(git: Git, commits: Iterable[str]) -> dict[str, CommitFacts]:
    """What people wrote into each of `commits`, by its full id. Raises OutsideError."""
    wanted = list(dict.fromkeys(commits))
    if not wanted:
        return {}
    form = "%x00".join(_FIELDS)
    log = ("log", "--no-walk=unsorted", "-z", f"--format={form}", "--stdin")
    cells = git.run(*log, given=_lines(wanted)).stdout.split("\0")
    width = len(_FIELDS)
    rows = (cells[i : i + width] for i in range(0, len(cells) - width + 1, width))
    return {
        row[0].strip(): CommitFacts(
            row[1], row[2], tuple(name.strip() for name in row[3].splitlines() if name.strip())
        )
        for row in rows
    }


def _lines(names: Sequence[str]) -> str:
    return "".join(f"{name}\n" for name in names)


def _contents(raw: bytes) -> dict[str, bytes]:
    """The blobs in an answer of `git cat-file --batch`: a line with the size before each."""
    found, start = {}, 0
    while start < len(raw):
        end = raw.index(b"\n", start)
        blob, _, size = raw[start:end].decode().split()
        found[blob] = raw[end + 1 : end + 1 + int(size)]
        start = end + int(size) + 2
    return found
