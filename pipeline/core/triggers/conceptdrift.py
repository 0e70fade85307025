"""concept_drift: the champion got worse at what it was good at, on rows whose labels are in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules, is_unlabelled, why_unjudged
from pipeline.trigger_config import ConceptDriftTrigger, Priority

ACCURACY = "accuracy"


def assess_concept_drift(
    rule: ConceptDriftTrigger,
    windows: Sequence[LabelledWindow],
    rules: LabelRules,
    priority: Priority = "critical",
    *,
    holdout: Mapping[str, float],
    has_error_rate_changed: bool | None,
) -> TriggerDecision:
    """Judge the newest mature window against the champion's own `holdout` figures.

    A drop of accuracy or of the rule's F1 at or above its limit fires if the error-rate detector
    has seen a change as well (`has_error_rate_changed`; None where it has not been run), warns if
    it has not, and is UNKNOWN without its word. `detector: none` asks for no second reading.
    """

    def answer(status: Status, reason: str, window: str | None = None) -> TriggerDecision:
        return TriggerDecision("concept_drift", status, priority, reason, window)

    metrics = metrics_of(rule)
    missing = [m for m in metrics if not math.isfinite(holdout.get(m, math.nan))]
    if missing:
        return answer(Status.UNKNOWN, f"the champion's holdout has no {' and no '.join(missing)}")
    mature = [w for w in windows if w.window.is_mature(rules.at, rules.maturity)]
    if not mature:
        return answer(Status.UNKNOWN, "no mature window yet")
    newest = mature[-1]
    if (why := why_unjudged(newest, metrics, rule.min_rows, rules)) is not None:
        status = Status.WARN if is_unlabelled(newest, rules) else Status.UNKNOWN
        return answer(status, f"{newest.window.id}: {why}", newest.window.id)
    reason = f"{newest.window.id}: {_drops(rule, newest.metrics, holdout)}"
    if not has_dropped(rule, newest.metrics, holdout):
        return answer(Status.QUIET, reason, newest.window.id)
    status, word = _corroborate(rule, has_error_rate_changed)
    return answer(status, f"{reason}; {word}", newest.window.id)


def metrics_of(rule: ConceptDriftTrigger) -> tuple[str, str]:
    """The figures that the rule compares with the holdout's: accuracy first, then its F1."""
    return ACCURACY, rule.f1_metric


def has_dropped(
    rule: ConceptDriftTrigger, metrics: Mapping[str, float], holdout: Mapping[str, float]
) -> bool:
    """Whether accuracy or F1 lost its limit or more (to 12 digits: 0.85 - 0.80 is 0.05)."""
    return any(
        round(holdout[metric] - metrics[metric], 12) >= limit for metric, limit in _limits(rule)
    )


def _limits(rule: ConceptDriftTrigger) -> tuple[tuple[str, float], ...]:
    return tuple(zip(metrics_of(rule), (rule.accuracy_drop, rule.f1_drop), strict=True))


def _corroborate(rule: ConceptDriftTrigger, has_changed: bool | None) -> tuple[Status, str]:
    if rule.detector == "none":
        return Status.FIRED, "no detector is asked"
    if has_changed is None:
        return Status.UNKNOWN, f"{rule.detector} has not been run, so nothing confirms it"
    if not has_changed:
        return Status.WARN, f"{rule.detector} sees no change in the stream of errors"
    return Status.FIRED, f"{rule.detector} sees the error rate change too"


def _drops(
    rule: ConceptDriftTrigger, metrics: Mapping[str, float], holdout: Mapping[str, float]
) -> str:
    return ", ".join(
        f"{metric} {holdout[metric]:.4f} -> {metrics[metric]:.4f} "
        f"(drop {holdout[metric] - metrics[metric]:+.4f}, limit {limit:g})"
        for metric, limit in _limits(rule)
    )
