"""Everything a challenger may be accused of, as one family of tests: slices and fairness gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.config import ComparisonPolicy
from pipeline.core.comparison.fairness import FairnessResult
from pipeline.core.comparison.fairness_gates import assess_fairness
from pipeline.core.comparison.holm import holm
from pipeline.core.comparison.slice_gates import assess_slices, judge_slices
from pipeline.core.comparison.slices import SliceResult
from pipeline.domain import Gate


def judge_harms(
    harms: Sequence[SliceResult | FairnessResult], policy: ComparisonPolicy
) -> tuple[tuple[SliceResult, ...], tuple[FairnessResult, ...], list[Gate]]:
    """Slices and fairness gaps with Holm-adjusted p-values, and their gates.

    Slices come back column by column in the policy's order, worst first within each. A column that
    is not among `harms` gets no gate: its measuring broke, which is a gate of the caller's.
    """
    adjusted = holm([harm.p_value for harm in harms])
    family = [replace(harm, p_adjusted=p) for harm, p in zip(harms, adjusted, strict=True)]
    fairness = tuple(harm for harm in family if isinstance(harm, FairnessResult))
    slices: list[SliceResult] = []
    gates: list[Gate] = []
    for column in dict.fromkeys(policy.slices.columns):
        parts = [h for h in family if isinstance(h, SliceResult) and h.column == column]
        if parts:
            judged = judge_slices(parts, policy)
            slices += judged
            gates.append(assess_slices(column, judged, policy))
    gates += [assess_fairness(gap, alpha=policy.alpha) for gap in fairness]
    return tuple(slices), fairness, gates
