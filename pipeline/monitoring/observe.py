"""One look at the world: all that the six triggers need to know at a moment.

Nothing here knows the clock: whoever asks says `at`, so that any past check can be run again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from pipeline.adapters.row_quality import count_quality
from pipeline.adapters.scores import Answers, read_answers
from pipeline.adapters.window_counts import newest_event
from pipeline.config import Schema
from pipeline.core.drift import Drift, psi
from pipeline.core.triggers.conceptdrift import has_dropped, metrics_of
from pipeline.core.triggers.incidents import find_data_faults
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules, why_unjudged
from pipeline.core.triggers.rules import Observation
from pipeline.core.triggers.watched import watched_columns
from pipeline.core.triggers.windows import Window, closed_windows
from pipeline.errors import DataIncident, SchemaChanged
from pipeline.monitoring.answers import labelled_windows
from pipeline.monitoring.current import count_current
from pipeline.monitoring.error_rate import has_error_rate_risen
from pipeline.monitoring.reference import Reference
from pipeline.pointintime import known_rows, moments_of
from pipeline.trigger_config import (
    ConceptDriftTrigger,
    DataDriftTrigger,
    PerformanceTrigger,
    TriggerConfig,
)

EXTRA_WINDOWS = (
    4  # looked at beyond those that fire: a window without data neither counts nor resets
)
CONCEPT_WINDOWS = 4  # the detector needs to have seen the errors before the judged window

MeasuredWindow = Callable[[Window], LabelledWindow]


@dataclass(frozen=True)
class Source:
    """Where production is seen: the warehouse's selects, and the other provider if one is set.

    `measure` answers for one window instead of the warehouse's predictions.
    """

    connection: sa.Connection
    rows: sa.Select
    labels: sa.Select
    predictions: sa.Select | None = None
    measure: MeasuredWindow | None = None


@dataclass(frozen=True)
class Policy:
    """What the files of configs/ say."""

    triggers: TriggerConfig
    schema: Schema
    threshold: float
    maturity: timedelta

    def label_rules(self, at: datetime) -> LabelRules:
        """When labels suffice, at `at`."""
        return LabelRules(at, self.maturity, self.schema.rows.min_label_coverage)


@dataclass(frozen=True)
class Sight:
    """What was seen, and what is broken in the data."""

    observation: Observation
    data_faults: tuple[str, ...]


def observe(source: Source, reference: Reference, policy: Policy, at: datetime) -> Sight:
    """Look at production at `at` (with a zone). The calendar and requests are not looked at here.

    What the source does not have stays unknown. Raises OutsideError and ConfigurationError from
    the warehouse, DataIncident where its values are not of their columns' types, and for the labels
    and scores that `read_answers` refuses.
    """
    rules = policy.label_rules(at)
    seen = Observation(rules=rules, holdout=reference.metrics)
    seen = _with_answers(seen, source, reference, policy)
    seen, faults = _with_drift(seen, source, reference, policy)
    return Sight(_with_volume(seen, source, reference, policy), faults)


def nothing_seen(policy: Policy, at: datetime, error: SchemaChanged | DataIncident) -> Sight:
    """What is left of a look that `error` ended: its fault, and the triggers that need no data."""
    fault = f"the schema changed: {error}" if isinstance(error, SchemaChanged) else str(error)
    return Sight(Observation(policy.label_rules(at)), (fault,))


def _with_answers(
    seen: Observation, source: Source, reference: Reference, policy: Policy
) -> Observation:
    performance, concept = _label_windows(policy, seen.rules.at, reference.until)
    if source.measure is not None:
        return replace(
            seen,
            performance=tuple(map(source.measure, performance)),
            concept=tuple(map(source.measure, concept)),
        )
    windows = [*performance, *concept]
    if source.predictions is None or not windows:
        return seen
    moments = moments_of(
        as_of=seen.rules.at,
        start=min(window.start for window in windows),
        end=max(window.end for window in windows),
    )
    answers = read_answers(
        source.connection,
        source.rows,
        source.labels,
        source.predictions,
        model=reference.champion,
        moments=moments,
    )
    found = labelled_windows(answers, concept, policy.threshold)
    return replace(
        seen,
        performance=labelled_windows(answers, performance, policy.threshold),
        concept=found,
        has_error_rate_changed=_second_reading(policy, seen, found, answers),
    )


def _label_windows(
    policy: Policy, at: datetime, since: datetime
) -> tuple[tuple[Window, ...], tuple[Window, ...]]:
    """The windows of performance_degradation and of concept_drift; () where a rule is off."""
    rules = policy.triggers.retraining_triggers

    def windows(rule: PerformanceTrigger | ConceptDriftTrigger | None, count: int):
        if rule is None or not rule.enabled:
            return ()
        unripe = math.ceil(policy.maturity / rule.window)
        return closed_windows(at, rule.window, count=count + unripe, not_before=since)

    degraded = rules.performance_degradation
    wanted = max(degraded.consecutive_violations, degraded.out_of or 0) if degraded else 0
    return windows(degraded, wanted + EXTRA_WINDOWS), windows(rules.concept_drift, CONCEPT_WINDOWS)


def _second_reading(
    policy: Policy, seen: Observation, windows: tuple[LabelledWindow, ...], answers: Answers
) -> bool | None:
    """The error-rate detector's word, asked for only where accuracy or F1 dropped."""
    rule = policy.triggers.retraining_triggers.concept_drift
    mature = [w for w in windows if w.window.is_mature(seen.rules.at, seen.rules.maturity)]
    if rule is None or rule.detector == "none" or not mature:
        return None
    newest = mature[-1]
    metrics = metrics_of(rule)
    has_holdout = all(metric in seen.holdout for metric in metrics)
    if not has_holdout or why_unjudged(newest, metrics, rule.min_rows, seen.rules) is not None:
        return None
    if not has_dropped(rule, newest.metrics, seen.holdout):
        return None
    stream = (answers, newest.window, policy.threshold, rule.detector)
    # Both streams whichever figure dropped: the replay looks once, by no limit, for all limits.
    return has_error_rate_risen(*stream) or (
        rule.f1_metric == "f1" and has_error_rate_risen(*stream, of_positive=True)
    )


def _with_drift(
    seen: Observation, source: Source, reference: Reference, policy: Policy
) -> tuple[Observation, tuple[str, ...]]:
    at = seen.rules.at
    rule = policy.triggers.retraining_triggers.data_drift
    lately = Window(at - policy.triggers.data_faults.window, at)
    faults = _faults_of(lately, source, reference, policy, at)
    if rule is None or not rule.enabled:
        return seen, faults
    closed = closed_windows(at, rule.window, count=1, not_before=reference.until)
    if not closed:
        return seen, faults
    window = closed[0]
    drifts = _drifts_of(window, rule, source, reference, at)
    return replace(seen, drift_window=window, drifts=drifts), faults


def _drifts_of(
    window: Window, rule: DataDriftTrigger, source: Source, reference: Reference, at: datetime
) -> Mapping[str, Drift]:
    watched = watched_columns(rule, reference.columns)
    moments = moments_of(as_of=at, start=window.start, end=window.end)
    current = count_current(source.connection, source.rows, watched, moments, with_deciles=False)
    return {
        name: psi(watched[name], column.counts, threshold=rule.psi_threshold, alpha=rule.alpha)
        for name, column in current.items()
        if len(column.counts.mass) == len(watched[name].bins.labels)
    }


def _faults_of(
    window: Window, source: Source, reference: Reference, policy: Policy, at: datetime
) -> tuple[str, ...]:
    moments = moments_of(as_of=at, start=window.start, end=window.end)
    current = count_current(source.connection, source.rows, reference.columns, moments)
    since = moments_of(as_of=at, start=reference.until, end=at)
    newest = newest_event(source.connection, known_rows(source.rows), since)
    return find_data_faults(
        policy.triggers.data_faults,
        reference.columns,
        current,
        newest_row=newest.replace(tzinfo=at.tzinfo) if newest else None,
        at=at,
    )


def _with_volume(
    seen: Observation, source: Source, reference: Reference, policy: Policy
) -> Observation:
    rule = policy.triggers.retraining_triggers.new_data_volume
    end = seen.rules.at - seen.rules.maturity
    if rule is None or not rule.enabled or end <= reference.until:
        return seen
    moments = moments_of(as_of=seen.rules.at, start=reference.until, end=end)
    found = count_quality(
        source.connection, source.rows, source.labels, policy.schema.columns, moments
    )
    return replace(seen, new_rows=found.labelled, quality=found.share)
