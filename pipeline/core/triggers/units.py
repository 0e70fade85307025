"""Have the units of a number column changed? Told by its median and by its spread."""

from __future__ import annotations

import math
from bisect import bisect_right

from pipeline.core.binlabels import just_below
from pipeline.core.binning import Counts
from pipeline.core.profile import ColumnProfile

SAME_SIDE = 0.1  # how far the share at or below zero may move: 3.4 standard deviations in 300 rows


def units_ratio(reference: ColumnProfile, deciles: tuple[float, float, float]) -> float:
    """The factor >= 1 by which median and spread (last minus first decile) both grew or shrank.

    Other units multiply both; a warmer season moves the median alone. 1 where a factor means
    nothing: for medians that are missing, zero (see `spread_ratio`) or of different signs, and
    where only one of the two windows is constant (a day has one weekday). Where both are, the
    median decides.
    """
    low, median, high = deciles
    if reference.median is None or reference.median * median <= 0:
        return 1.0
    grown = median / reference.median
    edges = reference.bins.edges
    before, after = edges[-1] - edges[0], high - low
    was_constant = before <= abs(median) * 1e-9  # an edge just below the value is no spread
    if was_constant or after == 0:
        return max(grown, 1 / grown) if was_constant and after == 0 else 1.0
    spread = after / before
    return max(1.0, min(grown, spread), min(1 / grown, 1 / spread))


def spread_ratio(
    reference: ColumnProfile, counts: Counts, deciles: tuple[float, float, float]
) -> float:
    """The factor >= 1 by which the spread grew or shrank around a reference median of 0.

    Zero is zero in any unit, so such a median tells nothing. But other units leave as many values
    at or below zero as before, which a day of rain does not: where that share moved by `SAME_SIDE`
    or more the factor is 1. So it is for any other median, and where either window is constant (at
    nine zeros in ten nothing is left to tell by).
    """
    edges = reference.bins.edges
    low, _, high = deciles
    if reference.median != 0 or just_below(edges[-1]) <= edges[0] or low == high:
        return 1.0
    up_to_zero = bisect_right(edges, 0.0)
    moved = _share_of(reference.counts, up_to_zero) - _share_of(counts, up_to_zero)
    if abs(moved) >= SAME_SIDE:
        return 1.0
    before, after = edges[-1] - edges[0], high - low
    return max(after / before, before / after)


def _share_of(counts: Counts, first: int) -> float:
    """The share of the `first` bins among the values that are there: some are."""
    return math.fsum(counts.mass[:first]) / math.fsum(counts.mass[:-2])
