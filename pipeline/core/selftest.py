"""Comparisons whose answer is known: a policy that passes one of them cannot be trusted.

The gates themselves are on trial, on the rows of the real comparison: a challenger that is the
champion, both orders of the two models, scores that are not numbers, labels that mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipeline.config import ComparisonPolicy
from pipeline.core.comparison import compare
from pipeline.core.holdout import Holdout
from pipeline.domain import Gate, Verdict

SELF_TEST_DRAWS = 200  # the answers are plain: few draws do


def self_test(
    holdout: Holdout, policy: ComparisonPolicy, seed: int, *, draws: int = SELF_TEST_DRAWS
) -> tuple[Gate, ...]:
    """One gate for each known answer: PASS when the comparison gives it, FAIL when it ships.

    Takes a holdout with a champion; without one every gate is ERROR. The first two look at the
    primary gate alone, so that no other gate can hide that it is wrong.
    """
    if holdout.champion is None:
        return (Gate("self-test", Verdict.ERROR, "The gates are tried.", "There is no champion."),)
    ours, theirs = holdout.challenger, holdout.champion
    nan = np.full(holdout.n, np.nan)

    def ships(changed: Holdout) -> bool:
        return compare(changed, policy, draws=draws, seed=seed).verdict is Verdict.PASS

    def shuffled() -> Holdout:
        return replace(holdout, y=np.random.default_rng(seed).permutation(np.asarray(holdout.y)))

    def wins(changed: Holdout) -> bool:
        gates = compare(changed, policy, draws=draws, seed=seed).gates
        return any(gate.name == "primary" and gate.verdict is Verdict.PASS for gate in gates)

    itself = replace(holdout, challenger=theirs)
    swapped = replace(holdout, champion=ours, challenger=theirs)
    broken = (replace(holdout, challenger=nan), replace(holdout, champion=nan))
    return (
        _assess("the champion against itself does not win", lambda: wins(itself)),
        _assess("two models do not both win", lambda: wins(holdout) and wins(swapped)),
        _assess("scores that are not numbers do not pass", lambda: any(map(ships, broken))),
        _assess("shuffled labels do not pass", lambda: ships(shuffled())),
    )


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
