"""Recordings to play to a plan: a file of samples, or the evidence of a rollout that took place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.adapters.metrics.file import load_records
from pipeline.adapters.metrics.records import float_of, time_of
from pipeline.core.rollout.observation import Role
from pipeline.core.rollout.recording import Played, Recording, record
from pipeline.errors import ConfigurationError
from pipeline.manifest import RolloutSpec, load_rollout
from pipeline.rollout_status import Sample, load_status


def load_samples(path: Path, spec: RolloutSpec, champion: str, challenger: str) -> Recording:
    """The samples of two versions in a file as `FileMetrics` reads it, told as those of `spec`.

    Raises ConfigurationError where both names are one or a version has no sample, and OutsideError.
    """
    if champion == challenger:
        raise ConfigurationError(str(path), [f"expected two versions, found {champion} twice"])
    versions: dict[str, Role] = {champion: "champion", challenger: "challenger"}
    played = [
        found
        for line in load_records(path)
        if (role := versions.get(str(line.get("version")))) is not None
        for found in _played(line, spec, role)
    ]
    known = {sample.role for _, sample in played}
    missing = ((name, role) for name, role in versions.items() if role not in known)
    faults = [f"no sample of the {role}, {name}" for name, role in missing]
    if faults:
        raise ConfigurationError(str(path), faults)
    return record(played, start=min(at for at, _ in played), is_dense=True)


def load_evidence(root: Path, model: str) -> tuple[RolloutSpec, Recording]:
    """The manifest of `model` and the samples in the records of its rollout.

    Raises ConfigurationError where there is no manifest, or no record of it has samples.
    """
    spec = load_rollout(root, model)
    records = load_status(root, model).records
    mine = [one for one in records if spec is not None and one.spec == spec.digest]
    played = [(one.at, sample) for one in mine for sample in one.samples]
    if spec is None or not played:
        fault = "expected a rollout.yaml, and records of it with samples"
        raise ConfigurationError(f"rollouts/{model}", [fault])
    return spec, record(played, start=mine[0].at, is_dense=False)


def _played(line: dict[str, Any], spec: RolloutSpec, role: Role) -> Iterator[Played]:
    """A line as a sample; what the plan does not measure, or has no time, is left out."""
    metric, at = str(line.get("name")), time_of(line.get("sampled_at"))
    asked = spec.plan.metrics.queries.get(metric)
    if asked is None or at is None:
        return
    value, n = (_number(line.get(name)) for name in ("value", "n"))
    yield (
        at,
        Sample(
            metric=metric,
            role=role,
            version=spec.version if role == "challenger" else spec.champion_version,
            value=value,
            n=n,
            window=asked.window,
            sampled_at=at,
        ),
    )


def _number(told: Any) -> float | None:
    is_number = isinstance(told, int | float) and not isinstance(told, bool)
    return float_of(told) if is_number else None
