"""What one column looks like: counts, quantiles and the most frequent categories.

A profile is a small JSON-friendly dict without NaN, the same for the same values in any order.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
import pandas as pd

QUANTILES = (0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99)
TOP_CATEGORIES = 50
MAX_KEY_CHARACTERS = 60
Profile = dict[str, Any]


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
        "null_fraction": rounded(null / len(values)) if len(values) else 0.0,
        "distinct": int(comparable(values).nunique()),
    }
    if kind in ("number", "integer"):
        return profile | profile_numbers(numbers(values))
    if kind == "boolean":
        known = numbers(values)
        return profile | {"mean": rounded(known.mean()) if len(known) else None}
    if kind == "category":
        return profile | {"top": _top_categories(values)}
    return profile


def profile_numbers(known: np.ndarray) -> Profile:
    """The numeric part of a column's profile, of finite values only; just n for none."""
    if not len(known):
        return {"n": 0}
    sizes = np.abs(known[known != 0])
    return {
        "n": len(known),
        "mean": rounded(known.mean()),
        "std": rounded(known.std()),
        "min": rounded(known.min()),
        "max": rounded(known.max()),
        **profile_quantiles(known),
        "nonzero": {"n": len(sizes), "mean_size": rounded(sizes.mean()) if len(sizes) else None},
    }


def profile_quantiles(known: np.ndarray) -> Profile:
    """What of `profile_numbers` can tell units apart: n and the quantiles; just n for none."""
    if not len(known):
        return {"n": 0}
    found = np.quantile(known, QUANTILES)
    quantiles = {str(q): rounded(value) for q, value in zip(QUANTILES, found, strict=True)}
    return {"n": len(known), "quantiles": quantiles}


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


def _top_categories(values: pd.Series) -> dict[str, int]:
    counts = comparable(values).value_counts()
    counts = counts[counts > 0]
    # nlargest(keep="all") bounds the sort, the sort by name makes ties the same for any row order.
    largest = counts.nlargest(TOP_CATEGORIES, keep="all").items()
    ranked = sorted(((category_key(value), int(n)) for value, n in largest), key=_by_count)
    return dict(ranked[:TOP_CATEGORIES])


def _by_count(pair: tuple[str, int]) -> tuple[int, str]:
    return (-pair[1], pair[0])


def comparable(values: pd.Series) -> pd.Series:
    """Objects, which may be lists, as text; everything else as it is."""
    return values if values.dtype != object else values.where(values.isna(), values.map(str))


def rounded(value: float) -> float | None:
    """Nine significant digits: sums differ in the last bits with the order of rows."""
    return float(f"{value:.9g}") if math.isfinite(value) else None
