"""Rare failures: whether more of them are the challenger's than its share of the traffic explains.

Of the failures that happen, a challenger that is no worse has at most its share w. If it fails r
times as often, it has q = r w / (r w + 1 - w) of them. The likelihood ratio of q against w, mixed
over several r > 1, is an e-process: for a challenger that is no worse, P(it ever reaches 1/alpha)
<= alpha (Ville's inequality), however often one looks, whatever the weights were and whenever they
changed. Ramdas, Grünwald, Vovk and Shafer (2023), "Game-theoretic statistics and safe anytime-
valid inference", sections 2 and 5.2 (mixtures of likelihood ratios); the conditional test of two
Poisson rates is Przyborowski and Wilenski (1940).

A challenger may be allowed to fail `max_ratio` times as often: then its share of the failures is at
most max_ratio w / (max_ratio w + 1 - w), and the bets are on multiples of that. The likelihood
ratio of a Bernoulli falls as the truth falls, so that it holds for all smaller ratios too.

The evidence is a list of counts, one for each period of constant weight: it survives a restart and
a change of weight to the last digit, since it is the same counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# What is bet on: the challenger fails 1.25 to 32 times as often as it may. Equal parts, so that
# each costs at most log(9) of evidence.
RATIOS = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 18.0, 32.0)
BASIS_POINTS = 10_000


@dataclass(frozen=True)
class Failures:
    """Failures of each model while the challenger had `challenger_basis_points` of the traffic."""

    challenger_basis_points: int
    champion: int
    challenger: int

    def __post_init__(self) -> None:
        if not 0 <= self.challenger_basis_points <= BASIS_POINTS:
            raise ValueError(f"weight: found {self.challenger_basis_points}, expected 0 to 10,000")
        if self.champion < 0 or self.challenger < 0:
            raise ValueError(f"failures: found {self}, expected counts of 0 or more")


def log_e_value(
    periods: Sequence[Failures], ratios: Sequence[float] = RATIOS, *, max_ratio: float = 1.0
) -> float:
    """Log evidence that it fails more than `max_ratio` times as often; compare with log(1/alpha).

    Periods in which one model had all the traffic say nothing. 0 for no failures at all.
    """
    ratio = np.asarray(ratios, dtype=np.float64)
    logs = np.zeros_like(ratio)
    for period in _by_weight(periods):
        weight = period.challenger_basis_points / BASIS_POINTS
        share = max_ratio * weight / (max_ratio * weight + 1 - weight)
        if 0 < share < 1:
            whole = ratio * share + (1 - share)  # q/w = ratio/whole, (1-q)/(1-w) = 1/whole
            failures = period.champion + period.challenger
            logs += period.challenger * np.log(ratio) - failures * np.log(whole)
    top = float(logs.max())
    return top + math.log(float(np.mean(np.exp(logs - top))))


def failures_p(periods: Sequence[Failures], *, max_ratio: float = 1.0) -> float:
    """The always-valid p-value of "it fails `max_ratio` times as often or less": 1/e, at most 1."""
    return min(1.0, math.exp(-max(log_e_value(periods, max_ratio=max_ratio), 0.0)))


def add_failures(periods: Sequence[Failures], new: Failures) -> tuple[Failures, ...]:
    """`periods` with `new` counted in: one entry for each weight, ascending."""
    same = [one for one in periods if one.challenger_basis_points == new.challenger_basis_points]
    others = [one for one in periods if one.challenger_basis_points != new.challenger_basis_points]
    total = Failures(
        new.challenger_basis_points,
        new.champion + sum(one.champion for one in same),
        new.challenger + sum(one.challenger for one in same),
    )
    return tuple(sorted([*others, total], key=lambda one: one.challenger_basis_points))


def _by_weight(periods: Sequence[Failures]) -> tuple[Failures, ...]:
    """One entry for each weight, so that the same counts give the same evidence to the bit."""
    merged: tuple[Failures, ...] = ()
    for period in periods:
        merged = add_failures(merged, period)
    return merged
