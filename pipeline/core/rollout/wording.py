"""How a rollout's figures are said, so that gates, commit messages and the console read alike."""

from __future__ import annotations

import math
from datetime import timedelta

from pipeline.rollout_config import CONDITIONS, Criterion
from pipeline.rollout_units import Unit

CONDITION_NAMES = {  # rollback condition -> the name of its gate
    "error_rate_spike": "error rate spike",
    "latency_spike_pct": "latency spike",
    "accuracy_drop": "accuracy drop",
}


def render_figure(value: float, unit: Unit) -> str:
    """0.0123 as 1.23 %, 151.2 as 151 ms, and anything else to four digits."""
    if math.isinf(value):
        return "beyond measure"
    if unit == "fraction":
        return f"{100 * value:.4g} %"
    return f"{value:.4g} ms" if unit == "ms" else f"{value:.4g}"


def render_count(n: float) -> str:
    """A count as people read it: 21,600."""
    return f"{n:,.0f}"


def render_metric(name: str) -> str:
    """`latency_p95` as latency p95."""
    return name.replace("_", " ")


def gates_of_metric(metric: str) -> frozenset[str]:
    """The names of the gates that read `metric`: its criterion and its rollback conditions."""
    conditions = (CONDITION_NAMES[name] for name, read in CONDITIONS.items() if read == metric)
    return frozenset([render_metric(metric), *conditions])


def render_rule(criterion: Criterion, unit: Unit) -> str:
    """What a criterion asks: at most 2 %."""
    word = "at least" if criterion.bound == "min" else "at most"
    return f"{word} {render_figure(criterion.limit, unit)}"


def render_length(length: timedelta) -> str:
    """A length of time in the words of a plan: 45 s, 30 min, 1 h 30 min, 2 days."""
    seconds = round(length.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 120 and minutes % 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours >= 48 and hours % 24 == 0 and not rest:
        return f"{hours // 24} days"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def render_percent(percent: float) -> str:
    """A weight: 5 %."""
    return f"{percent:g} %"
