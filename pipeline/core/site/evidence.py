"""What an evidence package says of a merge, believed only where its digests agree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.core.evidence import (
    MANIFEST,
    EvidenceManifest,
    digest_of,
    first_digest,
    parse_manifest,
)
from pipeline.core.report.gates import ends
from pipeline.core.site.facts import Evidence
from pipeline.errors import ConfigurationError
from pipeline.manifest import RolloutSpec
from pipeline.strict_yaml import parse_yaml

COMPARISON, GATES = "artifacts/comparison.json", "configs/gates.yaml"
PARTS = (MANIFEST, COMPARISON, GATES)
_OTHER = "its evidence package is not the one that was merged"
Files = Mapping[str, bytes | None]  # the PARTS of a package, None for one that is missing


def read_evidence(
    spec: RolloutSpec, files: Files, lock: str | None, registration: bytes | None
) -> Evidence:
    """The evidence of `spec`; `lock` is git's id of dvc.lock, `registration` what MLflow answered.

    What does not agree with the digest in the manifest is left out, and `fault` says so.
    """
    mlflow = _version(registration, spec.challenger.digest)
    raw = files[MANIFEST]
    if raw is None:
        return Evidence(lock=lock, mlflow=mlflow, fault="the merge has no evidence package")
    try:
        manifest = parse_manifest(raw)
        found = (digest_of(raw), first_digest({MANIFEST: raw}))
    except ConfigurationError:
        return Evidence(lock=lock, mlflow=mlflow, fault=_OTHER)
    if spec.evidence.digest not in found:
        return Evidence(lock=lock, mlflow=mlflow, fault=_OTHER)
    subject = manifest.subject
    is_whole = all(_is_sound(manifest, files, path) for path in (COMPARISON, GATES))
    figures = _figures(files) if is_whole else {}
    return Evidence(
        data_digest=subject.data_digest,
        holdout_digest=subject.holdout_digest,
        code_commit=subject.commit,
        lock=lock,
        mlflow=mlflow,
        fault=_fault(figures, is_whole),
        **figures,
    )


def _fault(figures: Mapping[str, Any], is_whole: bool) -> str:
    if not is_whole:
        return _OTHER
    return "" if figures else "its comparison cannot be read"


def _figures(files: Files) -> dict[str, Any]:
    """The primary metric's improvement and interval; nothing where they are not there."""
    comparison, gates = files[COMPARISON], files[GATES]
    if comparison is None or gates is None:
        return {}
    try:
        metric = parse_yaml(gates.decode(), GATES)["comparison"]["primary_metric"]
        rows = {row["metric"]: row for row in json.loads(comparison)["metrics"]}
        low, high = ends(rows[metric]["improvement_interval"])
        improvement = float(rows[metric]["improvement"])
    except (ConfigurationError, KeyError, TypeError, ValueError, AttributeError):
        return {}
    return {"metric": str(metric), "improvement": improvement, "low": low, "high": high}


def _is_sound(manifest: EvidenceManifest, files: Files, path: str) -> bool:
    """Whether a file is as the package had it at first: neither of the two was ever to come."""
    raw, entry = files[path], manifest.files.get(path)
    found = None if raw is None else digest_of(raw)
    return found == (entry.sha256 if entry else None)


def _version(registration: bytes | None, digest: str) -> str | None:
    """The registry's version of this very package, with the run that made it."""
    try:
        found = json.loads(registration or b"{}")
        if found["digest"] != digest or found["version"] is None:
            return None
        return f"{found['version']} (run {found['run_id']})"
    except (KeyError, TypeError, ValueError):
        return None
