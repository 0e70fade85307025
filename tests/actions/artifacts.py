"""A run's artifacts: real zip files, found by the globs of upload-artifact."""

from __future__ import annotations

import glob
import os
import zipfile
from pathlib import Path

_MAGIC = ("*", "?", "[")


class Store:
    """The artifacts of one run, by attempt: a name is used once in each, the newest one counts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, name: str, attempt: int) -> bool:
        return self._path(name, attempt).exists()

    def put(self, name: str, attempt: int, root: Path, files: list[Path]) -> Path:
        """Keep `files`, by their paths below `root`."""
        path = self._path(name, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(root))
        return path

    def names(self) -> list[str]:
        return sorted({path.stem for path in self._folder.glob("*/*.zip")})

    def count(self, name: str) -> int:
        """How many of a name there are: each attempt may have left one."""
        return len(self._all(name))

    def get(self, name: str, target: Path) -> bool:
        """Unpack the newest of a name into `target`; False where there is none."""
        found = self._all(name)
        if not found:
            return False
        target.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(found[-1]) as archive:
            archive.extractall(target)  # zipfile keeps members inside the target
        return True

    def _all(self, name: str) -> list[Path]:
        return sorted(self._folder.glob(f"*/{glob.escape(name)}.zip"))

    def _path(self, name: str, attempt: int) -> Path:
        return self._folder / f"{attempt:04}" / f"{name}.zip"


def find(workspace: Path, lines: str, *, with_hidden: bool) -> tuple[Path, list[Path]]:
    """The root of an artifact and its files: `lines` as upload-artifact's `path` has them.

    The root is the deepest folder that holds everything searched; of one single file, its folder.
    """
    patterns = [line.strip() for line in lines.splitlines() if line.strip()]
    wanted = [p for p in patterns if not p.startswith(("!", "#"))]
    out = {path for p in patterns if p.startswith("!") for path in _files(workspace, p[1:])}
    files = {path for pattern in wanted for path in _files(workspace, pattern)} - out
    if not with_hidden:
        files = {path for path in files if not _is_hidden(path.relative_to(workspace))}
    searched = [_searched(workspace, pattern) for pattern in wanted]
    if len(searched) > 1:
        root = Path(
            os.path.commonpath([path.parent if path in files else path for path in searched])
        )
    else:
        root = searched[0].parent if searched[0].is_file() else searched[0]
    return root, sorted(files)


def _files(workspace: Path, pattern: str) -> set[Path]:
    """A folder means all that is below it."""
    found = glob.glob(str(workspace / pattern), recursive=True, include_hidden=True)  # noqa: PTH207
    files = set()
    for path in map(Path, found):
        files |= {p for p in path.rglob("*") if p.is_file()} if path.is_dir() else {path}
    return files


def _searched(workspace: Path, pattern: str) -> Path:
    """The part of a pattern in front of its first glob."""
    parts = []
    for part in Path(pattern).parts:
        if any(sign in part for sign in _MAGIC):
            break
        parts.append(part)
    return workspace.joinpath(*parts)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
