"""configs/rollout-plan.yaml as a validated, frozen object: how a challenger gets its traffic.

The document of protocol 24, step 4, loads as it stands. Fields that the protocol does not have are
optional, each with a default that is written here. A merge copies the whole plan into the manifest,
so that a later edit of the file changes no rollout that runs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from pipeline.config import Count, Identifier, Section, load_section, parse_section
from pipeline.rollout_metrics import Metric, MetricsPlan
from pipeline.rollout_units import Derived, Duration, Limit, Unit, WallTime, Zone, parse_quantity
from pipeline.strict_yaml import parse_yaml
from pipeline.trigger_config import WEEKDAYS, Weekday


def _in_steps(percent: float) -> float:
    if percent != round(percent, 2):
        raise ValueError("expected a multiple of 0.01 percent: there are 10,000 buckets of users")
    return percent


IN_STEPS = AfterValidator(_in_steps)  # a finer weight could be set by no traffic provider
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Step = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=24 * 365, allow_inf_nan=False)]
Criteria = dict[
    Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}_(min|max)$", strict=True)], Limit
]
MAX_STAGES = 50
CANNOT_MIRROR = ("haproxy", "kserve")  # traffic providers that send no copies of requests
CONDITIONS = {  # rollback condition -> the metric that it reads
    "error_rate_spike": "error_rate",
    "latency_spike_pct": "latency_p95",
    "accuracy_drop": "accuracy",
}


@dataclass(frozen=True)
class Criterion:
    """One success criterion: the metric is at least (min) or at most (max) `limit`, in `unit`."""

    metric: str
    bound: Literal["min", "max"]
    limit: float
    unit: Unit


@dataclass(frozen=True)
class PlannedStage:
    """One weight of the plan, whatever its type: `number` counts from 1.

    `deadline` is how long after its duration it may wait for a PASS. A `is_mirror` stage sends
    the challenger a copy of the traffic and throws its answers away.
    """

    number: int
    weight_percent: float
    duration: timedelta
    criteria: tuple[Criterion, ...]
    deadline: timedelta
    is_held: bool = False
    is_mirror: bool = False


class _Timed(Section):
    """A stretch of time, in hours as the protocol writes it or as a duration such as 30m."""

    duration_hours: Hours | None = None
    duration: Duration | None = None

    @property
    def length(self) -> timedelta:
        """How long it lasts at least."""
        return self.duration or timedelta(hours=self.duration_hours or 0)

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if (self.duration is None) == (self.duration_hours is None):
            raise ValueError("needs either duration_hours or duration, not both")
        return self


class CanaryStage(_Timed):
    """One stage of a canary. With `hold` it goes on only after a person's resume or promote.

    `traffic_percentage` is a multiple of 0.01: users are hashed into 10,000 buckets.
    """

    stage: Count | None = None
    traffic_percentage: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False), IN_STEPS]
    success_criteria: Annotated[Criteria, Field(min_length=1)]
    hold: bool = False
    deadline: Duration | None = None


class MirrorStage(_Timed):
    """Before the first stage: a copy of the traffic, whose answers nobody gets."""

    success_criteria: Annotated[Criteria, Field(min_length=1)]


class BlueGreen(Section):
    """0 %, then 100 %: `warm_up` without traffic, then `hold` with all of it before promotion."""

    warm_up: Duration
    hold: Duration
    success_criteria: Annotated[Criteria, Field(min_length=1)]


class Rolling(_Timed):
    """Equal batches of `batch_percentage`, each for its duration; the last may be smaller.

    `batch_percentage` is a multiple of 0.01, as `traffic_percentage` is.
    """

    batch_percentage: Annotated[float, Field(ge=2, le=100, allow_inf_nan=False), IN_STEPS]
    success_criteria: Annotated[Criteria, Field(min_length=1)]


class RollbackConditions(Section):
    """What ends a rollout at once, measured against the champion over the same minutes.

    `error_rate_spike` and `accuracy_drop` are differences of fractions, reached or passed and more
    than chance (see `Statistics`); `latency_spike_pct` is how many percent the p95 is above the
    champion's. `manual_trigger` says that a person may always end it, so it cannot be false.
    """

    error_rate_spike: Annotated[float, Field(gt=0, le=1)] | None = None
    latency_spike_pct: Step | None = None
    accuracy_drop: Annotated[float, Field(gt=0, le=1)] | None = None
    manual_trigger: Literal[True] = True


def _one_mapping(value: Any) -> Any:
    """The protocol writes a list of one-key mappings; one mapping says the same."""
    if not isinstance(value, (list, tuple)):
        return value
    merged: dict[Any, Any] = {}
    for item in value:
        if not isinstance(item, dict) or set(item) & set(merged):
            raise ValueError("expected mappings of conditions, each condition once")
        merged |= item
    return merged


def _conditions_schema() -> dict[str, Any]:
    one = RollbackConditions.model_json_schema()
    return {"anyOf": [one, {"type": "array", "items": one}]}


class Monitoring(Section):
    """How often it is looked, and what follows.

    With `auto_rollback: false` a FAIL holds and alerts, and a person decides. A sample whose
    newest data is older than `max_age` is stale.
    """

    check_interval_minutes: Annotated[float, Field(gt=0, le=1_440)] = 5
    alert_on_failure: bool = True
    auto_rollback: bool = True
    max_age: Duration = timedelta(minutes=2)

    @property
    def check_interval(self) -> timedelta:
        """The time from one check to the next."""
        return timedelta(minutes=self.check_interval_minutes)


class Limits(Section):
    """How long what is not a PASS is borne. A count is of check intervals in a row.

    FAIL for `failure_limit` checks rolls back (1: at once). ERROR for `error_limit` checks, or
    for `blindness_budget`, rolls back. INCONCLUSIVE after the stage's duration holds until
    `inconclusive_limit` checks or the stage's `deadline` are over, whichever is sooner; both count
    only while a deploy window is open.
    """

    failure_limit: Count = 1
    inconclusive_limit: Count | None = None
    error_limit: Count = 3
    blindness_budget: Duration = timedelta(minutes=15)
    deadline: Duration = timedelta(hours=24)


class Statistics(Section):
    """How sure a proportion must be before it is a FAIL, at each look (one-sided).

    A criterion is tested against its limit, which healthy figures are far from. A condition is
    tested against the champion, which healthy figures equal, and is looked at thousands of times.
    Neither is a FAIL before three bad events (errors, or wrong answers), but for a criterion that
    allows none.
    """

    criterion_alpha: Annotated[float, Field(gt=0, le=0.5)] = 0.01
    condition_alpha: Annotated[float, Field(gt=0, le=0.5)] = 0.00001


class DeployWindow(Section):
    """When traffic may grow, in wall-clock time; `end` is the first minute that is not in it."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = WEEKDAYS
    start: WallTime
    end: WallTime
    timezone: Zone = ZoneInfo("UTC")

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must be before end; write a night as two windows")
        return self


class RolloutPlan(Derived):
    """The plan, as it stands under `rollout_strategy`."""

    type: Literal["canary", "blue_green", "rolling"]
    canary_stages: Annotated[tuple[CanaryStage, ...], Field(max_length=MAX_STAGES)] = ()
    blue_green: BlueGreen | None = None
    rolling: Rolling | None = None
    mirror: MirrorStage | None = None
    rollback_conditions: Annotated[
        RollbackConditions,
        BeforeValidator(_one_mapping),
        WithJsonSchema(_conditions_schema()),
    ] = RollbackConditions()
    monitoring: Monitoring = Monitoring()
    limits: Limits = Limits()
    statistics: Statistics = Statistics()
    deploy_windows: tuple[DeployWindow, ...] = ()
    bake_after_promotion: Duration | None = None
    metrics: MetricsPlan = MetricsPlan()
    traffic_provider: Literal["envoy", "haproxy", "gateway-api", "istio", "kserve"] = "envoy"
    ab_test: Identifier | None = None

    @cached_property
    def stages(self) -> tuple[PlannedStage, ...]:
        """The stages in order, whatever the type; their numbers count from 1."""
        if self.canary_stages:
            bare = [
                (s.traffic_percentage, s.length, s.success_criteria, s.hold, s.deadline)
                for s in self.canary_stages
            ]
        elif self.blue_green is not None:
            plan = self.blue_green
            bare = [(0.0, plan.warm_up, {}, False, None)]
            bare += [(100.0, plan.hold, plan.success_criteria, False, None)]
        else:
            bare = _batches(self.rolling) if self.rolling else []
        mirrored = self.mirror is not None
        if self.mirror is not None:
            bare = [(0.0, self.mirror.length, self.mirror.success_criteria, False, None), *bare]
        return tuple(
            PlannedStage(
                number=number,
                weight_percent=weight,
                duration=length,
                criteria=criteria_of(criteria),
                deadline=deadline or self.limits.deadline,
                is_held=held,
                is_mirror=mirrored and number == 1,
            )
            for number, (weight, length, criteria, held, deadline) in enumerate(bare, start=1)
        )

    def max_age_of(self, metric: str) -> timedelta:
        """How old the newest datum of `metric` may be; exactly that old is fresh."""
        return self.metrics.queries[metric].max_age or self.monitoring.max_age

    @model_validator(mode="after")
    def _can_be_followed(self) -> Self:
        faults = [*_shape_faults(self), *_metric_faults(self)]
        if faults:
            raise ValueError("; ".join(faults))
        return self


class PlanFile(Section):
    """configs/rollout-plan.yaml."""

    rollout_strategy: RolloutPlan


def load_rollout_plan(root: Path) -> RolloutPlan:
    """configs/rollout-plan.yaml of the repository at `root`. Raises ConfigurationError."""
    return load_section(PlanFile, root / "configs" / "rollout-plan.yaml").rollout_strategy


def parse_plan(text: str, where: str) -> RolloutPlan:
    """The plan in a YAML document. Raises ConfigurationError naming every fault."""
    return parse_section(PlanFile, parse_yaml(text, where), where).rollout_strategy


def criteria_of(written: dict[str, Any]) -> tuple[Criterion, ...]:
    """Success criteria as they are written (`latency_p95_max: 150ms`), as values."""
    found = []
    for name, limit in written.items():
        metric, _, bound = name.rpartition("_")
        quantity = parse_quantity(limit)
        end: Literal["min", "max"] = "min" if bound == "min" else "max"
        found.append(Criterion(metric, end, quantity.value, quantity.unit))
    return tuple(found)


def _batches(rolling: Rolling) -> list[Any]:
    count = -int(-100 // rolling.batch_percentage)
    # As the provider will say them: 3 * 14.3 is a little more than the 42.9 that can be set.
    weights = [round(min(100.0, rolling.batch_percentage * i), 2) for i in range(1, count + 1)]
    return [(w, rolling.length, rolling.success_criteria, False, None) for w in weights]


def _shape_faults(plan: RolloutPlan) -> list[str]:
    """What is wrong with the stages themselves."""
    faults = []
    given = {
        "canary": bool(plan.canary_stages),
        "blue_green": plan.blue_green is not None,
        "rolling": plan.rolling is not None,
    }
    key = {"canary": "canary_stages"}.get(plan.type, plan.type)
    if not given[plan.type]:
        faults.append(f"type {plan.type} needs {key}")
    extra = [name for name, is_given in given.items() if is_given and name != plan.type]
    faults += [f"type {plan.type} does not go with the stages of {name}" for name in extra]
    for number, stage in enumerate(plan.canary_stages, start=1):
        if stage.stage not in (None, number):
            faults.append(f"stage {stage.stage} stands where stage {number} belongs")
    if plan.mirror is not None and plan.traffic_provider in CANNOT_MIRROR:
        faults.append(
            f"mirror: {plan.traffic_provider} sends no copies, expected envoy, gateway-api or "
            "istio; or leave `mirror` out"
        )
    weights = [stage.weight_percent for stage in plan.stages if not stage.is_mirror]
    if any(a >= b for a, b in itertools.pairwise(weights)):
        faults.append(f"traffic must grow from stage to stage, found {weights}")
    if weights and weights[-1] != 100:
        faults.append(f"the last stage has {weights[-1]:g} % of the traffic, expected 100")
    return faults


def _metric_faults(plan: RolloutPlan) -> list[str]:
    """What the criteria and conditions need of the metrics, and do not get."""
    queries, dry_run = plan.metrics.queries, plan.metrics.dry_run
    used = {c.metric for stage in plan.stages for c in stage.criteria}
    unmeasured = sorted(used - set(queries))
    faults = [f"no query for {name}: a criterion that nothing measures" for name in unmeasured]
    unknown = sorted(set(dry_run) - set(queries))
    faults += [f"dry_run names {name}, which has no query" for name in unknown]
    for stage in plan.stages:
        if stage.weight_percent > 0 and not {c.metric for c in stage.criteria} - set(dry_run):
            faults.append(f"stage {stage.number}: no metric decides, expected one or more")
        for criterion in stage.criteria:
            if criterion.metric in queries:
                faults += _criterion_faults(stage, criterion, queries[criterion.metric])
    return faults


def _criterion_faults(stage: PlannedStage, criterion: Criterion, metric: Metric) -> list[str]:
    where = f"stage {stage.number}: {criterion.metric}_{criterion.bound}"
    unit, faults = metric.base_unit, []
    fits = {"ms": ("ms",), "fraction": ("fraction", "number"), "number": ("number",)}[unit]
    if criterion.unit not in fits:
        expected = {"ms": "a time such as 150ms", "fraction": "a fraction such as 0.02 or 2%"}
        faults.append(f"{where}: expected {expected.get(unit, 'a number without a unit')}")
    elif unit == "fraction" and not 0 <= criterion.limit <= 1:
        faults.append(f"{where}: found {criterion.limit:g}, expected a fraction from 0 to 1")
    if metric.window > stage.duration:
        faults.append(f"{where}: measured over {metric.window}, longer than the stage")
    return faults
