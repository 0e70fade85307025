"""A model package: one folder with all that serving, judging and explaining a model needs.

manifest.json lists every other file with its SHA-256, and the digest of manifest.json is the
digest of the model: one line of text pins every byte of the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pipeline.config import Count, Fraction, Section, UtcTime, parse_section
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.jsonio import load_json
from pipeline.ml.environment import versions_of

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

MANIFEST = "manifest.json"
PARTS = (  # beside the model itself
    "data-profile.json",
    "environment.txt",
    "input-schema.json",
    "metrics.json",
    "model-card.md",
    "params.json",
    "reference.json",
    "seen_ids.parquet",
)

Sha256 = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]  # no folders, no ".."


class FileEntry(Section):
    """What manifest.json says of one file; `size` is in bytes."""

    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


class Manifest(Section):
    """manifest.json. `threshold`: a score at or above it is answered as positive."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    model: str
    format: Literal["skops", "joblib"]
    threshold: Fraction
    as_of: UtcTime
    train_rows: Count
    data_digest: Sha256
    versions: dict[str, str]
    files: dict[FileName, FileEntry]

    @property
    def model_file(self) -> str:
        """The name of the model's own file."""
        return f"model.{self.format}"


@dataclass(frozen=True)
class About:
    """What a package says of its model; `data_digest` is that of the training rows."""

    model: str
    format: str
    threshold: float
    as_of: datetime
    train_rows: int
    data_digest: str


def build_package(folder: Path, parts: Mapping[str, Path | str | bytes], about: About) -> str:
    """Write the package `folder`, whole or not at all, and return the model digest.

    `parts` holds `model.<format>` and each of PARTS, as a file to copy or as content. What was in
    `folder` before is replaced. The same parts give the same bytes: no clock is asked. Raises
    ConfigurationError naming every part that is missing or not expected.
    """
    expected = {f"model.{about.format}", *PARTS}
    faults = [f"{name}: missing" for name in sorted(expected - set(parts))]
    faults += [f"{name}: not a part of a package" for name in sorted(set(parts) - expected)]
    if faults:
        raise ConfigurationError(str(folder), faults)
    beside = _beside(folder, "new")
    beside.mkdir(parents=True)
    try:
        for name, part in parts.items():
            _write_part(beside / name, part)
        _write_part(beside / MANIFEST, _render_manifest(beside, about))
        _replace_folder(folder, beside)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return model_digest(folder)


def model_digest(folder: Path) -> str:
    """The digest of the package in `folder`: `sha256:<hex>` of the bytes of its manifest.json.

    Raises OutsideError where there is none.
    """
    return _sha256(_existing(folder / MANIFEST))


def load_manifest(folder: Path) -> Manifest:
    """The manifest of the package in `folder`. Raises OutsideError where it is none of ours."""
    path = _existing(folder / MANIFEST)
    try:
        return parse_section(Manifest, load_json(path), str(path))
    except ConfigurationError as error:
        raise OutsideError(f"{error}\nFetch the package again.") from error


def verify_package(folder: Path, expected_digest: str | None = None) -> Manifest:
    """The manifest, after every file in `folder` matched it, and it `expected_digest` if given.

    Raises OutsideError naming all that does not match: missing, extra and changed files.
    """
    found_digest = model_digest(folder)
    faults = []
    if expected_digest not in (None, found_digest):
        faults.append(f"{MANIFEST}: found {found_digest}, expected {expected_digest}")
    manifest = load_manifest(folder)
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    listed = {manifest.model_file, *manifest.files}
    faults += [f"{name}: missing" for name in sorted(listed - present)]
    faults += [f"{name}: not in the manifest" for name in sorted(present - set(manifest.files))]
    for name in sorted(present & set(manifest.files)):
        faults += _mismatch(folder / name, manifest.files[name])
    if faults:
        lines = "".join(f"\n  - {fault}" for fault in faults)
        raise OutsideError(
            f"{folder}: not the package it should be:{lines}\n"
            "Delete the folder and fetch it again, or run `dvc repro` where it was made here."
        )
    return manifest


def load_packaged_model(
    folder: Path,
    expected_digest: str | None = None,
    *,
    trusted: Sequence[str] | None = None,
) -> BaseEstimator:
    """The model of the package in `folder`, after `verify_package` had nothing to say.

    It is loaded by the format of the manifest and by no other. Raises OutsideError.
    `trusted`: see `load_model`, whose own list holds if none is given.
    """
    from pipeline.ml.model_io import TRUSTED_TYPES, load_model  # noqa: PLC0415 (scikit-learn)

    manifest = verify_package(folder, expected_digest)
    entry = manifest.files[manifest.model_file]
    return load_model(
        folder / manifest.model_file,
        entry.sha256,
        manifest.format,
        trusted=trusted or TRUSTED_TYPES,
    )


def _render_manifest(folder: Path, about: About) -> str:
    files = {path.name: _describe(path) for path in sorted(folder.iterdir())}
    values: dict[str, Any] = {
        **asdict(about),
        "schema": 1,
        "as_of": about.as_of.isoformat().replace("+00:00", "Z"),
        "versions": versions_of(),
        "files": files,
    }
    parse_section(Manifest, values, MANIFEST)  # never write what could not be read
    return json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _describe(path: Path) -> dict[str, Any]:
    return {"sha256": _sha256(path), "size": path.stat().st_size}


def _mismatch(path: Path, entry: FileEntry) -> list[str]:
    if not path.is_file():
        return [f"{path.name}: not a file"]
    found = _describe(path)
    if found == entry.model_dump():
        return []
    was = f"{found['sha256']} ({found['size']:,} bytes)"
    return [f"{path.name}: found {was}, expected {entry.sha256} ({entry.size:,} bytes)"]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise OutsideError(f"{path}: not found, so this is no package. Fetch or build it again.")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _write_part(path: Path, part: Path | str | bytes) -> None:
    if isinstance(part, Path):
        shutil.copyfile(part, path)
    elif isinstance(part, str):
        path.write_text(part, encoding="utf-8", newline="\n")
    else:
        path.write_bytes(part)


def _beside(folder: Path, role: str) -> Path:
    """A fresh name next to `folder`, cleared of what a killed run left there."""
    for stale in folder.parent.glob(f".{folder.name}.{role}.*"):
        shutil.rmtree(stale, ignore_errors=True)
    return folder.with_name(f".{folder.name}.{role}.{os.getpid()}")


def _replace_folder(folder: Path, new: Path) -> None:
    """Two renames: whoever looks sees the former folder, none, or the new one; never a mixture."""
    old = _beside(folder, "old")
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
