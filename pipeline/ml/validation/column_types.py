"""Whether a column holds the type that it should, whatever dtype the warehouse's client chose.

Each test answers for the column as a whole, or, where only some values do not fit, for each value.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np
import pandas as pd

Test = Callable[[pd.Series], "pd.Series | bool"]


def is_number(values: pd.Series) -> pd.Series | bool:
    """Whether `values` are real numbers: by dtype, or element by element where that is object."""
    if values.dtype == object:
        return _objects(values, (Real,), but=(bool, np.bool_), serve=False)
    dtype = values.dtype
    types = pd.api.types
    return types.is_integer_dtype(dtype) or types.is_float_dtype(dtype)


def is_integer(values: pd.Series) -> pd.Series | bool:
    """Floats may stand for integers, since a null makes integers floats; 2.5 may not."""
    if pd.api.types.is_float_dtype(values.dtype):
        return (values == np.floor(values)) | np.isinf(values)
    if pd.api.types.is_bool_dtype(values.dtype):
        return False
    return is_number(values)


def is_boolean(values: pd.Series) -> pd.Series | bool:
    """Booleans, or numbers that are 0 or 1: some warehouses have no boolean."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return True
    if values.dtype == object:
        return _objects(values, (bool, np.bool_), serve=True)
    return values.isin([0, 1]) if is_number(values) else False


def is_text(values: pd.Series) -> pd.Series | bool:
    """Whether `values` are strings, as such or as the categories of a categorical."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return bool(is_text(values.dtype.categories.to_series()) is True)
    if values.dtype == object:
        return _objects(values, (str,), serve=True)
    return bool(pd.api.types.is_string_dtype(values.dtype))


def is_time(values: pd.Series) -> bool:
    """Whether `values` are times, with or without a zone; of no values nothing can be said."""
    return values.empty or bool(pd.api.types.is_datetime64_any_dtype(values.dtype))


def is_utc(values: pd.Series) -> bool:
    """Whether `values` are times that say that they are in UTC."""
    return values.empty or (is_time(values) and str(getattr(values.dt, "tz", None)) == "UTC")


def _objects(
    values: pd.Series, kinds: tuple[type, ...], *, serve: bool, but: tuple[type, ...] = ()
) -> pd.Series | bool:
    """Which of the objects are of `kinds`. Where all are, `serve` says whether objects will do."""
    fit = [isinstance(one, kinds) and not isinstance(one, but) for one in values]
    return pd.Series(fit, index=values.index, dtype=bool) if not all(fit) else serve or not fit


TYPE_TESTS: dict[str, Test] = {
    "number": is_number,
    "integer": is_integer,
    "boolean": is_boolean,
    "category": is_text,
    "time": is_time,
}
