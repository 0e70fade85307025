"""What a row of features looks like, as a JSON Schema, and rows made to look like it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from pipeline.config import Schema
from pipeline.errors import ConfigurationError, DataIncident
from pipeline.ml.categories import as_categories
from pipeline.wording import counted

LARGEST = float(np.finfo(np.float32).max)  # forests and others compute in no more than float32
TOO_LARGE = 2.0**63  # for an integer: it would come out of int64 as another one, below 0
_JSON_TYPES = {"number": "number", "integer": "integer", "boolean": "boolean", "category": "string"}


def input_schema(features: pd.DataFrame, *, nullable: Collection[str] = ()) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one row of `features`, which the model was fitted on.

    A column may be null where it was null in `features` or is named in `nullable`. The categories
    seen stand in `x-categories`, for readers: unseen ones are allowed. `x-order` is the order of
    columns that the model expects. Raises ConfigurationError for columns that are none of number,
    integer, boolean and category.
    """
    kinds = {name: _kind(features[name]) for name in features.columns}
    faults = [
        f"{name}: found the type {features[name].dtype}, expected a number, boolean or category"
        for name, kind in kinds.items()
        if kind is None
    ]
    if faults:
        raise ConfigurationError("pipeline/usecase/features.py", faults)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One row of features",
        "type": "object",
        "properties": {
            name: _property(features[name], str(kind), name in nullable)
            for name, kind in kinds.items()
        },
        "required": list(kinds),
        "x-order": list(kinds),
    }


def may_be_null(schema: Schema) -> frozenset[str]:
    """The columns that `schema` allows nulls in, whether or not training has seen one there.

    To be named as nullable where a feature is called like its column: a null that passes the
    schema must not be refused when a later holdout is scored.
    """
    return frozenset(name for name, column in schema.columns.items() if column.max_null_fraction)


def prepare(frame: pd.DataFrame, schema: Mapping[str, Any]) -> pd.DataFrame:
    """The columns of `frame` that the model expects, in its order and of its types.

    Columns that `schema` does not name are left out; categories that it does not list are kept.
    Raises DataIncident naming every fault: missing columns, columns given twice, nulls where none
    may be, numbers that are infinite or beyond LARGEST, integers of TOO_LARGE or more, values of
    another type.
    """
    order = schema["x-order"]
    faults = [f"{name}: missing" for name in order if name not in frame.columns]
    twice = set(frame.columns[frame.columns.duplicated()])
    faults += [f"{name}: given twice" for name in order if name in twice]
    columns = {}
    for name in order:
        if name in frame.columns and name not in twice:
            try:
                columns[name] = _coerce(frame[name], schema["properties"][name])
            except (TypeError, ValueError) as error:
                faults.append(f"{name}: {error}")
    if faults:
        raise DataIncident("rows do not fit the model's input schema: " + "; ".join(faults))
    return pd.DataFrame(columns, index=frame.index)


def _kind(column: pd.Series) -> str | None:
    if types.is_bool_dtype(column) and not isinstance(column.dtype, pd.CategoricalDtype):
        return "boolean"
    if types.is_integer_dtype(column):
        return "integer"
    if types.is_float_dtype(column):
        return "number"
    if isinstance(column.dtype, pd.CategoricalDtype) or types.is_string_dtype(column):
        return "category"
    return None


def _property(column: pd.Series, kind: str, nullable: bool) -> dict[str, Any]:
    is_nullable = nullable or bool(column.isna().any())
    json_type = _JSON_TYPES[kind]
    described: dict[str, Any] = {
        "type": [json_type, "null"] if is_nullable else json_type,
        "x-kind": kind,
    }
    if kind == "category":
        described["x-categories"] = as_categories(column).cat.categories.tolist()
    return described


def _coerce(column: pd.Series, described: Mapping[str, Any]) -> pd.Series:
    """`column` as the type that `described` names. Raises ValueError saying what was found."""
    is_nullable = "null" in described["type"]
    if not is_nullable and (nulls := int(column.isna().sum())):
        raise ValueError(f"found {nulls:,} of {len(column):,} values null, expected none")
    kind = described["x-kind"]
    if kind == "category":
        return as_categories(column)
    numbers = _numbers(column)
    if kind == "boolean":
        return _checked(numbers, numbers.isin([0, 1]), "true or false").astype(
            "float64" if is_nullable else "bool"
        )
    if kind == "integer":
        whole = _checked(numbers, numbers == np.floor(numbers), "whole numbers")
        _checked(column, whole.abs() < TOO_LARGE, "whole numbers of 64 bits")
        return whole.astype("float64" if is_nullable else "int64")
    return numbers


def _numbers(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiu":
        # What is numbers already need not be parsed: a server does this for each row it answers.
        numbers = column.astype("float64")
        return numbers if (np.abs(numbers.to_numpy()) <= LARGEST).all() else _finite(numbers)
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    _checked(column, numbers.notna() | column.isna(), "numbers")
    return _finite(numbers)


def _finite(numbers: pd.Series) -> pd.Series:
    finite = _checked(numbers, ~np.isinf(numbers), "finite numbers")
    return _checked(finite, finite.abs() <= LARGEST, f"numbers up to {LARGEST:.2g}")


def _checked(column: pd.Series, is_good: pd.Series, expected: str) -> pd.Series:
    """`column` where all its values that are not null are good."""
    bad = column[~is_good & column.notna()]
    if len(bad):
        found = bad.to_list()[0]  # a plain Python value, which prints plainly
        raise ValueError(f"found {found!r} in {counted(len(bad), 'row')}, expected {expected}")
    return column
