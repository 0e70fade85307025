"""The answer of an A/B test, at any look: who wins, or why nobody does yet.

`invalid` comes first: a sample-ratio mismatch, outcomes that are no numbers, or clocks that differ
make every metric void. The champion wins when it is shown to be better, or a guardrail to be
broken. The challenger wins when it is shown to be better and every guardrail to be kept.

An mSPRT's p is the smallest so far, so that it may rest on an earlier look: who wins follows from
the difference at that look, never from where it points by now. Where the two contradict each other
nobody advances.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pipeline.ab_config import ABTest
from pipeline.core.abtest import confseq
from pipeline.core.abtest.estimate import Estimate, estimate_difference
from pipeline.core.abtest.faults import find_faults, sample_ratio_p
from pipeline.core.abtest.guardrails import GuardrailResult, Kept, assess_guardrails
from pipeline.core.abtest.looks import Look
from pipeline.core.abtest.power import rho_squared, tau_squared
from pipeline.domain import Interval


class Result(StrEnum):
    """Who wins. Only MODEL_B ever advances a challenger."""

    MODEL_A = "model_a"
    MODEL_B = "model_b"
    NO_SIGNIFICANT_DIFFERENCE = "no_significant_difference"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


@dataclass(frozen=True)
class Reading:
    """The primary metric at one look; the interval and p hold at all looks together.

    `shown` is the difference at the look that attained `p_value`: what p is evidence for points
    where that one did, wherever the difference points by now. NaN where nothing was compared.
    """

    at: datetime
    estimate: Estimate
    interval: Interval
    p_value: float
    shown: float

    @property
    def n(self) -> int:
        """Outcomes of both variants."""
        return self.estimate.n_a + self.estimate.n_b


@dataclass(frozen=True)
class Assessment:
    """The answer at the last look, why, and what it rests on."""

    result: Result
    reasons: tuple[str, ...]
    readings: tuple[Reading, ...]
    guardrails: tuple[GuardrailResult, ...]
    mismatch_p: float

    @property
    def latest(self) -> Reading:
        """The last look's reading."""
        return self.readings[-1]


def assess_ab_test(test: ABTest, looks: Sequence[Look], *, is_over: bool) -> Assessment:
    """The answer from all `looks` so far, ascending; `is_over` once the test's time is up.

    Raises ValueError where there was no look.
    """
    if not looks:
        raise ValueError("an A/B test without a look")
    evidence = looks[-1].evidence
    readings = read_looks(test, looks)
    guardrails = assess_guardrails(test, evidence)
    faults = find_faults(test, evidence, is_over=is_over)
    if faults:
        result, reasons = Result.INVALID, faults
    else:
        result, reason = _decide(test, readings[-1], guardrails, is_over=is_over)
        reasons = (reason,)
    return Assessment(result, reasons, readings, guardrails, sample_ratio_p(evidence))


def read_looks(test: ABTest, looks: Sequence[Look]) -> tuple[Reading, ...]:
    """The primary metric at each look.

    Before the burn-in the interval is infinite and p is 1. The mSPRT's p-value is the smallest so
    far, with what its look showed; a confidence sequence's is that of the look, as its interval is.
    """
    readings: list[Reading] = []
    for look in looks:
        reading = _read(test, look)
        if test.test == "msprt" and readings and readings[-1].p_value < reading.p_value:
            best = readings[-1]
            reading = replace(reading, p_value=best.p_value, shown=best.shown)
        readings.append(reading)
    return tuple(readings)


def seen_by(test: ABTest, estimate: Estimate) -> float:
    """How much was seen, as the x of confseq.py; 0 while nothing may be concluded.

    With x = tau² / v, v being the variance of the difference, the evidence there is that of the
    mSPRT, whose true differences are mixed over N(0, tau²). For two means it is section 4.2 of
    Johari, Koomen, Pekelis and Walsh (2022), "Always valid inference: continuous monitoring of A/B
    tests", with v = 2 sigma² / n:

        Λ = sqrt( v / (v + tau²) ) exp( tau² difference² / (2 v (v + tau²)) ).

    It rests on the normal approximation, so that looks before the burn-in do not count (Bibaut,
    Kallus and Lindon 2022, "Near-optimal non-parametric sequential tests and confidence sequences
    with possibly dependent observations").
    """
    too_few = min(estimate.n_a, estimate.n_b) < test.burn_in
    if too_few or not estimate.variance > 0:
        return 0.0
    if test.test == "msprt":
        return tau_squared(test) / estimate.variance
    return rho_squared(test) * estimate.pairs


def _read(test: ABTest, look: Look) -> Reading:
    primary = test.primary
    estimate = estimate_difference(
        look.evidence, primary.metric, primary.kind, is_adjusted=test.covariate is not None
    )
    seen = seen_by(test, estimate)
    low, high, p = -math.inf, math.inf, 1.0
    if seen:
        half = float(confseq.standard_errors(seen, test.alpha)) * math.sqrt(estimate.variance)
        low, high = estimate.difference - half, estimate.difference + half
        p = float(confseq.p_value(estimate.z, seen))
    interval = Interval(low, high, 1 - test.alpha)
    return Reading(look.at, estimate, interval, p, shown=estimate.difference)


def _decide(
    test: ABTest, now: Reading, guardrails: Sequence[GuardrailResult], *, is_over: bool
) -> tuple[Result, str]:
    """The answer of a sound test.

    Rare failures come before the minimum of outcomes: theirs is a p-value from the first one on.
    """
    for rail in guardrails:
        if rail.p_failures is not None and rail.p_failures <= test.alpha:
            return Result.MODEL_A, _fails_too_often(rail, rail.p_failures)
    too_little = _too_little(test, now.estimate)
    if too_little:
        return Result.INCONCLUSIVE, too_little
    broken = [rail.guardrail.metric for rail in guardrails if rail.state is Kept.BROKEN]
    if broken:
        return Result.MODEL_A, f"guardrail broken: {', '.join(broken)} lost more than the margin"
    if now.p_value <= test.alpha:
        return _winner(test, now, guardrails)
    return _no_winner(test, now, is_over=is_over)


def _fails_too_often(rail: GuardrailResult, p: float) -> str:
    metric, times = rail.guardrail.metric, rail.guardrail.max_ratio
    told = "more often" if times == 1 else f"more than {times:g} times as often"
    return f"guardrail broken: {metric} comes {told} with the challenger (p = {p:.2g})"


def _too_little(test: ABTest, found: Estimate) -> str:
    """Why nothing may be concluded yet, or nothing."""
    fewest = min(found.n_a, found.n_b)
    if fewest < test.min_samples:
        return f"{fewest:,} outcomes in the smaller variant, {test.min_samples:,} are the minimum"
    if found.is_flat:
        return "all outcomes of one variant are the same so far: nothing tells how they vary"
    return ""


def _no_winner(test: ABTest, now: Reading, *, is_over: bool) -> tuple[Result, str]:
    margin = test.primary.equivalence_margin
    if margin is not None and -margin < now.interval.low and now.interval.high < margin:
        told = f"any difference is smaller than {margin:g}, and so none"
        return Result.NO_SIGNIFICANT_DIFFERENCE, told
    if is_over:
        told = "the test is over, and its interval holds 0"
        return Result.NO_SIGNIFICANT_DIFFERENCE, told
    return Result.INCONCLUSIVE, "the interval holds 0: nothing is shown yet"


def _winner(
    test: ABTest, now: Reading, guardrails: Sequence[GuardrailResult]
) -> tuple[Result, str]:
    shown = f"{test.primary.metric} differs by {now.shown:+.4g}"
    if test.primary.sign * now.shown < 0:
        return Result.MODEL_A, f"{shown}: the champion is better (p = {now.p_value:.2g})"
    if test.primary.sign * now.estimate.difference <= 0:  # an mSPRT's p is of an earlier look
        turned = f"{shown} at an earlier look, but by {now.estimate.difference:+.4g} by now"
        return Result.INCONCLUSIVE, f"{turned}: the two contradict each other"
    unsure = [rail.guardrail.metric for rail in guardrails if rail.state is not Kept.KEPT]
    if unsure:
        told = f"{shown}, but it is not shown that {', '.join(unsure)} lost less than the margin"
        return Result.INCONCLUSIVE, told
    return Result.MODEL_B, f"{shown}: the challenger is better (p = {now.p_value:.2g})"
