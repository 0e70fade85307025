"""Sample-ratio mismatch: whether the variants have the units that their weights give them.

A router that loses, repeats or misroutes units makes the variants different people, and then no
metric means anything. Lindon and Malek (2020), "Anytime-valid inference for multinomial count
data": the Bayes factor of a Dirichlet prior around the planned shares against those shares,

    Γ(a) / Γ(a + n)  Π Γ(a_i + n_i) / Γ(a_i)  /  Π share_i^n_i,     a_i = concentration share_i,

is a martingale where the shares hold, so that P(it ever reaches 1/u) <= u (Ville's inequality).
So is the mean of several: one that looks far from the shares, and one that looks near.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

# How near to the planned shares a mismatch is looked for. At 50:50 the priors have standard
# deviations of 15 points (a variant that is down) and of 1.6 (what a 3 % misroute moves).
CONCENTRATIONS = (10.0, 1_000.0)


@dataclass(frozen=True)
class Counts:
    """Units of champion and challenger while the challenger's share (0 to 1) was `share`."""

    champion: int
    challenger: int
    share: float


def log_bayes_factor(counts: Counts) -> float:
    """Log evidence for a mismatch in one period of constant weights.

    A share of 0 or 1 is certain: infinite for one unit on the side without traffic, else 0.
    Raises ValueError for negative counts or a share outside [0, 1].
    """
    pairs = ((counts.champion, 1 - counts.share), (counts.challenger, counts.share))
    if min(n for n, _ in pairs) < 0 or not 0 <= counts.share <= 1:
        raise ValueError(f"sample ratio: found {counts}, expected counts and a share of 0 to 1")
    if any(n > 0 and share == 0 for n, share in pairs):
        return math.inf
    if 0 in (counts.share, 1 - counts.share):
        return 0.0
    prior = np.array(CONCENTRATIONS)
    total = counts.champion + counts.challenger
    evidence = special.gammaln(prior) - special.gammaln(prior + total)
    for n, share in pairs:
        part = prior * share
        evidence += special.gammaln(part + n) - special.gammaln(part) - n * math.log(share)
    return float(special.logsumexp(evidence) - math.log(len(CONCENTRATIONS)))


def mismatch_p(periods: Sequence[Counts]) -> float:
    """The always-valid p-value of "the shares hold" over periods of different weights.

    Each period's evidence is a martingale of its own, so that they multiply.
    """
    evidence = sum(log_bayes_factor(period) for period in periods)
    return 1.0 if evidence <= 0 else math.exp(-evidence)
