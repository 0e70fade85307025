"""Holm's step-down adjustment (1979): p-values of one family, made safe to read one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the order given; reject those below alpha to keep the family's error.

    The smallest of m is multiplied by m, the next by m - 1, and so on, never below the one before
    and never above 1. A NaN is a test that could not be made: it stays NaN and does not
    count in m. Raises ValueError for a p-value outside [0, 1].
    """
    outside = [p for p in p_values if not math.isnan(p) and not 0 <= p <= 1]
    if outside:
        raise ValueError(f"p-values: found {outside[0]}, expected numbers from 0 to 1")
    adjusted = list(p_values)
    floor = 0.0
    known = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    for place, (p, index) in enumerate(known):
        floor = max(floor, min(1.0, p * (len(known) - place)))
        adjusted[index] = floor
    return tuple(adjusted)
