"""Whether the challenger beats the champion, and loses nowhere it must not.

Differences are stored raw (challenger minus champion) and judged as improvements, which are the
same with the sign turned where lower is better, so that "above 0" always means better.

No correction for multiple tests is made between the gates that must all pass: a challenger ships
only if every one of them is shown, so the chance of shipping a bad one is at most that of the
single gate it should have failed (an intersection-union test, Berger 1982). Correcting would only
hide good challengers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pipeline.config import ComparisonPolicy, MetricName
from pipeline.core.comparison.bootstrap import bootstrap_metrics, unit_count
from pipeline.core.comparison.holdout import Holdout
from pipeline.core.comparison.intervals import percentile_interval
from pipeline.core.comparison.resampling import DrawPlan, Progress
from pipeline.core.comparison.scoring import METRICS, TIE, direction, is_higher_better, score
from pipeline.core.comparison.sums import FloatArray
from pipeline.core.comparison.wording import (
    render_change,
    render_interval,
    render_limit,
    render_metric,
    render_number,
)
from pipeline.domain import Gate, Interval, Verdict


@dataclass(frozen=True)
class MetricComparison:
    """One metric of both models on all rows.

    `difference` and `interval` are challenger minus champion; `improvement` and its interval have
    the sign turned where lower is better. All that needs a champion is NaN when there is none.
    """

    metric: MetricName
    higher_is_better: bool
    champion: float
    challenger: float
    difference: float
    interval: Interval
    improvement: float
    improvement_interval: Interval
    champion_interval: Interval
    challenger_interval: Interval


def compare_metrics(
    holdout: Holdout, plan: DrawPlan, on_progress: Progress | None = None
) -> tuple[MetricComparison, ...]:
    """All metrics with paired bootstrap intervals. Raises ValueError for invalid input."""
    models = [model for model in (holdout.champion, holdout.challenger) if model is not None]
    figures = [score(holdout.y, model, holdout.threshold) for model in models]
    draws_of = bootstrap_metrics(
        holdout.y,
        models,
        holdout.threshold,
        draws=plan.draws,
        seed=plan.seed,
        blocks=holdout.blocks,
        on_progress=on_progress,
    )
    units = unit_count(holdout.y, holdout.blocks)
    return tuple(
        _compare_metric(
            metric, [f[metric] for f in figures], draws_of[metric], plan.confidence, units
        )
        for metric in METRICS
    )


def _compare_metric(
    metric: MetricName, figures: list[float], draws: FloatArray, confidence: float, units: int
) -> MetricComparison:
    """Figures of [champion, challenger] or [challenger]; draws (models, draws)."""
    unknown = [math.nan] * (2 - len(figures))
    champion, challenger = unknown + figures
    before = draws[0] if len(draws) == 2 else np.full(draws.shape[1], math.nan)
    after = draws[-1]
    difference = challenger - champion
    interval = percentile_interval(after - before, confidence, units=units)
    return MetricComparison(
        metric=metric,
        higher_is_better=is_higher_better(metric),
        champion=champion,
        challenger=challenger,
        difference=difference,
        interval=interval,
        improvement=direction(metric) * difference,
        improvement_interval=improvement_interval(metric, interval),
        champion_interval=percentile_interval(before, confidence, units=units),
        challenger_interval=percentile_interval(after, confidence, units=units),
    )


def improvement_interval(metric: MetricName, interval: Interval) -> Interval:
    """The interval of the improvement from that of the raw difference."""
    if is_higher_better(metric):
        return interval
    return Interval(-interval.high, -interval.low, interval.confidence)


def assess_primary(found: MetricComparison, policy: ComparisonPolicy, n: int) -> Gate:
    """PASS iff the improvement is > min_improvement and its interval lies above 0.

    FAIL for an improvement of min_improvement or less (an exact tie keeps the champion) and for
    NaN; INCONCLUSIVE for one that is large enough but not shown.
    """
    least = render_limit(policy.min_improvement)
    rule = (
        f"{render_metric(found.metric)} improves by more than {least}, "
        "and the interval of the improvement lies above 0."
    )
    story = _story(found)
    if math.isnan(found.improvement):
        verdict, end = Verdict.FAIL, "A figure that is not a number cannot win"
    elif found.improvement <= policy.min_improvement + TIE:
        verdict, end = Verdict.FAIL, f"That is not more than {least}: the champion stays"
    elif found.improvement_interval.low > 0:
        verdict, end = Verdict.PASS, "The challenger is better"
    else:
        verdict, end = Verdict.INCONCLUSIVE, "Enough if it were certain, but chance may explain it"
    return _gate("primary", verdict, rule, f"{story} {end}.", found=found, n=n)


def assess_non_inferiority(found: MetricComparison, margin: float, n: int) -> Gate:
    """PASS iff the interval shows a loss < margin, FAIL iff it shows a loss > margin or NaN.

    INCONCLUSIVE where the interval reaches the margin from either side.
    """
    most = render_limit(margin)
    rule = f"{render_metric(found.metric)} is shown to lose less than {most}."
    interval = found.improvement_interval
    if math.isnan(found.improvement):
        verdict, end = Verdict.FAIL, "A figure that is not a number shows nothing"
    elif interval.low > -margin:
        verdict, end = Verdict.PASS, f"A loss of {most} or more is ruled out"
    elif interval.high < -margin:
        verdict, end = Verdict.FAIL, f"A loss of more than {most} is shown"
    else:
        verdict, end = Verdict.INCONCLUSIVE, f"A loss of {most} is not ruled out"
    name = f"non-inferiority: {found.metric}"
    return _gate(name, verdict, rule, f"{_story(found)} {end}.", found=found, n=n)


def _story(found: MetricComparison) -> str:
    return (
        f"{found.metric} goes from {render_number(found.champion)} to "
        f"{render_number(found.challenger)}, {render_change(found.improvement)} "
        f"({render_interval(found.improvement_interval)} of the improvement)."
    )


def _gate(
    name: str, verdict: Verdict, rule: str, reason: str, *, found: MetricComparison, n: int
) -> Gate:
    return Gate(
        name=name,
        verdict=verdict,
        rule=rule,
        reason=reason,
        champion=found.champion,
        challenger=found.challenger,
        difference=found.difference,
        interval=found.interval,
        n=n,
    )
