"""Before the start: the sample that is needed, and the smallest effect that a sample can show.

Everything is in units of information: a difference of means has the variance
sd² / (n share (1 - share)), so that information = effect² n share (1 - share) / sd², and a test
needs so much of it. For one look at the end (two-sided, normal) that is
(z_(1-alpha/2) + z_power)², as in Chow, Shao and Wang (2008), "Sample size calculations in clinical
research", 3.2. For the confidence sequence it is found by integration, see crossing.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from scipy import optimize, special

from pipeline.ab_config import ABTest
from pipeline.core.abtest.confseq import tightest_at
from pipeline.core.abtest.crossing import crossing_probabilities, limits_at, look_times

LOOKS = 40  # of the plan; more looks find an effect a little sooner


@dataclass(frozen=True)
class Plan:
    """What a test of `ABTest` needs, in units of both variants together, and on average takes.

    `fixed` is a t-test looked at once, at the end; `sequential` finds the effect with the planned
    power by then; `average` is how many units it takes to find it if it is let run on.
    """

    fixed: int
    sequential: int
    average: int


def fixed_information(alpha: float, power: float) -> float:
    """What a test with one look needs."""
    return float((special.ndtri(1 - alpha / 2) + special.ndtri(power)) ** 2)


@lru_cache(maxsize=64)
def sequential_information(alpha: float, power: float, tightest: float) -> float:
    """What the confidence sequence needs to have found the effect, by the end, with `power`."""
    fixed = fixed_information(alpha, power)

    def missing(information: float) -> float:
        return _power_of(information, alpha, power, tightest) - power

    return float(optimize.brentq(missing, fixed, 6 * fixed, rtol=1e-4))


@lru_cache(maxsize=64)
def average_information(alpha: float, power: float, tightest: float) -> float:
    """What the confidence sequence takes on average to find the effect, let run without an end.

    Followed to eight times the fixed sample, where all but one in ten thousand have stopped.
    """
    end = 8 * fixed_information(alpha, power)
    times = look_times(8 * LOOKS)
    limits = limits_at(times, _x_at(end, alpha, power, tightest), alpha)
    done = crossing_probabilities(math.sqrt(end), times, limits)
    waiting = (1.0, *(1 - float(share) for share in done[:-1]))
    return end * sum(waiting) / len(times)


def plan_sample(test: ABTest) -> Plan:
    """What `test` needs to see its primary metric's min_effect."""
    alpha, power, tightest = test.alpha, test.power, test.tightest_at
    per_unit = information_per_unit(test, test.primary.min_effect)
    return Plan(
        fixed=math.ceil(fixed_information(alpha, power) / per_unit),
        sequential=math.ceil(sequential_information(alpha, power, tightest) / per_unit),
        average=math.ceil(average_information(alpha, power, tightest) / per_unit),
    )


def min_detectable_effect(test: ABTest, units: int) -> float:
    """The smallest difference that `units` of both variants show with the planned power.

    Of the confidence sequence, tuned for that effect. Infinite for no units.
    """
    if units <= 0:
        return math.inf
    needed = sequential_information(test.alpha, test.power, test.tightest_at)
    return math.sqrt(needed / (units * information_per_unit(test, 1.0)))


def information_per_unit(test: ABTest, effect: float) -> float:
    """What one unit of the planned split tells of `effect`."""
    return effect**2 * pairs_per_unit(test) / test.primary.variance


def pairs_per_unit(test: ABTest) -> float:
    """The estimate's `pairs` of one unit of the planned split: a quarter where it is even."""
    share = test.split.model_b / 100
    return share * (1 - share)


def rho_squared(test: ABTest) -> float:
    """What a pair adds to the confidence sequence's x: tightest where the plan says."""
    planned = fixed_information(test.alpha, test.power) / test.primary.min_effect**2
    return tightest_at(test.alpha) / (test.tightest_at * planned * test.primary.variance)


def tau_squared(test: ABTest) -> float:
    """The mSPRT's mixing variance: sharpest where the plan says, on the scale of differences."""
    planned = test.primary.min_effect**2 / fixed_information(test.alpha, test.power)
    return tightest_at(test.alpha) * planned / test.tightest_at


def _power_of(information: float, alpha: float, power: float, tightest: float) -> float:
    times = look_times(LOOKS)
    limits = limits_at(times, _x_at(information, alpha, power, tightest), alpha)
    return float(crossing_probabilities(math.sqrt(information), times, limits)[-1])


def _x_at(information: float, alpha: float, power: float, tightest: float) -> float:
    return tightest_at(alpha) * information / (tightest * fixed_information(alpha, power))
