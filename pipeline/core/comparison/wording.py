"""How gates put figures into sentences, so that all of them read alike."""

from __future__ import annotations

import math

from pipeline.config import MetricName
from pipeline.core.comparison.scoring import is_higher_better
from pipeline.domain import Interval


def render_number(value: float) -> str:
    """Four decimals; a NaN is said in words, since "nan" reads like a typing error."""
    return "unknown" if math.isnan(value) else f"{value:.4f}"


def render_limit(value: float) -> str:
    """A configured limit as it was written: 0.05, not 0.0500."""
    return f"{value:g}"


def render_interval(interval: Interval) -> str:
    """For example: 95 % interval 0.0012 to 0.0345."""
    percent = f"{100 * interval.confidence:g} % interval"
    if math.isnan(interval.low) and math.isnan(interval.high):
        return f"{percent} unknown"
    return f"{percent} {render_number(interval.low)} to {render_number(interval.high)}"


def render_metric(metric: MetricName) -> str:
    """The metric, with a word where lower is better: most readers expect the opposite."""
    return metric if is_higher_better(metric) else f"{metric} (lower is better)"


def render_change(improvement: float) -> str:
    """A direction-aware difference in words: an improvement of 0.0123, a loss of 0.0040."""
    if math.isnan(improvement):
        return "an unknown difference"
    if improvement == 0:
        return "no difference at all"
    word = "an improvement" if improvement > 0 else "a loss"
    return f"{word} of {render_number(abs(improvement))}"
