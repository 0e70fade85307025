"""Comparisons whose answer is known: a policy that gets one of them wrong cannot be trusted.

The gates themselves are on trial, on the rows of the real comparison: a challenger that is the
champion, both orders of the two models, scores and metrics that are not numbers, labels that mean
nothing, answers that are all the negative one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.config import ComparisonPolicy
from pipeline.core.comparison.compare import Comparison, compare, judge_metrics
from pipeline.core.comparison.harms import judge_harms
from pipeline.core.comparison.holdout import Holdout
from pipeline.domain import Gate, Interval, Verdict

SELF_TEST_DRAWS = 200  # the answers are plain: few draws do

ITSELF = "the champion against itself does not win"
SWAPPED = "two models do not both win"
BROKEN_SCORES = "scores that are not numbers do not pass"
BROKEN_METRICS = "metrics that are not numbers fail"
SHUFFLED = "shuffled labels do not pass"
ONLY_NEGATIVE = "a challenger that answers only negative does not ship"
CLAIMS = (ITSELF, SWAPPED, BROKEN_SCORES, BROKEN_METRICS, SHUFFLED, ONLY_NEGATIVE)

_UNKNOWN = Interval(math.nan, math.nan, 0.95)
_NO_FIGURES: dict[str, Any] = {
    "champion": math.nan,
    "challenger": math.nan,
    "difference": math.nan,
    "interval": _UNKNOWN,
}


def self_test(
    holdout: Holdout, policy: ComparisonPolicy, seed: int, *, draws: int = SELF_TEST_DRAWS
) -> tuple[Gate, ...]:
    """One gate for each of CLAIMS: PASS when the comparison gives the known answer, FAIL if not.

    Takes a holdout with a champion; without one every gate is ERROR. The first two look at the
    primary gate alone, so that no other gate can hide that it is wrong.
    """
    if holdout.champion is None:
        return (Gate("self-test", Verdict.ERROR, "The gates are tried.", "There is no champion."),)
    ours, theirs = holdout.challenger, holdout.champion
    nan = np.full(holdout.n, math.nan)

    def judge(changed: Holdout) -> Comparison:
        return compare(changed, policy, draws=draws, seed=seed)

    def ships(changed: Holdout) -> bool:
        return judge(changed).verdict is Verdict.PASS

    def shuffled() -> Holdout:
        return replace(holdout, y=np.random.default_rng(seed).permutation(np.asarray(holdout.y)))

    def only_negative() -> Holdout:  # ranked as before, or nearly: what ranks sees no fault
        return replace(holdout, challenger=np.minimum(ours, np.nextafter(holdout.threshold, 0)))

    def both_win() -> bool:
        swapped = replace(holdout, champion=ours, challenger=theirs)
        return not _is_mirrored(_primary(judge(holdout)), _primary(judge(swapped)))

    itself = replace(holdout, challenger=theirs)
    broken = (replace(holdout, challenger=nan), replace(holdout, champion=nan))
    refuted: dict[str, Callable[[], bool]] = {
        ITSELF: lambda: _primary(judge(itself)).verdict is not Verdict.FAIL,
        SWAPPED: both_win,
        BROKEN_SCORES: lambda: any(map(ships, broken)),
        BROKEN_METRICS: lambda: _lets_nan_through(judge(holdout), holdout, policy),
        SHUFFLED: lambda: ships(shuffled()),
        ONLY_NEGATIVE: lambda: ships(only_negative()),
    }
    return tuple(_assess(claim, refuted[claim]) for claim in CLAIMS)


def _primary(found: Comparison) -> Gate:
    """The primary gate. Raises LookupError where the comparison came to none."""
    for gate in found.gates:
        if gate.name == "primary":
            return gate
    raise LookupError(f"no primary gate: {found.gates[0].reason}")


def _is_mirrored(one: Gate, other: Gate) -> bool:
    """Whether swapping the models turns the difference round, and at most one of them wins."""
    a, b = one.difference, other.difference
    turned = a is not None and b is not None and math.isclose(a, -b, rel_tol=1e-9, abs_tol=1e-12)
    return turned and Verdict.PASS not in {one.verdict} & {other.verdict}


def _lets_nan_through(found: Comparison, holdout: Holdout, policy: ComparisonPolicy) -> bool:
    """Whether a gate judges figures that are not numbers by anything but FAIL.

    Slices and gaps that are too small to judge may stay INCONCLUSIVE, never PASS.
    """
    _primary(found)  # a comparison without figures has nothing to replace
    broken = {**_NO_FIGURES, "improvement": math.nan, "improvement_interval": _UNKNOWN}
    figures = [replace(metric, **broken) for metric in found.metrics]
    gates = judge_metrics(figures, holdout, policy)
    harms = judge_harms(
        [
            *(replace(part, **_NO_FIGURES, p_value=math.nan) for part in found.slices),
            *(
                replace(gap, worsening=math.nan, interval=_UNKNOWN, p_value=math.nan)
                for gap in found.fairness
            ),
        ],
        policy,
    )[2]
    is_strict = all(g.verdict is Verdict.FAIL for g in gates if g.name != "sample size")
    return not is_strict or any(gate.verdict is Verdict.PASS for gate in harms)


def _assess(claim: str, is_refuted: Callable[[], bool]) -> Gate:
    rule = f"{claim[0].upper()}{claim[1:]}."
    try:
        refuted = is_refuted()
    except Exception as error:  # noqa: BLE001 (whatever broke, a broken check must be a verdict)
        reason = f"The check itself broke: {type(error).__name__}: {error}."
        return Gate(f"self-test: {claim}", Verdict.ERROR, rule, reason)
    verdict = Verdict.FAIL if refuted else Verdict.PASS
    reason = "It does not hold: the gates let it through. Tighten them." if refuted else "It holds."
    return Gate(f"self-test: {claim}", verdict, rule, reason)
