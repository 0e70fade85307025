"""Which files a retrain may propose: what it wrote, and never data, a model or anybody else's.

Paths come from git and from disk, and a training run is a stranger here: each is checked again
before it is pushed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pipeline.adapters.git.plumbing import Git
from pipeline.errors import ConfigurationError

MAX_FILE_BYTES = 5_000_000  # reports and pictures are far below it; a data set seldom is
FILES = ("dvc.lock", "params.yaml")
FOLDERS = ("artifacts", "evidence")


def present_files(git: Git, model: str) -> dict[str, bytes]:
    """The files of this checkout that a retrain may propose, by path, committed here or not.

    Raises ConfigurationError naming every one that must not be proposed, before any is read.
    """
    listed = git.run(
        *("--literal-pathspecs", "ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        *("--", *_places(model)),
    ).stdout.split("\0")
    there = sorted({path for path in listed if path and _is_there(git.root / path)})
    paths = [path for path in there if not _is_of_others(path, model)]
    check_paths(git, paths, model)
    return {path: (git.root / path).read_bytes() for path in paths}


def changed_files(
    git: Git, main: str, model: str, present: Mapping[str, bytes]
) -> dict[str, bytes | None]:
    """Those of `present` that this checkout changed since it left `main`; None for one gone."""
    start = git.run("merge-base", "HEAD", main).stdout.strip()
    before = _blobs_at(git, start, model)
    found: dict[str, bytes | None] = {
        path: content for path, content in present.items() if before.get(path) != _blob_id(content)
    }
    gone = [path for path in before if path not in present and not _is_of_others(path, model)]
    return dict(sorted({**found, **dict.fromkeys(gone)}.items()))


def check_paths(git: Git, paths: list[str], model: str) -> None:
    """Raise ConfigurationError naming every path, on disk here, that must not be proposed."""
    faults = [f"{path!r:.200}: {fault}" for path in paths if (fault := _disk_fault(git.root, path))]
    _refuse([*faults, *_path_faults(git, paths, model)])


def check_files(git: Git, files: Mapping[str, bytes | None], model: str) -> None:
    """Raise ConfigurationError naming every one of `files` that must not be proposed."""
    too_long = [path for path, content in files.items() if len(content or b"") > MAX_FILE_BYTES]
    faults = [f"{path!r:.200}: more than {MAX_FILE_BYTES:,} bytes" for path in too_long]
    _refuse([*faults, *_path_faults(git, list(files), model)])


def path_fault(path: str, model: str) -> str | None:
    """Why `path` may not be proposed for `model`; None where it may."""
    parts = path.split("/")
    is_plain = path.isprintable() and "\\" not in path and len(path) <= 250
    if not is_plain or any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        return "not a plain path inside the repository"
    if not any(path == place or path.startswith(f"{place}/") for place in _places(model)):
        return f"expected one below {', '.join(_places(model))}"
    return "other hands write this file" if _is_of_others(path, model) else None


def _places(model: str) -> tuple[str, ...]:
    return (*FOLDERS, f"rollouts/{model}", *FILES)


def _is_of_others(path: str, model: str) -> bool:
    """A proposal writes the manifest; the rest beside it is the reconciler's, or a person's."""
    folder = f"rollouts/{model}/"
    return path.startswith(folder) and path != f"{folder}rollout.yaml"


def _path_faults(git: Git, paths: list[str], model: str) -> list[str]:
    faults = [f"{path!r:.200}: {fault}" for path in paths if (fault := path_fault(path, model))]
    asked = "".join(f"{path}\0" for path in paths if path_fault(path, model) is None)
    check = ("check-ignore", "--no-index", "-z", "--stdin")
    ignored = git.run(*check, given=asked, may_fail=True).stdout.split("\0") if asked else []
    return [*faults, *(f"{path!r:.200}: git ignores it" for path in ignored if path)]


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _disk_fault(root: Path, path: str) -> str | None:
    place = root / path
    if place.resolve() != root.resolve() / path or not place.is_file():
        return "a link, or no file"
    size = place.stat().st_size
    return f"{size:,} bytes, more than {MAX_FILE_BYTES:,}" if size > MAX_FILE_BYTES else None


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ConfigurationError("files to propose", faults)


def _blobs_at(git: Git, commit: str, model: str) -> dict[str, str]:
    listing = ("--literal-pathspecs", "ls-tree", "-r", "-z", commit, "--", *_places(model))
    rows = [row.split("\t", 1) for row in git.run(*listing).stdout.split("\0") if row]
    return {path: about.split()[2] for about, path in rows}


def _blob_id(content: bytes) -> str:
    kept = b"blob %d\0" % len(content) + content
    return hashlib.sha1(kept, usedforsecurity=False).hexdigest()
