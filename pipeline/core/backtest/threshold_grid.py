"""Which thresholds are worth a trial: one between every two figures that were really observed.

Two thresholds with no observed figure between them give the same replay, so a grid of these cuts
misses nothing but what `MAX_TRIALS` thins out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.core.backtest.lanes import accuracy_and_f1_drops, judged_windows
from pipeline.core.backtest.replay import Replay
from pipeline.trigger_config import TriggerConfig, TriggerName

MAX_TRIALS = 40
Values = Mapping[str, float]
Grid = Callable[[Replay, TriggerConfig], list[Values]]


@dataclass(frozen=True)
class Knob:
    """Fields of one trigger that are turned together; `grid` gives their values, quietest first."""

    trigger: TriggerName
    fields: tuple[str, ...]
    grid: Grid


def cuts(values: Iterable[float]) -> list[float]:
    """Ascending numbers that part `values`: below all, between each two, above all; or none.

    Each is the shortest decimal number that does, as a person would write it.
    """
    distinct = sorted(set(values))
    if not distinct:
        return []
    margin = max(abs(distinct[0]), abs(distinct[-1]), 1e-3) / 10
    ends = [distinct[0] - margin, *distinct, distinct[-1] + margin]
    return [short_between(low, high) for low, high in pairwise(ends)]


def short_between(low: float, high: float) -> float:
    """The number with the fewest decimals strictly between low < high, nearest to the middle.

    The middle itself where nine decimals do not tell the two apart.
    """
    middle = (low + high) / 2
    rounded = (round(middle, digits) for digits in range(10))
    return next((number for number in rounded if low < number < high), middle)


def thinned(values: Sequence[float], count: int = MAX_TRIALS) -> list[float]:
    """At most `count` (2 or more) of `values`, evenly by rank, first and last among them."""
    last = len(values) - 1
    if last < count:
        return list(values)
    return [values[round(i * last / (count - 1))] for i in range(count)]


def _performance(replayed: Replay, config: TriggerConfig) -> list[Values]:
    rule = config.retraining_triggers.performance_degradation
    assert rule is not None  # noqa: S101 (suggest asks for rules that are on)
    observed = {
        window.metrics[rule.metric]
        for check in replayed.checks
        for found in [check.seen.observation]
        for window in judged_windows(found.performance, (rule.metric,), rule.min_rows, found.rules)
    }
    found = thinned(cuts(observed))
    return [{"threshold": x} for x in (found if rule.is_higher_better else found[::-1])]


def _psi(replayed: Replay, config: TriggerConfig) -> list[Values]:
    """Between the PSI values of the feature that makes up the number that fires."""
    rule = config.retraining_triggers.data_drift
    assert rule is not None  # noqa: S101
    observed = set()
    for check in replayed.checks:
        drifts = {n: d for n, d in check.seen.observation.drifts.items() if n not in rule.ignore}
        ranked = sorted((d.value or 0.0 for d in drifts.values()), reverse=True)
        observed.update(ranked[rule.affected_features_threshold - 1 :][:1])
    return [{"psi_threshold": x} for x in thinned(cuts(observed))[::-1] if x > 0]


def _features(replayed: Replay, config: TriggerConfig) -> list[Values]:
    rule = config.retraining_triggers.data_drift
    assert rule is not None  # noqa: S101
    names = {name for check in replayed.checks for name in check.seen.observation.drifts}
    count = len(names - set(rule.ignore))
    return [{"affected_features_threshold": n} for n in range(count, 0, -1)]


def _drops(replayed: Replay, config: TriggerConfig) -> list[Values]:
    """Both drops turned together, rank by rank."""
    rule = config.retraining_triggers.concept_drift
    assert rule is not None  # noqa: S101
    seen = [accuracy_and_f1_drops(check.seen, rule) for check in replayed.checks]
    pairs = [pair for pair in seen if pair is not None]
    accuracy, f1 = ([x for x in cuts(pair[i] for pair in pairs) if x > 0] for i in (0, 1))
    count = min(MAX_TRIALS, max(len(accuracy), len(f1)))
    if not accuracy or not f1 or count < 2:
        return [{"accuracy_drop": a, "f1_drop": f} for a, f in zip(accuracy, f1, strict=False)]

    def at(values: list[float], i: int) -> float:
        return values[round(i * (len(values) - 1) / (count - 1))]

    ranks = range(count - 1, -1, -1)
    return [{"accuracy_drop": at(accuracy, i), "f1_drop": at(f1, i)} for i in ranks]


KNOBS: tuple[Knob, ...] = (
    Knob("performance_degradation", ("threshold",), _performance),
    Knob("concept_drift", ("accuracy_drop", "f1_drop"), _drops),
    Knob("data_drift", ("psi_threshold",), _psi),
    Knob("data_drift", ("affected_features_threshold",), _features),
)
