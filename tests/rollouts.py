"""Rollouts for tests: a spec, samples that pass or fail, and a clock that tests move."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.champion import Champion
from pipeline.config import parse_section
from pipeline.core.rollout.reconcile import reconcile
from pipeline.core.rollout.world import World
from pipeline.manifest import EvidenceRef, ModelIdentity, RolloutSpec
from pipeline.rollout_config import RolloutPlan
from pipeline.rollout_status import Sample

MODEL = "flight-delay"
START = datetime(2013, 7, 3, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLAN = {
    "type": "canary",
    "canary_stages": [
        {
            "traffic_percentage": weight,
            "duration": "1h",
            "success_criteria": {"error_rate_max": 0.02, "latency_p95_max": "150ms"},
        }
        for weight in (5, 50, 100)
    ],
    "rollback_conditions": [{"error_rate_spike": 0.01}, {"latency_spike_pct": 50}],
    "limits": {"deadline": "6h", "error_limit": 3, "blindness_budget": "10m"},
    "bake_after_promotion": "1h",
}


def plan(**changes) -> RolloutPlan:
    return parse_section(RolloutPlan, {**PLAN, **changes}, "rollout-plan.yaml")


def commands_path(root: Path, model: str) -> Path:
    """The folder of the commands for `model` in the repository at `root`."""
    return root / "rollouts" / model / "commands"


def identity(letter: str, as_of=START) -> ModelIdentity:
    return ModelIdentity(
        digest=f"sha256:{letter * 64}", package_md5=f"{letter * 32}.dir", as_of=as_of
    )


def champion_of(letter: str, previous: str | None = None) -> Champion:
    return Champion(
        model=MODEL,
        digest=f"sha256:{letter * 64}",
        package_md5=f"{letter * 32}.dir",
        as_of=START - 90 * DAY,
        approved_by="Ada",
        reason="the first",
        previous=previous,
    )


@functools.cache
def _plain_spec(challenger: str, champion: str) -> RolloutSpec:
    return _spec_of(challenger, champion)


def spec_of(challenger: str = "c", champion: str = "a", **changes) -> RolloutSpec:
    """A manifest in which `challenger` follows `champion`; equal arguments, equal manifests."""
    if not changes:
        return _plain_spec(challenger, champion)
    return _spec_of(challenger, champion, **changes)


def _spec_of(challenger: str, champion: str, **changes) -> RolloutSpec:
    model = identity(challenger)
    return RolloutSpec(
        model=MODEL,
        version=model.version,
        retrain="flight-delay-0004",
        challenger=model,
        champion=champion_of(champion),
        evidence=EvidenceRef(path="evidence/x/manifest.json", digest=f"sha256:{'e' * 64}"),
        plan=plan(**changes),
    )


def sample(spec, metric, role, value, *, n, now, **changes) -> Sample:
    version = spec.version if role == "challenger" else spec.champion_version
    window = spec.plan.metrics.queries[metric].window
    fields = {
        "metric": metric,
        "role": role,
        "version": version,
        "value": value,
        "n": n,
        "window": window,
        "sampled_at": now,
        "query": f"{metric} of {version}",
    }
    return Sample(**{**fields, **changes})


GOOD = {"error_rate": 0.01, "latency_p95": 90.0, "accuracy": 0.8}
BAD = {"error_rate": 0.2, "latency_p95": 400.0, "accuracy": 0.3}


def samples(spec, now, challenger=GOOD, champion=GOOD, n=2_000.0, **changes):
    """Samples of every metric that the plan asks for, of both versions."""
    asked = {c.metric for stage in spec.plan.stages for c in stage.criteria}
    asked |= {"error_rate", "latency_p95"}
    found = (
        sample(spec, metric, role, values[metric], n=n, now=now)
        for metric in sorted(asked)
        for role, values in (("challenger", challenger), ("champion", champion))
        if metric in values
    )
    return tuple(one.model_copy(update=changes) if changes else one for one in found)


def world_of(spec: RolloutSpec | None) -> World:
    return World(MODEL, champion=f"sha256:{'a' * 64}", spec=spec)


def tick(world: World, now: datetime, found=None, kill_after: int | None = None, **health):
    """One reconcile and its effects, all of them or only the first `kill_after`."""
    spec = world.in_force
    seen = samples(spec, now) if found is None and spec is not None else found or ()
    step = reconcile(spec, world.status, world.observe(seen, **health), now)
    world.apply(step.effects[:kill_after], now)
    return step


def run_until(world: World, phase, now: datetime, every=10 * MINUTE, limit: int = 400, **more):
    """Ticks until the newest record is in `phase`; the moment after it."""
    for _ in range(limit):
        tick(world, now, **more)
        if world.status.records and world.status.records[-1].phase is phase:
            return now
        now += every
    raise AssertionError(f"never {phase}: {[c.record.name for c in world.commits]}")
