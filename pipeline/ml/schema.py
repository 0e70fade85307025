"""configs/schema.yaml as a pandera schema, and every way in which a frame breaks it.

Value-wise checks run through pandera on blocks of rows, so that memory is bounded by the block and
never by the number of failures. What only the whole column knows (null fraction, uniqueness,
number of categories) is checked once, globally.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from numbers import Real

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from pipeline.config import Column, Schema
from pipeline.domain import Verdict
from pipeline.errors import ConfigurationError
from pipeline.ml.incident import MAX_EXAMPLES, Finding, examples_of, first_event

WHERE = "configs/schema.yaml"
BLOCK_ROWS = 250_000
# The columns of every collected row, whatever the use case. Times are in UTC with their zone.
BUILT_IN = ("id", "event_time", "available_at", "label", "label_available_at")
_NEVER_NULL = ("id", "event_time", "available_at")

Test = Callable[[pd.Series], "pd.Series | bool"]

_MEND = {
    "missing_column": "restore the column in the query or at the source, or take it out of "
    "configs/schema.yaml",
    "unexpected_column": "leave it out of the query, or describe it in configs/schema.yaml",
    "repeated_column": "give each column of the query one name of its own",
    "type": "cast it in the query, or mend what writes it",
    "range": "look for a change of units or a broken sensor at the source; widen min or max only "
    "if such values are real",
    "finite": "find the division by zero or the overflow upstream",
    "categories": "add the category to configs/schema.yaml if it is real",
    "max_categories": "look for free text or ids in this column; raise max_categories if they are "
    "real",
    "nulls": "look for an outage at the source or a join that no longer matches",
    "unique": "look for a join that multiplies rows or a load that ran twice",
    "label_time": "a label needs the time at which it became known, at or after its event",
}


def as_pandera(schema: Schema) -> pa.DataFrameSchema:
    """The value-wise part of `schema`: columns present and expected, types, ranges, categories.

    Every check is vectorised, ignores nulls, and carries its name in `name` and what it expects in
    `error`. Raises ConfigurationError for a column that contradicts itself.
    """
    _refuse_contradictions(schema)
    columns = {name: _nullable(_built_in_checks(name)) for name in BUILT_IN}
    columns |= {name: _nullable(_column_checks(column)) for name, column in schema.columns.items()}
    return pa.DataFrameSchema(columns, strict=True)


def check_schema(
    frame: pd.DataFrame, schema: Schema, *, block_rows: int = BLOCK_ROWS
) -> list[Finding]:
    """Every fault of `frame` against `schema` and the built-in columns, or one PASS.

    Ends of ranges are allowed values. A null fraction fails above `max_null_fraction`, a number of
    categories above `max_categories`. Nulls are no duplicates of one another.
    """
    pandera_schema = as_pandera(schema)
    repeated = list(_repeated_columns(frame))
    frame = frame.loc[:, ~frame.columns.duplicated()]
    faults = [
        *repeated,
        *_value_faults(frame, pandera_schema, block_rows),
        *_null_faults(frame, schema),
        *_unique_faults(frame, schema),
        *_category_count_faults(frame, schema),
        *_label_time_faults(frame),
    ]
    return faults or [
        Finding(
            check="schema",
            column=None,
            severity=Verdict.PASS,
            found=f"{len(frame):,} rows of {frame.shape[1]} columns as described",
            expected=f"what {WHERE} says",
        )
    ]


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


# ---------------------------------------------------------------- what pandera checks


def _nullable(checks: list[pa.Check]) -> pa.Column:
    return pa.Column(checks=checks, nullable=True, required=True)


def _check(name: str, expected: str, test: Test) -> pa.Check:
    return pa.Check(test, name=name, error=expected, n_failure_cases=MAX_EXAMPLES)


def _built_in_checks(name: str) -> list[pa.Check]:
    if name == "id":
        return [_check("type", "text", is_text)]
    if name == "label":
        return [_check("type", "0, 1 or null", is_boolean)]
    return [_check("type", "time with its zone, in UTC", _is_utc)]


def _column_checks(column: Column) -> list[pa.Check]:
    checks = [_check("type", column.type, _TYPE_TESTS[column.type])]
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


def is_number(values: pd.Series) -> pd.Series | bool:
    """Whether `values` are real numbers: by dtype, or element by element where that is object."""
    if values.dtype == object:
        return _objects(values, (Real,), but=(bool, np.bool_), serve=False)
    dtype = values.dtype
    types = pd.api.types
    return types.is_integer_dtype(dtype) or types.is_float_dtype(dtype)


def _is_integer(values: pd.Series) -> pd.Series | bool:
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


def _is_time(values: pd.Series) -> bool:
    return values.empty or bool(pd.api.types.is_datetime64_any_dtype(values.dtype))


def _is_utc(values: pd.Series) -> bool:
    return values.empty or (_is_time(values) and str(getattr(values.dt, "tz", None)) == "UTC")


def _objects(
    values: pd.Series, kinds: tuple[type, ...], *, serve: bool, but: tuple[type, ...] = ()
) -> pd.Series | bool:
    """Which of the objects are of `kinds`. Where all are, `serve` says whether objects will do."""
    fit = [isinstance(one, kinds) and not isinstance(one, but) for one in values]
    return pd.Series(fit, index=values.index, dtype=bool) if not all(fit) else serve or not fit


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


_TYPE_TESTS: dict[str, Test] = {
    "number": is_number,
    "integer": _is_integer,
    "boolean": is_boolean,
    "category": is_text,
    "time": _is_time,
}


# ---------------------------------------------------------------- faults of values


@dataclass
class _Tally:
    """What all blocks together say of one check of one column."""

    expected: str
    severity: Verdict = Verdict.FAIL
    rows: int = 0
    examples: list[object] = field(default_factory=list)
    since: list[str] = field(default_factory=list)


def _value_faults(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, block_rows: int
) -> Iterator[Finding]:
    tallies: dict[tuple[str, str], _Tally] = {}
    for start in range(0, max(len(frame), 1), block_rows):
        block = frame.iloc[start : start + block_rows].reset_index(drop=True)
        try:
            schema.validate(block, lazy=True, inplace=True)
        except SchemaErrors as errors:
            for error in errors.schema_errors:
                _count(tallies, error, block)
    place = {name: n for n, name in enumerate(schema.columns)}
    # In the schema's order, not in that of the first block with a fault.
    for (check, column), tally in sorted(
        tallies.items(), key=lambda item: (place.get(item[0][1], -1), str(item[0]))
    ):
        yield _fault(
            check,
            column,
            found=_found(check, frame, column, tally),
            expected=tally.expected,
            rows=tally.rows,
            examples=examples_of(tally.examples),
            since=min(tally.since, default=None),
            severity=tally.severity,
        )


def _count(tallies: dict[tuple[str, str], _Tally], error: SchemaError, block: pd.DataFrame) -> None:
    check, column, expected = _what_failed(error)
    tally = tallies.setdefault((check, column), _Tally(expected))
    if error.reason_code is SchemaErrorReason.CHECK_ERROR:
        tally.severity = Verdict.ERROR
    failed = _failed_rows(error, block, column)
    tally.rows += int(failed.sum())
    since = first_event(block["event_time"][failed]) if "event_time" in block else None
    tally.since += [since] if since else []
    if column in block and check != "unexpected_column" and len(tally.examples) < MAX_EXAMPLES:
        tally.examples += block[column][failed].head(MAX_EXAMPLES).tolist()


def _what_failed(error: SchemaError) -> tuple[str, str, str]:
    """(check, column, expected) of a pandera error."""
    if error.reason_code is SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME:
        return "missing_column", str(error.failure_cases), "the column, as in " + WHERE
    if error.reason_code is SchemaErrorReason.COLUMN_NOT_IN_SCHEMA:
        return "unexpected_column", error.failure_cases, "only the columns of " + WHERE
    return error.check.name, error.schema.name, error.check.error


def _failed_rows(error: SchemaError, block: pd.DataFrame, column: str) -> pd.Series:
    """A mask over `block`: False in the check's output, or every known value for a wrong dtype."""
    output = error.check_output
    if isinstance(output, pd.Series):
        return ~output.astype(bool).reindex(block.index, fill_value=True)
    if column in block and not isinstance(error.check, str):
        return block[column].notna()
    return pd.Series(data=True, index=block.index)


def _found(check: str, frame: pd.DataFrame, column: str, tally: _Tally) -> str:
    rows = f"{tally.rows:,} of {len(frame):,} rows"
    if tally.severity is Verdict.ERROR:
        return f"the check itself broke on {rows}"
    if check == "missing_column":
        return "no such column"
    if check == "unexpected_column":
        return f"a column of dtype {frame[column].dtype} that nothing describes"
    if check == "type":
        return f"dtype {frame[column].dtype}; {rows} do not fit"
    if check == "range":
        known = frame[column].replace([np.inf, -np.inf], np.nan)
        return f"{rows} outside; values run from {known.min():g} to {known.max():g}"
    return rows


# ---------------------------------------------------------------- faults of whole columns


def _repeated_columns(frame: pd.DataFrame) -> Iterator[Finding]:
    for name in frame.columns[frame.columns.duplicated()].unique():
        count = int((frame.columns == name).sum())
        yield _fault(
            "repeated_column",
            str(name),
            found=f"{count} columns of this name (only the first is checked further)",
            expected="one",
            rows=len(frame),
        )


def _null_faults(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    limits = dict.fromkeys(_NEVER_NULL, 0.0)
    limits |= {name: column.max_null_fraction for name, column in schema.columns.items()}
    for name, limit in limits.items():
        if name not in frame or frame.empty:
            continue
        null = frame[name].isna()
        count = int(null.sum())
        if count / len(frame) > limit:
            yield _fault(
                "nulls",
                name,
                found=f"{count:,} of {len(frame):,} values are null ({count / len(frame):.2%})",
                expected=f"at most {limit:.2%} nulls",
                rows=count,
                since=_since(frame, null),
            )


def _unique_faults(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    names = ["id", *(name for name, column in schema.columns.items() if column.unique)]
    for name in names:
        if name not in frame:
            continue
        values = _hashable(frame[name])
        repeated = values.duplicated() & values.notna()
        count = int(repeated.sum())
        if count:
            yield _fault(
                "unique",
                name,
                found=f"{count:,} of {len(frame):,} rows repeat a value of an earlier row",
                expected="every value once",
                rows=count,
                examples=examples_of(values[repeated].head(1000)),
                since=_since(frame, repeated),
            )


def _category_count_faults(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    for name, column in schema.columns.items():
        if column.max_categories is None or name not in frame:
            continue
        counts = _hashable(frame[name]).value_counts()
        counts = counts[counts > 0]
        rarest = counts.iloc[column.max_categories :]
        if len(rarest):
            yield _fault(
                "max_categories",
                name,
                found=f"{len(counts):,} different values",
                expected=f"at most {column.max_categories:,}",
                rows=int(rarest.sum()),
                examples=examples_of(rarest.index[:MAX_EXAMPLES]),
            )


def _label_time_faults(frame: pd.DataFrame) -> Iterator[Finding]:
    """A label with no time, or one known before its event, makes point-in-time queries lie."""
    if not {"label", "label_available_at", "event_time"} <= set(frame.columns):
        return
    known_at, event = frame["label_available_at"], frame["event_time"]
    if not (_is_utc(known_at) and _is_utc(event)):
        return  # reported as a wrong type already
    faults = {
        "have a label but no time at which it became known": frame["label"].notna()
        & known_at.isna(),
        "have a label that was known before their event": known_at < event,
    }
    for said, failed in faults.items():
        count = int(failed.sum())
        if count:
            yield _fault(
                "label_time",
                "label_available_at",
                found=f"{count:,} of {len(frame):,} rows {said}",
                expected="for each label a time at or after the event",
                rows=count,
                examples=examples_of(frame["id"][failed].head(1000)) if "id" in frame else (),
                since=_since(frame, failed),
            )


def _hashable(values: pd.Series) -> pd.Series:
    """Lists and other objects as text; everything else as it is."""
    return values if values.dtype != object else values.where(values.isna(), values.map(str))


def _since(frame: pd.DataFrame, failed: pd.Series) -> str | None:
    return first_event(frame["event_time"][failed]) if "event_time" in frame else None


def _fault(
    check: str,
    column: str,
    *,
    found: str,
    expected: str,
    rows: int,
    examples: Iterable[str] = (),
    since: str | None = None,
    severity: Verdict = Verdict.FAIL,
) -> Finding:
    mend = _MEND[check]
    return Finding(
        check, column, severity, found, expected, rows, tuple(examples), mend=mend, since=since
    )
