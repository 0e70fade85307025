"""A finished run as its files describe it: what the report and the pull request are made of.

Needs the light set alone, so the job that holds the write token can read a run that another job
trained.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline.champion import Champion, load_champion
from pipeline.config import load_gates, load_params, load_usecase
from pipeline.core.pull.facts import (
    ManifestChange,
    Places,
    PullFacts,
    RolloutSummary,
    facts_of,
)
from pipeline.core.quality.as_json import QUALITY_GATES
from pipeline.core.report.inputs import Origin, ReportInputs
from pipeline.core.triggers.ledger import Event
from pipeline.errors import OutsideError
from pipeline.jsonio import load_json
from pipeline.manifest import RolloutSpec
from pipeline.paths import PACKAGE, fetched_package

DOCUMENTS = {  # field of ReportInputs -> file
    "collect": "artifacts/collect/summary.json",
    "checks": "artifacts/validate/report.json",
    "split": "artifacts/split/summary.json",
    "train": "artifacts/train/summary.json",
    "challenger_params": "artifacts/train/params.json",
    "details": "artifacts/evaluate/details.json",
    "latency": "artifacts/evaluate/latency.json",
    "comparison": "artifacts/compare/comparison.json",
}
TIMINGS = "artifacts/timings.json"  # not committed: it differs from run to run
TRIALS = "artifacts/train/trials.csv"
BY_HAND = ("manual_retrain", "medium")


def load_report_inputs(root: Path, origin: Origin, challenger: str | None = None) -> ReportInputs:
    """The run in artifacts/ of the checkout at `root`.

    `challenger` is the digest of the package where that is not at hand. Raises OutsideError for a
    missing or broken file, ConfigurationError for configuration.
    """
    usecase = load_usecase(root)
    documents: dict[str, Any] = {field: load_json(root / name) for field, name in DOCUMENTS.items()}
    champion = load_champion(root, usecase.model)
    has_champion = champion is not None and documents["comparison"]["champion"] is not None
    return ReportInputs(
        usecase=usecase,
        params=load_params(root),
        policy=load_gates(root).comparison,
        origin=origin,
        trials=_read_csv(root / TRIALS),
        timings=load_json(root / TIMINGS) if (root / TIMINGS).is_file() else {},
        champion=champion.model_dump(mode="json") if champion and has_champion else None,
        champion_params=_champion_params(root, champion) if has_champion else None,
        package_digest=_package_digest(root) or challenger,
        **documents,
    )


def load_pull_facts(
    root: Path,
    *,
    retrain: str,
    causes: tuple[Event, ...] = (),
    commit: str | None = None,
    rollout: RolloutSummary | None = None,
    manifest: ManifestChange | None = None,
    places: Places | None = None,
    asked: Mapping[str, tuple[str, ...]] | None = None,
) -> PullFacts:
    """The facts of the run in artifacts/, for pull_body.build_pull_text.

    `commit` is the full id of the commit that the run was made from. Raises OutsideError where a
    file is missing or another version of the code made it, ConfigurationError for configuration.
    """
    why = (causes[0].trigger, causes[0].priority) if causes else BY_HAND
    gates = root / QUALITY_GATES
    inputs = load_report_inputs(root, Origin(*why, commit), rollout.challenger if rollout else None)
    try:
        return facts_of(
            inputs,
            retrain=retrain,
            causes=causes,
            quality_gates=load_json(gates) if gates.is_file() else None,
            rollout=rollout,
            manifest=manifest,
            places=places,
            asked=asked,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OutsideError(
            f"artifacts/: found no usable {error}; another version of the code made them. "
            "Run `dvc repro --force`, then this again."
        ) from error


def rollout_summary(spec: RolloutSpec) -> RolloutSummary:
    """What the pull request says of a manifest's plan."""
    stages = tuple((s.weight_percent, s.duration / timedelta(minutes=1)) for s in spec.plan.stages)
    return RolloutSummary(spec.plan.type, spec.challenger.digest, spec.champion.digest, stages)


def _package_digest(root: Path) -> str | None:
    path = root / PACKAGE / "manifest.json"
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else None


def _champion_params(root: Path, champion: Champion | None) -> dict[str, Any] | None:
    """The champion's parameters where its package was fetched by a stage, else None."""
    if champion is None:
        return None
    path = fetched_package(root, champion.digest) / "params.json"
    return load_json(path) if path.is_file() else None


def _read_csv(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
