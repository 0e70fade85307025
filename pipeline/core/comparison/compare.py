"""Champion against challenger on the same holdout rows: every gate, and the worst of them.

Which errors are bounded, and how. All gates must pass, so the chance that a bad challenger ships is
at most the error of the one gate it should have failed (intersection-union test, Berger 1982): the
gates that must show something, primary and non-inferiority, need no correction for their number.
The other way round, slices and fairness gaps *accuse*, each from few rows and dozens at a time; so
they are one family, adjusted by Holm, and an accusation that is not shown is INCONCLUSIVE, which
does not ship either.

McNemar and DeLong are second readers: reported, never gating.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ParamSpec, TypeVar

from pipeline.config import ComparisonPolicy
from pipeline.core.comparison.bootstrap import unit_count
from pipeline.core.comparison.delong import DeLong, delong
from pipeline.core.comparison.fairness import FairnessResult, measure_fairness
from pipeline.core.comparison.harms import judge_harms
from pipeline.core.comparison.holdout import Holdout, assess_inputs
from pipeline.core.comparison.improvement import (
    MetricComparison,
    assess_non_inferiority,
    assess_primary,
    compare_metrics,
)
from pipeline.core.comparison.limits import assess_limit, assess_sample_size
from pipeline.core.comparison.mcnemar import McNemar, mcnemar
from pipeline.core.comparison.resampling import DrawPlan, Progress
from pipeline.core.comparison.slices import SliceResult, measure_slices
from pipeline.domain import Gate, Verdict, worst

P = ParamSpec("P")
T = TypeVar("T")

FIRST_MODEL = Gate(
    name="champion",
    verdict=Verdict.INCONCLUSIVE,
    rule="The challenger is compared with a champion.",
    reason="No champion to compare with; a person must approve the first model.",
)


@dataclass(frozen=True)
class Comparison:
    """Everything a report says about a comparison. NaN stands for what is unknown.

    `verdict` is the worst of `gates`. `blocks` is the number of blocks that were resampled, or
    None where rows were. `metrics` and `slices` are empty when the inputs were refused.
    """

    n: int
    draws: int
    seed: int
    blocks: int | None
    gates: tuple[Gate, ...]
    metrics: tuple[MetricComparison, ...] = ()
    slices: tuple[SliceResult, ...] = ()
    fairness: tuple[FairnessResult, ...] = ()
    mcnemar: McNemar | None = None
    delong: DeLong | None = None
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", worst(gate.verdict for gate in self.gates))


def compare(
    holdout: Holdout,
    policy: ComparisonPolicy,
    *,
    draws: int,
    seed: int,
    on_progress: Progress | None = None,
) -> Comparison:
    """Judge the challenger by `policy`. Never raises for what the holdout holds.

    Inputs that cannot be judged give the one gate "inputs" (see holdout). A check that breaks is a
    gate with ERROR. `on_progress(done, total)` hears of draws, summed over all parts.
    """
    inputs = assess_inputs(holdout, needs_champion=True)
    champion = holdout.champion
    if inputs.verdict is not Verdict.PASS or champion is None:
        return Comparison(holdout.n, draws, seed, None, (inputs,))
    plan = DrawPlan(draws, seed, policy.confidence)
    columns, groups = dict.fromkeys(policy.slices.columns), policy.fairness
    heard = _split_progress(on_progress, draws, 1 + len(columns) + len(groups))
    errors: list[Gate] = []
    metrics = _attempt(errors, "metrics", compare_metrics, holdout, plan, next(heard))
    harms: list[SliceResult | FairnessResult] = []
    for column in columns:
        name, rules = f"slices: {column}", policy.slices
        harms += _attempt(errors, name, measure_slices, holdout, column, rules, plan, next(heard))
    for group in groups:
        name = f"fairness: {group.column}"
        harms += _attempt(errors, name, measure_fairness, holdout, group, plan, next(heard))
    slices, fairness, harm_gates = judge_harms(harms, policy)
    return Comparison(
        n=holdout.n,
        draws=draws,
        seed=seed,
        blocks=_blocks(holdout),
        gates=(inputs, *judge_metrics(metrics, holdout, policy), *harm_gates, *errors),
        metrics=metrics,
        slices=slices,
        fairness=fairness,
        mcnemar=mcnemar(holdout.y, champion, holdout.challenger, holdout.threshold),
        delong=delong(holdout.y, champion, holdout.challenger, confidence=policy.confidence),
    )


def assess_first_model(
    holdout: Holdout,
    policy: ComparisonPolicy,
    *,
    draws: int,
    seed: int,
    on_progress: Progress | None = None,
) -> Comparison:
    """Judge a model where nothing serves yet: never PASS, a person must approve the first model.

    The holdout's champion is ignored. Everything that needs one is NaN or empty.
    """
    alone = replace(holdout, champion=None)
    inputs = assess_inputs(alone, needs_champion=False)
    if inputs.verdict is not Verdict.PASS:
        return Comparison(holdout.n, draws, seed, None, (inputs, FIRST_MODEL))
    errors: list[Gate] = []
    plan = DrawPlan(draws, seed, policy.confidence)
    metrics = _attempt(errors, "metrics", compare_metrics, alone, plan, on_progress)
    rows = assess_sample_size(holdout.n, policy.min_rows, _blocks(holdout))
    gates = (inputs, rows, FIRST_MODEL, *_limit_gates(metrics, holdout.n, policy), *errors)
    return Comparison(holdout.n, draws, seed, _blocks(holdout), gates, metrics)


def judge_metrics(
    metrics: Sequence[MetricComparison], holdout: Holdout, policy: ComparisonPolicy
) -> tuple[Gate, ...]:
    """Sample size, primary, non-inferiority and limits. Without metrics only the first."""
    n = holdout.n
    rows = assess_sample_size(n, policy.min_rows, _blocks(holdout))
    if not metrics:
        return (rows,)
    of = {found.metric: found for found in metrics}
    margins = policy.non_inferiority.items()
    return (
        rows,
        assess_primary(of[policy.primary_metric], policy, n),
        *(assess_non_inferiority(of[metric], margin, n) for metric, margin in margins),
        *_limit_gates(metrics, n, policy),
    )


def _limit_gates(
    metrics: Sequence[MetricComparison], n: int, policy: ComparisonPolicy
) -> tuple[Gate, ...]:
    figures = {found.metric: found.challenger for found in metrics}
    return tuple(
        assess_limit(metric, figures[metric], limit, n)
        for metric, limit in policy.limits.items()
        if metric in figures
    )


def _attempt(
    errors: list[Gate],
    name: str,
    measure: Callable[P, tuple[T, ...]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[T, ...]:
    """What `measure` finds; where it raises, nothing, and one more gate in `errors`."""
    try:
        return measure(*args, **kwargs)
    except Exception as error:  # noqa: BLE001 (whatever broke, a broken check must be a verdict)
        rule = f"The check of {name} runs."
        errors.append(Gate(name, Verdict.ERROR, rule, f"{type(error).__name__}: {error}."))
        return ()


def _blocks(holdout: Holdout) -> int | None:
    return None if holdout.blocks is None else unit_count(holdout.y, holdout.blocks)


def _split_progress(
    on_progress: Progress | None, draws: int, parts: int
) -> Iterator[Progress | None]:
    """One listener for each part, each worth `draws` of parts x draws, however it counts itself."""

    def listener(before: int) -> Progress | None:
        if on_progress is None:
            return None
        return lambda done, total: on_progress(before + draws * done // total, parts * draws)

    return (listener(part * draws) for part in range(parts))
