"""What each column of a collected frame looks like, and when two looks differ by their units.

A profile is a small JSON-friendly dict without NaN, the same for the same rows in any order. It is
stored in the champion's package as data-profile.json and compared with the next retrain's rows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.config import Schema
from pipeline.errors import ConfigurationError

PROFILE_FORMAT = 1
QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99)
TOP_CATEGORIES = 50
MAX_KEY_CHARACTERS = 60
DAY = pd.Timedelta(days=1)

Profile = dict[str, Any]

# ---------------------------------------------------------------- profiles


def profile_frame(frame: pd.DataFrame, schema: Schema) -> Profile:
    """The profile of `frame`: rows, days, label, and one entry for each column of `schema`.

    `days` is the time from the first to the last event, at least 1; `rows_per_day` is rows / days.
    `label.coverage` is the share of rows with a label, `label.rate` the share of those that are 1.
    Columns that the frame lacks are left out.
    """
    events = _event_times(frame)
    days = max((events.max() - events.min()) / DAY, 1.0) if len(events) else 1.0
    labels = numbers(frame["label"]) if "label" in frame else np.empty(0)
    return {
        "format": PROFILE_FORMAT,
        "rows": len(frame),
        "first_event": _iso(events.min()) if len(events) else None,
        "last_event": _iso(events.max()) if len(events) else None,
        "days": _rounded(days),
        "rows_per_day": _rounded(len(frame) / days),
        "label": {
            "coverage": _rounded(len(labels) / len(frame)) if len(frame) else None,
            "rate": _rounded(labels.mean()) if len(labels) else None,
        },
        "columns": {
            name: profile_column(frame[name], column.type)
            for name, column in schema.columns.items()
            if name in frame
        },
    }


def profile_column(values: pd.Series, kind: str) -> Profile:
    """The known values (n), nulls and distinct values of a column, and what fits its `kind`.

    Infinite values count in neither n nor the null fraction. Numbers have mean, std (population),
    min, max, quantiles, and the mean size of what is not zero. Booleans have their mean,
    categories the 50 most frequent with their counts.
    """
    null = int(values.isna().sum())
    profile: Profile = {
        "type": kind,
        "n": len(values) - null,
        "null_fraction": _rounded(null / len(values)) if len(values) else 0.0,
        "distinct": int(comparable(values).nunique()),
    }
    if kind in ("number", "integer"):
        return profile | profile_numbers(numbers(values))
    if kind == "boolean":
        known = numbers(values)
        return profile | {"mean": _rounded(known.mean()) if len(known) else None}
    if kind == "category":
        return profile | {"top": _top_categories(values)}
    return profile


def profile_numbers(known: np.ndarray) -> Profile:
    """The numeric part of a column's profile, of finite values only; just n for none."""
    if not len(known):
        return {"n": 0}
    sizes = np.abs(known[known != 0])
    quantiles = np.quantile(known, QUANTILES)
    return {
        "n": len(known),
        "mean": _rounded(known.mean()),
        "std": _rounded(known.std()),
        "min": _rounded(known.min()),
        "max": _rounded(known.max()),
        "quantiles": {
            str(q): _rounded(value) for q, value in zip(QUANTILES, quantiles, strict=True)
        },
        "nonzero": {"n": len(sizes), "mean_size": _rounded(sizes.mean()) if len(sizes) else None},
    }


def numbers(values: pd.Series) -> np.ndarray:
    """The finite values as float64, shape (known,); nothing from a column that holds no numbers."""
    types = pd.api.types
    if values.dtype == object and types.infer_dtype(values, skipna=True) == "boolean":
        values = values.astype("boolean")
    if not (types.is_numeric_dtype(values.dtype) and not types.is_complex_dtype(values.dtype)):
        return np.empty(0)
    array: np.ndarray = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return array[np.isfinite(array)] if len(array) else array


def category_key(value: object) -> str:
    """A category's name in a profile: itself, or its start and a digest if over 60 characters."""
    text = str(value)
    if len(text) <= MAX_KEY_CHARACTERS:
        return text
    return f"{text[:40]}…{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:16]}"


def require_profile(profile: Mapping[str, Any], where: str) -> None:
    """Raises ConfigurationError unless `profile` has the format that this code writes."""
    found = profile.get("format")
    if found != PROFILE_FORMAT:
        fault = f"format: found {found!r}, expected {PROFILE_FORMAT}; package the champion again"
        raise ConfigurationError(where, [fault])


def _top_categories(values: pd.Series) -> dict[str, int]:
    counts = comparable(values).value_counts()
    counts = counts[counts > 0]
    # nlargest(keep="all") bounds the sort, the sort by name makes ties the same for any row order.
    largest = counts.nlargest(TOP_CATEGORIES, keep="all").items()
    ranked = sorted(((category_key(value), int(n)) for value, n in largest), key=_by_count)
    return dict(ranked[:TOP_CATEGORIES])


def _by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return (-pair[1], pair[0])


def _event_times(frame: pd.DataFrame) -> pd.Series:
    if "event_time" not in frame:
        return pd.Series([], dtype="datetime64[us, UTC]")
    times = frame["event_time"].dropna()
    usable = pd.api.types.is_datetime64_any_dtype(times.dtype)
    return times if usable else pd.Series([], dtype="datetime64[us, UTC]")


def comparable(values: pd.Series) -> pd.Series:
    """Objects, which may be lists, as text; everything else as it is."""
    return values if values.dtype != object else values.where(values.isna(), values.map(str))


def _iso(time: pd.Timestamp) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _rounded(value: float) -> float | None:
    """Nine significant digits: sums differ in the last bits with the order of rows."""
    return float(f"{value:.9g}") if math.isfinite(value) else None


# ---------------------------------------------------------------- units

MIN_VALUES = 100  # known values on each side, below which a ratio says nothing
# A conversion explains a move if it leaves at most this share of the distance. On the flights of
# 2013 and their weather, unchanged units left at least 0.15, whatever seasons were compared.
EXPLAINED = 0.10
MIN_DISTANCE = 0.3  # mean quantile distance in interquartile ranges: less than this is no jump
_NEAR_ONE = 1.5  # smaller factors (miles an hour to knots) cannot be told from weather
_CENTRED = 0.25  # a median closer to zero than this share of the spread has no meaningful ratio

# unit: (quantity, a, b) with base = a · value + b. Base units: m, m/s, kg, s, Pa, K, l, J, 1, rad.
_UNITS: dict[str, tuple[str, float, float]] = {
    **{u: ("length", a, 0.0) for u, a in {
        "m": 1, "km": 1e3, "cm": 1e-2, "mm": 1e-3, "mi": 1609.344, "nmi": 1852, "ft": 0.3048,
        "in": 0.0254, "yd": 0.9144}.items()},
    **{u: ("speed", a, 0.0) for u, a in {
        "m/s": 1, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600, "ft/s": 0.3048}.items()},
    **{u: ("mass", a, 0.0) for u, a in {
        "kg": 1, "g": 1e-3, "mg": 1e-6, "t": 1e3, "lb": 0.45359237, "oz": 0.028349523}.items()},
    **{u: ("time", a, 0.0) for u, a in {
        "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60, "h": 3600, "d": 86400}.items()},
    **{u: ("pressure", a, 0.0) for u, a in {
        "pa": 1, "hpa": 100, "kpa": 1e3, "bar": 1e5, "inhg": 3386.389, "mmhg": 133.3224,
        "psi": 6894.757}.items()},
    "k": ("temperature", 1.0, 0.0),
    "c": ("temperature", 1.0, 273.15),
    "f": ("temperature", 1 / 1.8, 273.15 - 32 / 1.8),
    **{u: ("volume", a, 0.0) for u, a in {"l": 1, "ml": 1e-3, "gal": 3.785412}.items()},
    **{u: ("energy", a, 0.0) for u, a in {
        "j": 1, "kj": 1e3, "mj": 1e6, "wh": 3600, "kwh": 3.6e6,
        "cal": 4.184, "kcal": 4184}.items()},
    **{u: ("share", a, 0.0) for u, a in {"fraction": 1, "%": 1e-2}.items()},
    **{u: ("angle", a, 0.0) for u, a in {"rad": 1, "deg": math.pi / 180}.items()},
}  # fmt: skip
_SHOWN = {
    "f": "°F", "c": "°C", "k": "K", "pa": "Pa", "hpa": "hPa", "kpa": "kPa", "inhg": "inHg",
    "mmhg": "mmHg", "j": "J", "kj": "kJ", "mj": "MJ", "wh": "Wh", "kwh": "kWh",
}  # fmt: skip
_ALIASES = {
    "°f": "f", "degf": "f", "fahrenheit": "f", "°c": "c", "degc": "c", "celsius": "c",
    "kelvin": "k", "mile": "mi", "miles": "mi", "feet": "ft", "foot": "ft", "inch": "in",
    "inches": "in", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "kilometres": "km",
    "kilometers": "km", "knots": "kn", "knot": "kn", "kt": "kn", "kts": "kn", "kph": "km/h",
    "kmh": "km/h", "miles an hour": "mph", "miles per hour": "mph", "mi/h": "mph",
    "inches in the hour": "in", "millibar": "hpa", "mbar": "hpa", "pound": "lb", "pounds": "lb",
    "lbs": "lb", "second": "s", "seconds": "s", "minute": "min", "minutes": "min", "hour": "h",
    "hours": "h", "day": "d", "days": "d", "percent": "%", "degree": "deg", "degrees": "deg",
    "°": "deg", "gallon": "gal", "gallons": "gal", "litre": "l", "litres": "l", "liter": "l",
    "liters": "l",
}  # fmt: skip


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
    if not _arecomparable(reference, current):
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
    if not conversions or not _arecomparable(reference, current):
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


def conversions_from(unit: str | None) -> dict[str, tuple[float, float]]:
    """Other units of the same quantity as name: (a, b) with other = a · value + b.

    Empty for an unknown unit. Pure factors up to 1.5 either way are left out.
    """
    source = _canonical(unit)
    if source not in _UNITS:
        return {}
    quantity, a, b = _UNITS[source]
    others = {
        _shown(name): (a / other_a, (b - other_b) / other_a)
        for name, (other_quantity, other_a, other_b) in _UNITS.items()
        if other_quantity == quantity and name != source
    }
    return {
        name: (factor, offset)
        for name, (factor, offset) in others.items()
        if offset or abs(math.log(factor)) > math.log(_NEAR_ONE)
    }


def _shown(unit: str) -> str:
    return _SHOWN.get(unit, unit)


def _canonical(unit: str | None) -> str:
    text = (unit or "").strip().casefold()
    return _ALIASES.get(text, text)


def _arecomparable(*profiles: Mapping[str, Any]) -> bool:
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
