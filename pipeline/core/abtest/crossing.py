"""The chance that a test which is looked at again and again has found its effect by a given time.

Between looks the estimate times its information is a Brownian motion with drift; the chance of
leaving the interval is found look by look, by numerical integration (Armitage, McPherson and Rowe
1969, "Repeated significance tests on accumulating data").
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from pipeline.core.abtest.confseq import FloatArray, standard_errors

_POINTS = 151  # of the grid: the chance is right to about 0.001


def crossing_probabilities(drift: float, times: Sequence[float], limits: FloatArray) -> FloatArray:
    """The chance of a first crossing at or before each look, (looks,).

    The process has mean `drift` t and variance t at `times` (ascending, above 0); it crosses at a
    look where its absolute value is `limits` sqrt(t) or more.
    """
    stays = np.ones(len(times))
    grid = np.zeros(1)
    mass = np.ones(1)
    before = 0.0
    for look, time in enumerate(times):
        bound = float(limits[look]) * math.sqrt(time)
        edges = np.linspace(-bound, bound, _POINTS + 1)
        step = time - before
        reach = (edges[:, None] - grid[None, :] - drift * step) / math.sqrt(step)
        mass = np.diff(special.ndtr(reach), axis=0) @ mass
        grid, before = (edges[:-1] + edges[1:]) / 2, time
        stays[look] = mass.sum()
    return 1 - stays


def look_times(looks: int) -> tuple[float, ...]:
    """Evenly spaced looks in (0, 1]."""
    return tuple((look + 1) / looks for look in range(looks))


def limits_at(times: Sequence[float], x_at_the_end: float, alpha: float) -> FloatArray:
    """The confidence sequence's limits, in standard errors, at `times` of a test that ends at 1."""
    return standard_errors(np.asarray(times) * x_at_the_end, alpha)
