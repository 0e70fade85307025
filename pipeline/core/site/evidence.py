"""What an evidence package says of a merge, believed only where its digests agree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.config import parse_yaml
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

COMPARISON, GATES = "artifacts/comparison.json", "configs/gates.yaml"
PARTS = (MANIFEST, COMPARISON, GATES)
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
        return Evidence(lock=lock, mlflow=mlflow, fault="its evidence package cannot be read")
    if spec.evidence.digest not in found:
        fault = "its evidence package is not the one that was merged"
        return Evidence(lock=lock, mlflow=mlflow, fault=fault)
    subject = manifest.subject
    figures = _figures(manifest, files)
    return Evidence(
        data_digest=subject.data_digest,
        holdout_digest=subject.holdout_digest,
        code_commit=subject.commit,
        lock=lock,
        mlflow=mlflow,
        fault="" if figures else "its comparison cannot be read",
        **figures,
    )


def _figures(manifest: EvidenceManifest, files: Files) -> dict[str, Any]:
    """The primary metric's improvement and interval; nothing where a file is not as it was."""
    comparison, gates = _sound(manifest, files, COMPARISON), _sound(manifest, files, GATES)
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


def _sound(manifest: EvidenceManifest, files: Files, path: str) -> bytes | None:
    raw, entry = files[path], manifest.entries.get(path)
    return raw if raw and entry and digest_of(raw) == entry.sha256 else None


def _version(registration: bytes | None, digest: str) -> str | None:
    """The registry's version of this very package, with the run that made it."""
    try:
        found = json.loads(registration or b"{}")
        if found["digest"] != digest or found["version"] is None:
            return None
        return f"{found['version']} (run {found['run_id']})"
    except (KeyError, TypeError, ValueError):
        return None
