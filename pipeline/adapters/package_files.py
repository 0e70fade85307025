"""Whether packages are there and whole, as plain files: without DVC and the training stack.

DVC keeps each file under its MD5 and a folder as a list of them, in its cache and in its remote
alike. What is far away, in a bucket, is not looked for here: that needs DVC and its credentials.
"""

from __future__ import annotations

import configparser
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.dvc_objects import file_md5, is_sound
from pipeline.errors import OutsideError


@dataclass(frozen=True)
class Found:
    """`place` holds every file of the package, undamaged; None where no place on this disk does.

    `is_all_known` is False where DVC keeps packages in a place that cannot be looked at from here:
    a bucket, or another machine, where this one has neither a cache nor the remote's folder.
    """

    place: str | None
    is_all_known: bool


def folder_md5(folder: Path) -> str:
    """What DVC calls a folder: `<hex>.dir`, the MD5 of the list of its files and their MD5s."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    listed = [{"md5": file_md5(folder / name), "relpath": name} for name in names]
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"  # noqa: S324


def find_package(root: Path, package_md5: str) -> Found:
    """Where on this disk the package `package_md5` is whole: the cache, or a remote in a folder."""
    config = _config(root)
    places = [(place, folder) for place, folder in _places(root, config) if folder.is_dir()]
    for place, folder in places:
        if _is_whole(folder, package_md5):
            return Found(place, True)
    return Found(None, bool(places) and _remote_folder(root, config) is not None)


def package_objects(root: Path, package_md5: str) -> tuple[str, dict[str, Path]] | None:
    """The first place on this disk that has a package, and the object of each file by its name.

    None where no place has its list. An object that is damaged or gone is still named.
    """
    for place, folder in _places(root, _config(root)):
        listing = _object(folder, package_md5)
        if is_sound(listing, package_md5):
            entries = json.loads(listing.read_text(encoding="utf-8"))
            return place, {str(e["relpath"]): _object(folder, str(e["md5"])) for e in entries}
    return None


def find_object(root: Path, name: str) -> tuple[str, Path] | None:
    """The first place on this disk that has the object `name`, damaged or not; None without one."""
    for place, folder in _places(root, _config(root)):
        if _object(folder, name).is_file():
            return place, _object(folder, name)
    return None


def _config(root: Path) -> configparser.ConfigParser:
    config = configparser.ConfigParser(interpolation=None, strict=False)
    files = [root / ".dvc" / "config", root / ".dvc" / "config.local"]
    config.read([path for path in files if path.is_file()], encoding="utf-8")
    return config


def _places(root: Path, config: configparser.ConfigParser) -> Iterator[tuple[str, Path]]:
    cache = config.get("cache", "dir", fallback="cache")
    yield "the DVC cache", root / ".dvc" / cache
    remote = _remote_folder(root, config)
    if remote is not None:
        yield "the DVC remote", remote


def _remote_folder(root: Path, config: configparser.ConfigParser) -> Path | None:
    """The default remote where it is a folder; None where there is none, or it is a bucket."""
    name = config.get("core", "remote", fallback=None)
    url = config.get(f"'remote \"{name}\"'", "url", fallback=None)
    return None if url is None or "://" in url else root / ".dvc" / url


def _is_whole(folder: Path, package_md5: str) -> bool:
    """Whether the list of the package and each file that it names are there and undamaged."""
    listing = _object(folder, package_md5)
    if not is_sound(listing, package_md5):
        return False
    names = [entry["md5"] for entry in json.loads(listing.read_text(encoding="utf-8"))]
    return bool(names) and all(is_sound(_object(folder, name), name) for name in names)


def _object(folder: Path, name: str) -> Path:
    return folder / "files" / "md5" / name[:2] / name[2:]


# ---------------------------------------------------------------- the challenger's own package


@dataclass(frozen=True)
class PackageManifest:
    """What the manifest.json of a package says. `digest` is that of its bytes, `raw` those."""

    digest: str
    as_of: datetime
    train_rows: int
    data_digest: str
    format: str
    files: Mapping[str, str]  # name -> sha256:<hex>
    raw: bytes


def read_manifest(path: Path) -> PackageManifest:
    """The manifest of a model package. Raises OutsideError where the file is none."""
    try:
        raw = path.read_bytes()
        value = json.loads(raw)
        return PackageManifest(
            digest=_sha256(raw),
            as_of=datetime.fromisoformat(value["as_of"]),
            train_rows=int(value["train_rows"]),
            data_digest=str(value["data_digest"]),
            format=str(value["format"]),
            files={str(name): str(entry["sha256"]) for name, entry in value["files"].items()},
            raw=raw,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutsideError(
            f"{path}: not the manifest of a package ({type(error).__name__}: {error}). "
            "Fetch the package again, or run `dvc repro`."
        ) from error


def is_whole_here(folder: Path, manifest: PackageManifest) -> bool:
    """Whether the model itself is in `folder`: a job that moves texts alone has the rest only."""
    return (folder / f"model.{manifest.format}").is_file()


def package_faults(folder: Path, manifest: PackageManifest) -> tuple[str, ...]:
    """Each file of the package that is missing, changed, or not in its manifest.

    Where the model itself is not in `folder`, what is missing is elsewhere, and no fault.
    """
    present = {path.name for path in folder.iterdir()} - {"manifest.json"}
    wanted = set(manifest.files) if is_whole_here(folder, manifest) else set()
    faults = [f"{name} is missing from the package" for name in sorted(wanted - present)]
    if f"model.{manifest.format}" not in manifest.files:
        faults.append("the package's manifest names no model")
    for name in sorted(present):
        path = folder / name
        digest = _sha256(path.read_bytes()) if path.is_file() else None
        if digest != manifest.files.get(name):
            faults.append(f"{name} is not what the package's manifest says")
    return tuple(faults)


def _sha256(raw: bytes) -> str:
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"
