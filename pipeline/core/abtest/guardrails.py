"""Guardrails: what the challenger must not lose, whatever it wins.

Non-inferiority turns the burden of proof around: a guardrail is kept only when the data show that
the loss is below its margin. All of them together are one family under Holm's correction, and every
p-value is always-valid, since they are looked at as often as the rest.

A difference of rates needs many outcomes before its normal approximation holds, and rare failures
do harm before that. So a guardrail with a `max_ratio` is also watched by the failures alone (see
eprocess), from the first one on: that can break it, and never show that it is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from pipeline.ab_config import ABTest, Guardrail
from pipeline.core.abtest.confseq import one_sided_p_value, tightest_at
from pipeline.core.abtest.eprocess import Failures, failures_p
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
    """One guardrail: p-values after Holm, of "too much is lost" and of "no more is lost".

    `p_failures` is that of "it fails at most max_ratio times as often"; None without a max_ratio.
    """

    guardrail: Guardrail
    state: Kept
    estimate: Estimate
    p_inferior: float
    p_not_worse: float
    p_failures: float | None = None


def assess_guardrails(test: ABTest, evidence: Evidence) -> tuple[GuardrailResult, ...]:
    """One result for each of the test's guardrails, in their order."""
    estimates = [estimate_difference(evidence, rail.metric, rail.kind) for rail in test.guardrails]
    rails = list(zip(test.guardrails, estimates, strict=True))
    inferior = holm([_p(test, rail, found, toward=1) for rail, found in rails])
    watched = {
        rail.metric: failures_p(_failures(evidence, rail.metric), max_ratio=rail.max_ratio)
        for rail in test.guardrails
        if rail.max_ratio is not None
    }
    worse = holm([*(_p_not_worse(test, rail, found) for rail, found in rails), *watched.values()])
    failures = dict(zip(watched, worse[len(rails) :], strict=True))
    results = []
    for (rail, found), p, q in zip(rails, inferior, worse[: len(rails)], strict=True):
        p_failures = failures.get(rail.metric)
        state = _state(test, found, p, q, p_failures)
        results.append(GuardrailResult(rail, state, found, p, q, p_failures))
    return tuple(results)


def _p(test: ABTest, rail: Guardrail, found: Estimate, *, toward: int) -> float:
    """The p-value of "the loss is the margin or more" (1), or "... or less" (-1)."""
    if not found.variance > 0:
        return 1.0
    gain = rail.sign * found.difference
    z = toward * (gain + rail.margin) / math.sqrt(found.variance)
    planned = rail.margin**2 / fixed_information(test.alpha, test.power)
    tau_squared = tightest_at(2 * test.alpha) * planned / test.tightest_at
    return float(one_sided_p_value(z, tau_squared / found.variance))


def _p_not_worse(test: ABTest, rail: Guardrail, found: Estimate) -> float:
    """1 before the burn-in: what is no p-value yet must not stand in a family of them."""
    return _p(test, rail, found, toward=-1) if _is_burnt_in(test, found) else 1.0


def _is_burnt_in(test: ABTest, found: Estimate) -> bool:
    return min(found.n_a, found.n_b) >= test.burn_in


def _failures(evidence: Evidence, metric: str) -> list[Failures]:
    """The outcomes of 1 in each period."""
    return [
        Failures(
            period.challenger_basis_points,
            champion=int(period.model_a.sums(metric).y),
            challenger=int(period.model_b.sums(metric).y),
        )
        for period in evidence.periods
    ]


def _state(
    test: ABTest, found: Estimate, p_inferior: float, p_not_worse: float, p_failures: float | None
) -> Kept:
    if p_not_worse <= test.alpha or (p_failures is not None and p_failures <= test.alpha):
        return Kept.BROKEN
    is_shown = p_inferior <= test.alpha and _is_burnt_in(test, found)
    return Kept.KEPT if is_shown else Kept.OPEN
