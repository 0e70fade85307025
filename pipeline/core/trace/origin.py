"""Links between a manifest and what reviewers saw: the model's own manifest, the evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.core.evidence import (
    MANIFEST,
    MODEL_MANIFEST,
    EvidenceManifest,
    digest_of,
    package_faults,
    parse_manifest,
)
from pipeline.core.trace.links import Check, Link, not_checked
from pipeline.errors import ConfigurationError

MISSING = "missing"


@dataclass(frozen=True)
class Package:
    """An evidence package in one commit, by path inside it; `where` says which commit."""

    where: str
    folder: str
    files: Mapping[str, bytes]

    @property
    def manifest(self) -> EvidenceManifest | None:
        """Its manifest.json; None where that is missing or none."""
        try:
            return parse_manifest(self.files[MANIFEST])
        except (KeyError, ConfigurationError):
            return None

    @property
    def model_manifest(self) -> dict[str, object]:
        """What the model's own manifest says; nothing where it is not there."""
        try:
            found = json.loads(self.files[MODEL_MANIFEST])
        except (KeyError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def link_package(package: Package, digest: str) -> Link:
    """The model's manifest, whose digest is the model's: it lists every byte of the package."""
    raw = package.files.get(MODEL_MANIFEST)
    if raw is None and MANIFEST not in package.files:
        return not_checked("package", f"{package.where} has no evidence of it")
    found = MISSING if raw is None else digest_of(raw)
    files = package.model_manifest.get("files")
    count = len(files) if isinstance(files, dict) else 0
    return Link(
        "package",
        (f"{digest[:19]} pins {count} files of the model package",),
        (Check(f"{package.folder}/{MODEL_MANIFEST}", found, digest),),
    )


def link_evidence(then: Package, now: Package, expected: str | None, digest: str) -> Link:
    """Every file of the evidence as it was merged, and as it is now.

    `expected` is the digest that the manifest of the rollout names; None where there is none.
    """
    if MANIFEST not in then.files and expected is None:
        return not_checked("evidence", f"{then.where} has none of it")
    packages = [then] if dict(then.files) == dict(now.files) else [then, now]
    checks = [check for package in packages for check in _checks(package, expected)]
    if then.manifest is not None:
        subject = then.manifest.subject.digest
        checks.append(Check(f"{then.folder}/{MANIFEST}: subject", subject, digest))
    return Link(
        "evidence",
        (f"{len(then.files)} files as merged, {len(now.files)} as they are now", then.folder),
        tuple(checks),
    )


def _checks(package: Package, expected: str | None) -> Iterator[Check]:
    """One for each file, and one for the package as a whole: that one names every fault."""
    place = f"{package.folder} in {package.where}"
    manifest = package.manifest
    entries = manifest.entries if manifest else {}
    for path, entry in entries.items():
        raw = package.files.get(path)
        yield Check(f"{place}: {path}", MISSING if raw is None else digest_of(raw), entry.sha256)
    faults = package_faults(package.files, expected)
    yield Check(f"{place}: the whole", "; ".join(faults) or "sound", "sound")
