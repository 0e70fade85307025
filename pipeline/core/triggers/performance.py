"""performance_degradation: the metric itself is beyond its limit, again and again."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules, is_unlabelled, why_unjudged
from pipeline.trigger_config import PerformanceTrigger, Priority
from pipeline.wording import counted


def assess_performance(
    rule: PerformanceTrigger,
    windows: Sequence[LabelledWindow],
    rules: LabelRules,
    priority: Priority = "critical",
) -> TriggerDecision:
    """Judge the champion's `windows` (oldest first, any of them may be missing).

    A window that cannot be judged neither counts nor resets. Where nothing fires and the newest
    mature window lacks its labels, the answer is WARN, with the estimate where there is one.
    """
    metric = (rule.metric,)
    judged = [w for w in windows if why_unjudged(w, metric, rule.min_rows, rules) is None]
    flags = violation_flags(rule, [w.metrics[rule.metric] for w in judged])
    mature = [w for w in windows if w.window.is_mature(rules.at, rules.maturity)]
    newest = mature[-1] if mature else None
    if (fired := _firing(rule, flags)) is not None:
        clause, count = fired
        values = ", ".join(_show(w.metrics[rule.metric]) for w in judged[-count:])
        reason = f"{clause}: {values} against a limit of {_show(rule.threshold)}"
        status, window = Status.FIRED, judged[-1].window.id
    elif newest is None:
        status, reason, window = Status.UNKNOWN, f"no mature window of {rule.metric} yet", None
    elif (why := why_unjudged(newest, metric, rule.min_rows, rules)) is not None:
        status = Status.WARN if is_unlabelled(newest, rules) else Status.UNKNOWN
        reason, window = f"{newest.window.id}: {why}{_estimate(rule, newest)}", newest.window.id
    else:
        status, window = Status.QUIET, newest.window.id
        reason = (
            f"{rule.metric} {_show(newest.metrics[rule.metric])} against a limit of "
            f"{_show(rule.threshold)}; {counted(trailing(flags), 'violation')} in a row, "
            f"{rule.consecutive_violations} would fire"
        )
    return TriggerDecision("performance_degradation", status, priority, reason, window)


def violation_flags(rule: PerformanceTrigger, values: Sequence[float]) -> list[bool]:
    """Whether each value violates, oldest first, with the memory that hysteresis asks for.

    A value equal to the threshold does not violate; once violated, the next value must reach
    the threshold and `hysteresis` more to count as well again.
    """
    flags: list[bool] = []
    sign = 1 if rule.is_higher_better else -1
    for value in values:
        slack = rule.hysteresis if flags and flags[-1] else 0.0
        flags.append(round(sign * (value - rule.threshold) - slack, 12) < 0)
    return flags


def trailing(flags: Sequence[bool]) -> int:
    """How many of the newest flags are set without a break."""
    return next((i for i, flag in enumerate(reversed(flags)) if not flag), len(flags))


def _firing(rule: PerformanceTrigger, flags: Sequence[bool]) -> tuple[str, int] | None:
    """What fires, and how many windows it rests on; None if nothing does."""
    row = trailing(flags)
    if row >= rule.consecutive_violations:
        return f"{rule.metric} violated in {row} windows in a row", row
    if rule.violations is None or rule.out_of is None:
        return None
    recent = flags[-rule.out_of :]
    if recent and recent[-1] and sum(recent) >= rule.violations:
        clause = f"{rule.metric} violated in {sum(recent)} of the last {len(recent)} windows"
        return clause, len(recent)
    return None


def _estimate(rule: PerformanceTrigger, found: LabelledWindow) -> str:
    value = found.estimates.get(rule.metric)
    if value is None:
        return "; nothing estimates it"
    verb = "violates" if violation_flags(rule, [value])[0] else "keeps"
    return (
        f"; estimated from scores: {_show(value)}, which {verb} the limit {_show(rule.threshold)}"
    )


def _show(value: float) -> str:
    return f"{value:.4g}"
