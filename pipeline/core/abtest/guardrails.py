"""Guardrails: what the challenger must not lose, whatever it wins.

Non-inferiority turns the burden of proof around: a guardrail is kept only when the data show that
the loss is below its margin. All of them together are one family under Holm's correction, and every
p-value is always-valid, since they are looked at as often as the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from pipeline.ab_config import ABTest, Guardrail
from pipeline.core.abtest.confseq import one_sided_p_value, tightest_at
from pipeline.core.abtest.estimate import Estimate, estimate_difference
from pipeline.core.abtest.evidence import Evidence
from pipeline.core.abtest.power import fixed_information
from pipeline.core.comparison.holm import holm


class Kept(StrEnum):
    """Whether a guardrail holds."""

    KEPT = "kept"  # shown: the loss is below the margin
    OPEN = "open"  # nothing is shown yet
    BROKEN = "broken"  # shown: the loss is above the margin


@dataclass(frozen=True)
class GuardrailResult:
    """One guardrail: p-values after Holm, of "too much is lost" and of "no more is lost"."""

    guardrail: Guardrail
    state: Kept
    estimate: Estimate
    p_inferior: float
    p_not_worse: float


def assess_guardrails(test: ABTest, evidence: Evidence) -> tuple[GuardrailResult, ...]:
    """One result for each of the test's guardrails, in their order."""
    estimates = [estimate_difference(evidence, rail.metric, rail.kind) for rail in test.guardrails]
    rails = list(zip(test.guardrails, estimates, strict=True))
    inferior = holm([_p(test, rail, found, toward=1) for rail, found in rails])
    worse = holm([_p(test, rail, found, toward=-1) for rail, found in rails])
    return tuple(
        GuardrailResult(rail, _state(test, found, p, q), found, p, q)
        for (rail, found), p, q in zip(rails, inferior, worse, strict=True)
    )


def _p(test: ABTest, rail: Guardrail, found: Estimate, *, toward: int) -> float:
    """The p-value of "the loss is the margin or more" (1), or "... or less" (-1)."""
    if not found.variance > 0:
        return 1.0
    gain = rail.sign * found.difference
    z = toward * (gain + rail.margin) / math.sqrt(found.variance)
    planned = rail.margin**2 / fixed_information(test.alpha, test.power)
    tau_squared = tightest_at(2 * test.alpha) * planned / test.tightest_at
    return float(one_sided_p_value(z, tau_squared / found.variance))


def _state(test: ABTest, found: Estimate, p_inferior: float, p_not_worse: float) -> Kept:
    if min(found.n_a, found.n_b) < test.burn_in:
        return Kept.OPEN
    if p_not_worse <= test.alpha:
        return Kept.BROKEN
    return Kept.KEPT if p_inferior <= test.alpha else Kept.OPEN
