"""All six triggers on one observation of the world: what fires, what does not, and why.

Every figure of the observation is summarised before it comes here. A rule that is off is QUIET.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.core.drift import Drift
from pipeline.core.triggers.conceptdrift import assess_concept_drift
from pipeline.core.triggers.datadrift import assess_data_drift
from pipeline.core.triggers.decision import Status, TriggerDecision, by_priority
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules
from pipeline.core.triggers.manual import ManualRequest, assess_manual
from pipeline.core.triggers.performance import assess_performance
from pipeline.core.triggers.schedule import due_period, latest_moment, next_moment, period_id
from pipeline.core.triggers.windows import Window
from pipeline.trigger_config import (
    TRIGGER_NAMES,
    Priority,
    ScheduledTrigger,
    TriggerConfig,
    TriggerName,
    VolumeTrigger,
)


@dataclass(frozen=True)
class Observation:
    """What a check of the triggers knows at `rules.at`; what it does not know stays at its default.

    `performance` and `concept` are windows of those triggers' lengths, oldest first.
    `holdout` has the champion's own figures. `new_rows` counts labelled rows since the champion's
    training data, `quality` is the share of them that passes the data checks.
    `calendar_since`: see schedule.due_period; None switches the calendar's answer to UNKNOWN.
    """

    rules: LabelRules
    performance: tuple[LabelledWindow, ...] = ()
    concept: tuple[LabelledWindow, ...] = ()
    holdout: Mapping[str, float] = field(default_factory=dict)
    has_error_rate_changed: bool | None = None
    drift_window: Window | None = None
    drifts: Mapping[str, Drift] = field(default_factory=dict)
    new_rows: int | None = None
    quality: float | None = None
    calendar_since: datetime | None = None
    requests: tuple[ManualRequest, ...] = ()


def assess_triggers(config: TriggerConfig, seen: Observation) -> tuple[TriggerDecision, ...]:
    """Every trigger's answer, highest priority first; one for each request of a manual retrain."""
    answers: list[TriggerDecision] = []
    for name in TRIGGER_NAMES:
        rule = getattr(config.retraining_triggers, name)
        priority = config.priority_of(name)
        if rule is None or not rule.enabled:
            off = "off: configs/triggers.yaml does not enable it"
            answers.append(TriggerDecision(name, Status.QUIET, priority, off))
        else:
            answers += _RULES[name](rule, seen, priority)
    return by_priority(answers)


def assess_volume(
    rule: VolumeTrigger, new_rows: int | None, quality: float | None, priority: Priority = "medium"
) -> TriggerDecision:
    """Fires at each multiple of `min_new_samples` labelled rows, given `quality_threshold`.

    Enough rows of too low a quality WARN; both limits are inclusive.
    """

    def answer(status: Status, reason: str, window: str | None = None) -> TriggerDecision:
        return TriggerDecision("new_data_volume", status, priority, reason, window)

    if new_rows is None:
        return answer(Status.UNKNOWN, "nothing counted the rows since the champion's training")
    wanted = rule.min_new_samples
    if new_rows < wanted:
        return answer(Status.QUIET, f"{new_rows:,} new labelled rows, {wanted:,} would fire")
    window = f"{new_rows // wanted}x{wanted}"
    reason = f"{new_rows:,} new labelled rows of {wanted:,}"
    if quality is None or not math.isfinite(quality):
        return answer(Status.UNKNOWN, f"{reason}, but nothing measured their quality", window)
    reason += f", quality {quality:.4f} against {rule.quality_threshold:g}"
    is_good = quality >= rule.quality_threshold
    return answer(Status.FIRED if is_good else Status.WARN, reason, window)


def assess_schedule(
    rule: ScheduledTrigger, at: datetime, since: datetime | None, priority: Priority = "low"
) -> TriggerDecision:
    """Fires once for the latest moment of the calendar that lies in (since, at]."""

    def answer(status: Status, reason: str, window: str | None = None) -> TriggerDecision:
        return TriggerDecision("scheduled_retrain", status, priority, reason, window)

    if since is None:
        return answer(Status.UNKNOWN, "it is not known when the calendar was last served")
    due = due_period(rule, at, since)
    if due is not None:
        reason = f"due since {period_id(due)} ({rule.frequency}, {rule.timezone.key})"
        return answer(Status.FIRED, reason, period_id(due))
    last, following = latest_moment(rule, at), next_moment(rule, at)
    return answer(Status.QUIET, f"next due {period_id(following)}", period_id(last))


def _performance(rule: Any, seen: Observation, priority: Priority) -> list[TriggerDecision]:
    return [assess_performance(rule, seen.performance, seen.rules, priority)]


def _concept(rule: Any, seen: Observation, priority: Priority) -> list[TriggerDecision]:
    decision = assess_concept_drift(
        rule,
        seen.concept,
        seen.rules,
        priority,
        holdout=seen.holdout,
        has_error_rate_changed=seen.has_error_rate_changed,
    )
    return [decision]


def _data(rule: Any, seen: Observation, priority: Priority) -> list[TriggerDecision]:
    return [assess_data_drift(rule, seen.drift_window, seen.drifts, priority)]


def _volume(rule: Any, seen: Observation, priority: Priority) -> list[TriggerDecision]:
    return [assess_volume(rule, seen.new_rows, seen.quality, priority)]


def _schedule(rule: Any, seen: Observation, priority: Priority) -> list[TriggerDecision]:
    return [assess_schedule(rule, seen.rules.at, seen.calendar_since, priority)]


def _manual(rule: Any, seen: Observation, priority: Priority) -> list[TriggerDecision]:
    if not seen.requests:
        return [TriggerDecision("manual_retrain", Status.QUIET, priority, "nobody asks")]
    return [assess_manual(rule, request, priority) for request in seen.requests]


_Rule = Callable[[Any, Observation, Priority], list[TriggerDecision]]
_RULES: dict[TriggerName, _Rule] = {
    "performance_degradation": _performance,
    "concept_drift": _concept,
    "data_drift": _data,
    "new_data_volume": _volume,
    "scheduled_retrain": _schedule,
    "manual_retrain": _manual,
}
