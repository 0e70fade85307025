"""When two looks of a column differ as if its values were in other units."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.ml.validation.column_profile import QUANTILES
from pipeline.ml.validation.units import conversions_from

MIN_VALUES = 100  # known values on each side, below which a ratio says nothing
# A conversion explains a move if it leaves at most this share of the distance. On the flights of
# 2013 and their weather, unchanged units left at least 0.15, whatever seasons were compared.
EXPLAINED = 0.10
MIN_DISTANCE = 0.3  # mean quantile distance in interquartile ranges: less than this is no jump
_CENTRED = 0.25  # a median closer to zero than this share of the spread has no meaningful ratio


def units_change(
    reference: Mapping[str, Any], current: Mapping[str, Any], *, unit: str | None, ratio: float
) -> str | None:
    """What shows that `current` is in other units than `reference` (profiles of a column), or None.

    A factor is in the units if it is in the median and in the spread: one of them moved by more
    than `ratio`, the other at least half as far (on a log scale) in the same direction. Seasons
    move one without the other: 3 °C to 24 °C, or the spread of a month against that of a year.
    Where the median lies about zero only the spread can tell, and must move by more than `ratio`
    squared. Smaller factors are found where a conversion from the declared `unit` explains the
    move. Fewer than 100 known values on either side say nothing.
    """
    if not _are_comparable(reference, current):
        return None
    spread, median = _spread_ratio(reference, current), _median_ratio(reference, current)
    if median is None and spread is not None and _is_beyond(spread, ratio**2):
        return f"its spread is {spread:.3g} times what it was"
    if median is not None and _move_together(median, spread or median, ratio):
        return f"its median is {median:.3g} times what it was, and its spread follows"
    explained = explaining_conversion(reference, current, unit)
    if explained is None:
        return None
    left, other = explained
    return f"a change from {unit} to {other} explains {1 - left:.0%} of its move"


def explaining_conversion(
    reference: Mapping[str, Any], current: Mapping[str, Any], unit: str | None
) -> tuple[float, str] | None:
    """(share of the move left unexplained, other unit) of the best conversion of `unit`, or None.

    The distance between two looks is the mean absolute difference of their quantiles from 5 % to
    95 %, in interquartile ranges of `current`. The conversion must leave at most a tenth.
    """
    conversions = conversions_from(unit)
    if not conversions or not _are_comparable(reference, current):
        return None
    was, now = _inner_quantiles(reference), _inner_quantiles(current)
    scale = _quantile(current, 0.75) - _quantile(current, 0.25)
    unchanged = float(np.abs(now - was).mean())
    if scale <= 0 or unchanged < MIN_DISTANCE * scale:
        return None
    left, other = min(
        (float(np.abs(now - (a * was + b)).mean()) / unchanged, name)
        for name, (a, b) in conversions.items()
    )
    return (left, other) if left <= EXPLAINED else None


def _are_comparable(*profiles: Mapping[str, Any]) -> bool:
    return all(profile["n"] >= MIN_VALUES and "quantiles" in profile for profile in profiles)


def _is_beyond(factor: float, limit: float) -> bool:
    return abs(math.log(factor)) > math.log(limit)


def _move_together(one: float, other: float, ratio: float) -> bool:
    """Whether both factors go one way, one beyond `ratio` and the other at least half as far."""
    less, more = sorted((math.log(one), math.log(other)), key=abs)
    return less * more > 0 and abs(more) > math.log(ratio) <= 2 * abs(less)


def _quantile(profile: Mapping[str, Any], q: float) -> float:
    return float(profile["quantiles"][str(q)])


def _inner_quantiles(profile: Mapping[str, Any]) -> np.ndarray:
    return np.array([_quantile(profile, q) for q in QUANTILES if 0.05 <= q <= 0.95])


def _median_ratio(reference: Mapping[str, Any], current: Mapping[str, Any]) -> float | None:
    """Current / reference median; None where either is about zero or their signs differ."""
    medians = [_quantile(profile, 0.5) for profile in (reference, current)]
    spreads = [_quantile(p, 0.75) - _quantile(p, 0.25) for p in (reference, current)]
    if medians[0] * medians[1] <= 0:
        return None
    if any(abs(m) < _CENTRED * s for m, s in zip(medians, spreads, strict=True)):
        return None
    return medians[1] / medians[0]


def _spread_ratio(reference: Mapping[str, Any], current: Mapping[str, Any]) -> float | None:
    """Current / reference spread, by the first measure that is above zero on both sides.

    The interquartile range; for rain and other rare events the mean size of what is not zero; for
    columns that mostly hold one value the range from 5 % to 95 %. None for constants.
    """
    pair = (reference, current)
    quartiles = [(_quantile(p, 0.25), _quantile(p, 0.75)) for p in pair]
    sizes = [high - low for low, high in quartiles]
    if not all(sizes):
        rare = [p["nonzero"] for p in pair]
        if not any(map(any, quartiles)) and min(r["n"] for r in rare) >= MIN_VALUES:
            sizes = [r["mean_size"] for r in rare]
        else:
            sizes = [_quantile(p, 0.95) - _quantile(p, 0.05) for p in pair]
    return sizes[1] / sizes[0] if all(sizes) else None
