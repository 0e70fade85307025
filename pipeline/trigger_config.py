"""configs/triggers.yaml as a validated, frozen object: when a retrain is due.

The document of protocol 24, step 1, loads as it stands; every field of it is in force. Fields that
the protocol does not have are optional, each with a default that is written here.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pipeline.config import Count, Fraction, MetricName, NotNegative, Section, load_section
from pipeline.errors import did_you_mean

TriggerName = Literal[
    "performance_degradation",
    "concept_drift",
    "data_drift",
    "new_data_volume",
    "scheduled_retrain",
    "manual_retrain",
]
Priority = Literal["critical", "high", "medium", "low"]
Direction = Literal["higher_is_better", "lower_is_better"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

TRIGGER_NAMES: tuple[TriggerName, ...] = get_args(TriggerName)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)  # highest first
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
DEFAULT_PRIORITIES: dict[TriggerName, Priority] = {
    "performance_degradation": "critical",
    "concept_drift": "critical",
    "data_drift": "high",
    "new_data_volume": "medium",
    "scheduled_retrain": "low",
    "manual_retrain": "medium",
}
_HIGHER = ("accuracy", "precision", "recall", "f1", "auc", "coverage")
_LOWER = ("loss", "error", "latency", "brier")
_FRACTIONS = {"accuracy", "precision", "recall", "f1", "coverage", "brier"}
# The protocol's code takes its f1_score with average="weighted"; plain precision, recall and f1 are
# those of the positive class, as in configs/gates.yaml.
METRIC_ALIASES: dict[str, MetricName] = {"f1_score": "f1_weighted"}
MAX_PSI = 5.0  # two windows that share hardly a value; 0.1 is moderate and 0.2 large
_UNIT = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta) and value > timedelta(0):
        return value
    found = re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a duration such as 30m, 24h, 7d or 2w")
    return timedelta(**{_UNIT[found[2]]: int(found[1])})


def _wall_time(value: Any) -> Any:
    if isinstance(value, time):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError('expected a time of day in quotes, from "00:00" to "23:59"')
    return time.fromisoformat(value)


def _zone(value: Any) -> Any:
    try:
        return value if isinstance(value, ZoneInfo) else ZoneInfo(value)
    except (ValueError, TypeError, OSError, LookupError) as error:
        raise ValueError("expected an IANA time zone such as UTC or Europe/Berlin") from error


def _cron(value: Any) -> Any:
    """Five fields that name at least one moment; 30 February is not one."""
    try:
        is_cron = len(value.split()) == 5 and bool(next(CronSim(value, datetime(2000, 1, 1))))  # noqa: DTZ001
    except (AttributeError, AssertionError, CronSimError, StopIteration, ValueError):
        is_cron = False
    if not is_cron:
        raise ValueError('expected five cron fields that can match, such as "0 2 1 * *"')
    return value


def _fraction(value: float) -> float:
    """Above 0 and below 1: nothing drops by all of it, and 1 is one percent written for 0.01."""
    if not 0 < value < 1:
        raise ValueError(f"expected {_like_a_fraction(value)}")
    return value


def _psi(value: float) -> float:
    if value > MAX_PSI:
        raise ValueError(f"expected a PSI such as 0.2, and at most {MAX_PSI:g}")
    return value


def _like_a_fraction(value: float) -> str:
    """What was meant, where `value` is a percentage."""
    return f"a fraction such as {value / 100 if 1 <= value < 100 else 0.7:.2f}"


Duration = Annotated[timedelta, BeforeValidator(_duration)]
WallTime = Annotated[time, BeforeValidator(_wall_time)]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Cron = Annotated[str, BeforeValidator(_cron)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Drop = Annotated[float, Field(gt=0, allow_inf_nan=False), AfterValidator(_fraction)]
Psi = Annotated[float, Field(gt=0, allow_inf_nan=False), AfterValidator(_psi)]


class PerformanceTrigger(Section):
    """A metric beyond `threshold`, again and again.

    Fires after `consecutive_violations` judged windows in a row, or once `violations` of the last
    `out_of` judged windows violated, the latest among them. A value equal to the threshold does
    not violate it. A window that violated counts as violating until the metric is better than the
    threshold by `hysteresis`. Windows with fewer than `min_rows` labelled rows are not judged.
    Of a metric that is a fraction (see `is_fraction`) both are fractions too, 0 to 1.
    `direction` is needed where the metric's name tells none.
    """

    enabled: bool = True
    metric: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    threshold: Finite
    window: Duration
    consecutive_violations: Count
    violations: Count | None = None
    out_of: Count | None = None
    direction: Direction | None = None
    hysteresis: NotNegative = 0.0
    min_rows: Count = 300

    @field_validator("threshold", "hysteresis")
    @classmethod
    def _is_in_the_metrics_unit(cls, value: float, info: ValidationInfo) -> float:
        metric = info.data.get("metric", "")
        if not is_fraction(metric):
            return value
        # An error rate cannot be above 1, nor can anything be better by 1: it is 1 percent.
        is_low = _direction_of(metric) == "lower_is_better" or info.field_name == "hysteresis"
        if not 0 <= value <= 1 or (is_low and value == 1):
            raise ValueError(f"expected {_like_a_fraction(value)}, as {metric} is one")
        return value

    @property
    def is_higher_better(self) -> bool:
        """Whether values below the threshold violate it, rather than values above."""
        return (self.direction or _direction_of(self.metric)) == "higher_is_better"

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.violations is None) != (self.out_of is None):
            raise ValueError("violations and out_of belong together: give both or neither")
        if self.violations and self.out_of and self.violations > self.out_of:
            raise ValueError(f"{self.violations} violations out of {self.out_of} cannot be")
        return self


class DataDriftTrigger(Section):
    """PSI at or above `psi_threshold` in `affected_features_threshold` features or more.

    `alpha` is the error rate of each feature's test, which lifts the limit in small windows.
    Features in `ignore` are neither counted nor shown.
    """

    enabled: bool = True
    psi_threshold: Psi
    affected_features_threshold: Count
    window: Duration
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.001
    ignore: tuple[str, ...] = ()


class ConceptDriftTrigger(Section):
    """A drop of accuracy or F1 against the champion's own holdout figures, at or above the limit.

    A drop alone warns; with `detector` also calling a change in the stream of errors it fires.
    `detector: none` lets the drop fire alone. `f1_metric` says which F1: the weighted one, or that
    of the positive class, whose own errors the detector reads then as well.
    """

    enabled: bool = True
    accuracy_drop: Drop
    f1_drop: Drop
    f1_metric: Literal["f1_weighted", "f1"] = "f1_weighted"
    window: Duration
    detector: Literal["ddm", "adwin", "none"] = "adwin"
    min_rows: Count = 300


class ScheduledTrigger(Section):
    """The calendar, in wall-clock time of `timezone`.

    A month too short for `day_of_month` is due on its last day.
    """

    enabled: bool = True
    frequency: Literal["monthly", "weekly", "cron"]
    day_of_month: Annotated[int, Field(ge=1, le=31)] | None = None
    day_of_week: Weekday | None = None
    time: WallTime | None = None
    cron: Cron | None = None
    timezone: Zone = ZoneInfo("UTC")

    @model_validator(mode="after")
    def _has_just_its_own_fields(self) -> Self:
        wanted = {
            "monthly": {"day_of_month", "time"},
            "weekly": {"day_of_week", "time"},
            "cron": {"cron"},
        }[self.frequency]
        for name in ("day_of_month", "day_of_week", "time", "cron"):
            is_given = getattr(self, name) is not None
            if is_given != (name in wanted):
                verb = "has no" if is_given else "needs"
                raise ValueError(f"frequency {self.frequency} {verb} {name}")
        return self


class VolumeTrigger(Section):
    """`min_new_samples` labelled rows since the champion's training data; again at each multiple.

    Only if the share of those rows that pass the data checks is `quality_threshold` or more.
    """

    enabled: bool = True
    min_new_samples: Count
    quality_threshold: Fraction


class ManualTrigger(Section):
    """Someone asks. With `requires_approval`, someone else of the roles in `approvers` agrees."""

    enabled: bool = True
    requires_approval: bool = True
    approvers: tuple[str, ...] = ()
    min_approvals: Count = 1

    @model_validator(mode="after")
    def _someone_can_approve(self) -> Self:
        if self.requires_approval and not self.approvers:
            raise ValueError("requires_approval needs approvers: a list of roles")
        return self


class Triggers(Section):
    """The six rules; one that is left out is off."""

    performance_degradation: PerformanceTrigger | None = None
    data_drift: DataDriftTrigger | None = None
    concept_drift: ConceptDriftTrigger | None = None
    scheduled_retrain: ScheduledTrigger | None = None
    new_data_volume: VolumeTrigger | None = None
    manual_retrain: ManualTrigger | None = None


class PriorityList(Section):
    """Which triggers are how urgent; one that is not listed keeps its default."""

    critical: tuple[TriggerName, ...] = ()
    high: tuple[TriggerName, ...] = ()
    medium: tuple[TriggerName, ...] = ()
    low: tuple[TriggerName, ...] = ()

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        names = [name for priority in PRIORITIES for name in getattr(self, priority)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} listed twice, expected one priority each")
        return self


class BackOff(Section):
    """After `lost_challengers` lost in a row, wait `wait`; each further loss doubles the wait.

    Never longer than `max_wait`.
    """

    lost_challengers: Count = 3
    wait: Duration = timedelta(days=7)
    max_wait: Duration = timedelta(days=28)

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.wait > self.max_wait:
            raise ValueError("wait is longer than max_wait")
        return self


class Pacing(Section):
    """How often retrains may start. A manual retrain waits for nothing but a running one."""

    cooldown: Duration = timedelta(hours=24)
    max_per_month: Count = 8
    back_off: BackOff = BackOff()


class DataFaults(Section):
    """What is broken data, and so an incident instead of a retrain.

    A column's missing share above the reference's by `null_flood` or more, or a share of
    `null_flood` or more of its values gone; its median and spread moved by a factor of
    `units_jump_ratio` or more, or around a median of 0 its spread by the square of that; no row
    newer than `stale_after`. Looked for in the last `window` before a check.
    """

    window: Duration = timedelta(hours=24)

    null_flood: Annotated[float, Field(gt=0, le=1)] = 0.5
    units_jump_ratio: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 3.0
    stale_after: Duration = timedelta(days=2)


class Recovery(Section):
    """When a step of a retrain counts as lost, and how often it is tried in all.

    A pull request that nobody decides on for `proposal_timeout` is given up. `run_timeout` counts
    from the claim: the longest wait for a runner is part of it.
    """

    dispatch_timeout: Duration = timedelta(minutes=15)
    start_timeout: Duration = timedelta(hours=3)
    run_timeout: Duration = timedelta(hours=60)
    proposal_timeout: Duration = timedelta(days=14)
    max_attempts: Count = 3


class PrometheusQueries(Section):
    """One expression for each figure of a window; `$window` and `$champion` are filled in.

    `rows` answered in the window, `labelled` of them with a label, and each metric on those.
    """

    rows: Annotated[str, Field(min_length=1)]
    labelled: Annotated[str, Field(min_length=1)]
    metrics: Annotated[dict[str, str], Field(min_length=1)]


class MetricsSource(Section):
    """Who knows how the champion performs: the warehouse's predictions, or Prometheus.

    The addresses are the environment's: WAREHOUSE_URL, PROMETHEUS_URL.
    """

    source: Literal["warehouse", "prometheus"] = "warehouse"
    prometheus: PrometheusQueries | None = None

    @model_validator(mode="after")
    def _has_its_queries(self) -> Self:
        if self.source == "prometheus" and self.prometheus is None:
            raise ValueError("source prometheus needs prometheus: rows, labelled and metrics")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """What a trigger may call a metric: one that the source gives, or an alias of one."""
        asked = self.prometheus.metrics if self.source == "prometheus" and self.prometheus else None
        given: tuple[str, ...] = get_args(MetricName) if asked is None else tuple(asked)
        return (*given, *(name for name, of in METRIC_ALIASES.items() if of in given))


class TriggerConfig(Section):
    """configs/triggers.yaml."""

    metrics: MetricsSource = MetricsSource()  # first: it says which metrics a trigger may name
    retraining_triggers: Triggers
    trigger_priorities: PriorityList = PriorityList()
    pacing: Pacing = Pacing()
    data_faults: DataFaults = DataFaults()
    recovery: Recovery = Recovery()

    @field_validator("retraining_triggers")
    @classmethod
    def _names_a_metric_that_is_measured(cls, value: Triggers, info: ValidationInfo) -> Triggers:
        """Any other would be UNKNOWN for ever, and never fire."""
        rule, source = value.performance_degradation, info.data.get("metrics")
        if rule is None or not rule.enabled or source is None:
            return value
        if rule.metric not in source.names:
            raise ValueError(
                f"performance_degradation.metric is {rule.metric!r}, expected one that "
                f"{source.source} gives: {', '.join(source.names)}"
                f"{did_you_mean(rule.metric, source.names)}"
            )
        if rule.direction is None and _direction_of(rule.metric) is None:
            raise ValueError(
                f"is {rule.metric} better when higher or lower? Say so with direction: "
                "higher_is_better or lower_is_better"
            )
        return value

    def priority_of(self, trigger: TriggerName) -> Priority:
        """The priority that the file gives `trigger`, or else the default one."""
        for priority in PRIORITIES:
            if trigger in getattr(self.trigger_priorities, priority):
                return priority
        return DEFAULT_PRIORITIES[trigger]


def load_triggers(root: Path) -> TriggerConfig:
    """configs/triggers.yaml of the repository at `root`."""
    return load_section(TriggerConfig, root / "configs" / "triggers.yaml")


def is_fraction(metric: str) -> bool:
    """Whether the name says 0 to 1: accuracy, f1_weighted, roc_auc, error_rate, but no percent."""
    words = set(metric.split("_"))
    if words & {"percent", "pct"}:
        return False
    has_auc = any(word.endswith("auc") for word in words)
    return bool(words & _FRACTIONS) or has_auc or "error_rate" in metric


def _direction_of(metric: str) -> Direction | None:
    """What the name tells: an error, loss or latency is better low. None where it tells nothing."""
    if any(part in metric for part in _LOWER):
        return "lower_is_better"
    return "higher_is_better" if any(part in metric for part in _HIGHER) else None
