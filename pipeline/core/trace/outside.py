"""Links to what lies outside git: the registry's alias and version, the store's objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.core.trace.links import Check, Link


@dataclass(frozen=True)
class Stored:
    """A package where DVC keeps it: what is there by name, and what the manifest names."""

    place: str
    digest: str  # of its manifest.json
    found: Mapping[str, str]
    expected: Mapping[str, str]


@dataclass(frozen=True)
class StoredRows:
    """The rows that the retrain collected: DVC's name of them, and the MD5 of what is there."""

    place: str
    name: str
    md5: str


def link_store(stored: Stored, rows: StoredRows | None, digest: str, package_md5: str) -> Link:
    """Every byte of the package: DVC's MD5s lead to it, and the model's SHA-256 must agree.

    `rows` None: they are not on this disk, which is said.
    """
    files = [
        Check(f"{name} in {stored.place}", stored.found.get(name, "missing"), stored.expected[name])
        for name in sorted(stored.expected)
    ]
    if rows is not None:
        files.append(Check(f"collected rows in {rows.place}", rows.md5, rows.name))
    strange = sorted(set(stored.found) - set(stored.expected))
    return Link(
        "store",
        (
            f"{package_md5} in {stored.place}: {len(stored.found)} files and their manifest",
            f"rows {rows.name} in {rows.place}" if rows else "the rows are not on this disk",
        ),
        (
            Check(f"manifest.json in {stored.place}", stored.digest, digest),
            *files,
            Check("files that no manifest names", ", ".join(strange[:5]) or "none", "none"),
        ),
    )


def link_registry(
    versions: tuple[int, ...], alias: str | None, digest: str, *, is_champion: bool
) -> Link:
    """The registry's version of this model; its alias, where this model is the champion now."""
    known = ", ".join(map(str, versions))
    checks = [Check("version with this digest", "registered" if versions else "none", "registered")]
    if is_champion:
        checks.append(Check("alias champion", alias or "none", digest))
    return Link("registry", (f"version {known or 'none'}",), tuple(checks))
