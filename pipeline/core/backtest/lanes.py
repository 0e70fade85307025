"""A replay as the lanes of a picture: one for each trigger that is on, retrains below them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pipeline.core.backtest.replay import Check, Replay, Seen, Terms
from pipeline.core.triggers.conceptdrift import metrics_of
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules, why_unjudged
from pipeline.core.triggers.ledger import RetrainState
from pipeline.core.triggers.thresholds import at_thresholds
from pipeline.timeline import Bar, Lane
from pipeline.trigger_config import (
    TRIGGER_NAMES,
    ConceptDriftTrigger,
    TriggerConfig,
    TriggerName,
)


def lanes_of(replay: Replay, config: TriggerConfig) -> tuple[Lane, ...]:
    """A lane for each enabled trigger, but for manual_retrain: nobody asks in a replay."""
    rules = config.retraining_triggers
    names = [name for name in TRIGGER_NAMES if name != "manual_retrain"]
    on = [n for n in names if (rule := getattr(rules, n)) is not None and rule.enabled]
    return tuple(_lane(name, replay.checks, config) for name in on)


def bars_of(replay: Replay, terms: Terms) -> tuple[Bar, ...]:
    """The retrains in the order in which they started."""
    causes = {c.started.id: tuple(e.trigger for e in c.causes) for c in replay.checks if c.started}
    return tuple(
        Bar(
            label=retrain.id.rpartition("-")[2].lstrip("0"),
            start=retrain.planned_at,
            end=retrain.planned_at + terms.takes,
            outcome="open" if retrain.state.is_open else str(retrain.state),
            causes=causes.get(retrain.id, ()),
        )
        for retrain in replay.ledger.retrains
        if retrain.state is not RetrainState.ABANDONED
    )


def held_spans(replay: Replay, every: timedelta) -> tuple[tuple[datetime, datetime], ...]:
    """When a retrain was due and was held back; each check stands for the time to the next one."""
    spans: list[tuple[datetime, datetime]] = []
    for check in replay.checks:
        if check.held is None:
            continue
        start = spans.pop()[0] if spans and spans[-1][1] == check.at else check.at
        spans.append((start, check.at + every))
    return tuple(spans)


def judged_windows(
    windows: Sequence[LabelledWindow], metrics: tuple[str, ...], min_rows: int, rules: LabelRules
) -> list[LabelledWindow]:
    """The windows that may be judged by `metrics`, oldest first."""
    return [w for w in windows if why_unjudged(w, metrics, min_rows, rules) is None]


def accuracy_and_f1_drops(seen: Seen, rule: ConceptDriftTrigger) -> tuple[float, float] | None:
    """How much the newest judged window lost against the holdout; None where none was judged."""
    holdout = seen.observation.holdout
    accuracy, f1 = metrics = metrics_of(rule)
    rules = seen.observation.rules
    judged = judged_windows(seen.observation.concept, metrics, rule.min_rows, rules)
    if not judged or accuracy not in holdout or f1 not in holdout:
        return None
    found = judged[-1].metrics
    return holdout[accuracy] - found[accuracy], holdout[f1] - found[f1]


def _lane(name: TriggerName, checks: Sequence[Check], config: TriggerConfig) -> Lane:
    value, limit, unit = _FIGURES[name](config)
    statuses = [next(d.status for d in check.decisions if d.trigger == name) for check in checks]
    return Lane(
        name=name,
        moments=tuple(check.at for check in checks),
        statuses=tuple(map(str, statuses)),
        is_new=tuple(any(e.trigger == name for e in check.events) for check in checks),
        values=tuple(value(check.seen) for check in checks),
        limit=limit,
        unit=unit,
    )


_Figure = tuple[Callable[[Seen], float | None], float | None, str]


def _performance(config: TriggerConfig) -> _Figure:
    rule = config.retraining_triggers.performance_degradation
    assert rule is not None  # noqa: S101 (lanes_of asks for rules that are on)

    def value(seen: Seen) -> float | None:
        found = seen.observation
        judged = judged_windows(found.performance, (rule.metric,), rule.min_rows, found.rules)
        return judged[-1].metrics[rule.metric] if judged else None

    return value, rule.threshold, f"{rule.metric} of the newest judged window"


def _concept(config: TriggerConfig) -> _Figure:
    rule = config.retraining_triggers.concept_drift
    assert rule is not None  # noqa: S101

    def value(seen: Seen) -> float | None:
        drops = accuracy_and_f1_drops(seen, rule)
        return max(drops[0] / rule.accuracy_drop, drops[1] / rule.f1_drop) if drops else None

    return value, 1.0, "drop below the holdout, in limits"


def _data(config: TriggerConfig) -> _Figure:
    rule = config.retraining_triggers.data_drift
    assert rule is not None  # noqa: S101

    def value(seen: Seen) -> float | None:
        found = at_thresholds(config, seen.observation).drifts
        drifted = [d.is_drifted for n, d in found.items() if n not in rule.ignore]
        return float(sum(map(bool, drifted))) if drifted else None

    return value, float(rule.affected_features_threshold), "drifted features"


def _volume(config: TriggerConfig) -> _Figure:
    rule = config.retraining_triggers.new_data_volume
    assert rule is not None  # noqa: S101

    def value(seen: Seen) -> float | None:
        rows = seen.observation.new_rows
        return None if rows is None else rows / rule.min_new_samples

    return value, 1.0, f"new labelled rows, in {rule.min_new_samples:,}"


def _schedule(config: TriggerConfig) -> _Figure:
    return (lambda seen: None), None, "the calendar"


_FIGURES: Mapping[TriggerName, Callable[[TriggerConfig], _Figure]] = {
    "performance_degradation": _performance,
    "concept_drift": _concept,
    "data_drift": _data,
    "new_data_volume": _volume,
    "scheduled_retrain": _schedule,
}
