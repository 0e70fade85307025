"""configs/schema.yaml as a pandera schema: what can be said of each value alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pandera.pandas as pa

from pipeline.config import Column, Schema
from pipeline.errors import ConfigurationError
from pipeline.ml.built_in import BUILT_IN
from pipeline.ml.incident import MAX_EXAMPLES
from pipeline.ml.validation.column_types import (
    TYPE_TESTS,
    Test,
    is_boolean,
    is_number,
    is_text,
    is_utc,
)
from pipeline.ml.validation.schema_fault import WHERE


def as_pandera(schema: Schema) -> pa.DataFrameSchema:
    """The value-wise part of `schema`: columns present and expected, types, ranges, categories.

    Every check is vectorised, ignores nulls, and carries its name in `name` and what it expects in
    `error`. Raises ConfigurationError for a column that contradicts itself.
    """
    _refuse_contradictions(schema)
    columns = {name: _nullable(_built_in_checks(name)) for name in BUILT_IN}
    columns |= {name: _nullable(_column_checks(column)) for name, column in schema.columns.items()}
    return pa.DataFrameSchema(columns, strict=True)


def _refuse_contradictions(schema: Schema) -> None:
    faults = [
        f"columns.{name}: is a built-in column, checked always; take it out"
        for name in schema.columns
        if name in BUILT_IN
    ]
    faults += [
        f"columns.{name}.categories: found on a {column.type}, expected type: category"
        for name, column in schema.columns.items()
        if column.categories is not None and column.type != "category"
    ]
    if faults:
        raise ConfigurationError(WHERE, faults)


def _nullable(checks: list[pa.Check]) -> pa.Column:
    return pa.Column(checks=checks, nullable=True, required=True)


def _check(name: str, expected: str, test: Test) -> pa.Check:
    return pa.Check(test, name=name, error=expected, n_failure_cases=MAX_EXAMPLES)


def _built_in_checks(name: str) -> list[pa.Check]:
    if name == "id":
        return [_check("type", "text", is_text)]
    if name == "label":
        return [_check("type", "0, 1 or null", is_boolean)]
    return [_check("type", "time with its zone, in UTC", is_utc)]


def _column_checks(column: Column) -> list[pa.Check]:
    checks = [_check("type", column.type, TYPE_TESTS[column.type])]
    if column.type in ("number", "integer"):
        checks.append(_check("finite", "finite numbers", _is_finite))
    if (column.min, column.max) != (None, None):
        checks.append(_check("range", _range_text(column), _in_range(column.min, column.max)))
    if column.categories is not None:
        expected = f"one of the {len(column.categories)} categories in {WHERE}"
        checks.append(_check("categories", expected, _in_categories(column.categories)))
    return checks


def _range_text(column: Column) -> str:
    unit = f" {column.unit}" if column.unit else ""
    if column.max is None:
        return f"at least {column.min:g}{unit}"
    if column.min is None:
        return f"at most {column.max:g}{unit}"
    return f"{column.min:g} to {column.max:g}{unit}"


def _is_finite(values: pd.Series) -> pd.Series | bool:
    return ~np.isinf(values) if pd.api.types.is_float_dtype(values.dtype) else True


def _in_range(low: float | None, high: float | None) -> Test:
    """Both ends are allowed. Infinite values are the business of `finite`."""

    def test(values: pd.Series) -> pd.Series | bool:
        if values.dtype == object or is_number(values) is not True:
            return True  # reported as a wrong type already
        inside = values.between(
            -np.inf if low is None else low, np.inf if high is None else high, inclusive="both"
        )
        return inside | np.isinf(values)

    return test


def _in_categories(categories: tuple[str, ...]) -> Test:
    def test(values: pd.Series) -> pd.Series | bool:
        return values.isin(categories) if is_text(values) is True else True

    return test
