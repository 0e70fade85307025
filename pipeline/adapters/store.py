"""DVC as the store of packages: fetched by digest from the cache or the remote, pushed to both.

No .dvc file and no commit is needed to fetch: `package_md5` in the champion pointer is DVC's own
name of the folder. DVC trusts its cache by file mode, so every object is hashed here before use.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline.credentials import without_credentials
from pipeline.dvc_objects import is_sound
from pipeline.errors import OutsideError
from pipeline.strict_yaml import parse_yaml

if TYPE_CHECKING:
    from dvc.repo import Repo

PUSH_SECONDS = 3_600


@dataclass(frozen=True)
class _Entry:
    """One file of a package and the object that holds its content."""

    path: PurePosixPath
    md5: str


def fetch_package(root: Path, package_md5: str, into: Path) -> None:
    """Put the package that DVC calls `package_md5` into the folder `into`, whole or not at all.

    What the cache of the repository at `root` lacks, or holds damaged, comes from its default
    remote. An `into` that is already right is left alone; any other is replaced. Works inside a
    running pipeline stage, and beside other processes that fetch into the same folder. Raises
    OutsideError, saying what to do, where neither has it.
    """
    from dvc.repo import Repo  # noqa: PLC0415 (takes seconds, and most jobs fetch nothing)

    with _what_to_do(root, f"package {package_md5}"), _quiet_dvc(), Repo(str(root)) as repo:
        directory = _objects(repo, [package_md5])[package_md5]
        entries = _entries(directory.read_text(encoding="utf-8"))
        objects = _objects(repo, [entry.md5 for entry in entries])
        with _alone(into):
            if not _is_already(into, entries):
                _copy(objects, entries, into)


def fetch_files(root: Path, files: Mapping[str, str], into: Path) -> None:
    """Put tracked files into the folder `into`; `files` maps paths below it to their MD5.

    Like `fetch_package` in all else.
    """
    from dvc.repo import Repo  # noqa: PLC0415 (as above)

    with _what_to_do(root, f"{len(files)} outputs"), _quiet_dvc(), Repo(str(root)) as repo:
        objects = _objects(repo, sorted(set(files.values())))
        for path, md5 in files.items():
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(objects[md5], target)


def push_outputs(root: Path, *outputs: str) -> None:
    """Push tracked `outputs` (all of them if none is named) to the default remote. Repeatable.

    `outputs` are paths as dvc.yaml has them. Raises OutsideError with DVC's own words.
    """
    command = [sys.executable, "-m", "dvc", "push", *outputs]
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PUSH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OutsideError(f"`dvc push` took over {PUSH_SECONDS} s. Run it again.") from error
    if done.returncode != 0:
        reason = without_credentials(done.stderr.strip() or done.stdout.strip())
        raise OutsideError(f"`dvc push` failed: {reason}\nNothing is lost; run it again.")


def tracked_md5(root: Path, output: str) -> str:
    """The md5 that dvc.lock records for `output`, such as `<hex>.dir` for artifacts/package.

    Raises OutsideError where it records none: `dvc repro` has not made it yet.
    """
    path = root / "dvc.lock"
    lock = parse_yaml(path.read_text(encoding="utf-8"), str(path)) if path.exists() else {}
    for stage in lock.get("stages", {}).values():
        for entry in stage.get("outs", []):
            if entry["path"] == output and "md5" in entry:
                return str(entry["md5"])
    raise OutsideError(f"{path}: no output '{output}' is recorded. Run `dvc repro` first.")


# ---------------------------------------------------------------- objects


def _objects(repo: Repo, names: list[str]) -> dict[str, Path]:
    """The cache files of `names`, each hashed, after pulling those that the cache cannot give."""
    paths = {name: Path(repo.cache.local.oid_to_path(name)) for name in names}
    missing = [name for name, path in paths.items() if not is_sound(path, name)]
    if missing:
        for name in missing:
            paths[name].unlink(missing_ok=True)  # a damaged object would be taken for present
        _pull(repo, missing)
        missing = [name for name in missing if not is_sound(paths[name], name)]
    if missing:
        raise OutsideError(
            f"{', '.join(missing)}: neither in the DVC cache nor, undamaged, in the remote "
            f"{_remote_of(repo)}. Run `dvc push` where the package was made"
        )
    return paths


def _pull(repo: Repo, names: list[str]) -> None:
    from dvc_data.hashfile.hash_info import HashInfo  # noqa: PLC0415 (heavy, as above)

    repo.cloud.pull([HashInfo("md5", name) for name in names])


def _entries(text: str) -> list[_Entry]:
    entries = [_Entry(PurePosixPath(item["relpath"]), item["md5"]) for item in json.loads(text)]
    for entry in entries:
        if entry.path.is_absolute() or ".." in entry.path.parts:
            raise OutsideError(f"{entry.path}: a package may not name files outside itself")
    return entries


# ---------------------------------------------------------------- the folder


def _is_already(into: Path, entries: list[_Entry]) -> bool:
    if not into.is_dir():
        return False
    present = {path.relative_to(into) for path in into.rglob("*") if not path.is_dir()}
    return present == {Path(entry.path) for entry in entries} and all(
        is_sound(into / entry.path, entry.md5) for entry in entries
    )


@contextmanager
def _alone(into: Path) -> Iterator[None]:
    """No other process on this machine writes the folder `into` meanwhile, or beside it.

    The file that says so stays: whoever waits for one that was removed would not be alone.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    with into.with_name(f".{into.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _copy(objects: dict[str, Path], entries: list[_Entry], into: Path) -> None:
    """Copies, never links: a link would let a change of the folder reach the cache.

    Raises OutsideError where the copy is not what it should be: another process may clean up.
    """
    for stale in into.parent.glob(f".{into.name}.*.new"):  # left by a killed run
        shutil.rmtree(stale, ignore_errors=True)
    beside = into.with_name(f".{into.name}.{os.getpid()}.new")
    try:
        for entry in entries:
            target = beside / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(objects[entry.md5], target)
        if not _is_already(beside, entries):
            raise OutsideError(f"{beside}: changed while it was written")
        shutil.rmtree(into, ignore_errors=True)
        beside.rename(into)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


# ---------------------------------------------------------------- errors


@contextmanager
def _what_to_do(root: Path, what: str) -> Iterator[None]:
    """Whatever DVC, fsspec or a cloud's client raises, as one OutsideError with the way out."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 (each cloud's client has errors of its own)
        reason = without_credentials(str(error) or type(error).__name__)
        raise OutsideError(
            f"{what} could not be fetched for {root}: {reason}. Check "
            "`dvc remote list` and its credentials, then run again: nothing was left half-written."
        ) from None


@contextmanager
def _quiet_dvc() -> Iterator[None]:
    """DVC logs tracebacks of its own for what is reported here in one sentence."""
    loggers = [logging.getLogger(name) for name in ("dvc", "dvc_data", "dvc_objects")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _remote_of(repo: Repo) -> str:
    config: dict[str, Any] = repo.config
    name = config["core"].get("remote")
    return f"'{name}' ({without_credentials(config['remote'][name]['url'])})"
