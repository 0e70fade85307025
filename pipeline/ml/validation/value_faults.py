"""Values that break a pandera schema, counted over blocks of rows.

Memory is bounded by the block and never by the number of failures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from pipeline.domain import Verdict
from pipeline.ml.incident import MAX_EXAMPLES, Finding, examples_of, first_event
from pipeline.ml.validation.schema_fault import WHERE, fault


@dataclass
class _Tally:
    """What all blocks together say of one check of one column."""

    expected: str
    severity: Verdict = Verdict.FAIL
    rows: int = 0
    examples: list[object] = field(default_factory=list)
    since: list[str] = field(default_factory=list)


def find_value_faults(
    frame: pd.DataFrame, schema: pa.DataFrameSchema, block_rows: int
) -> Iterator[Finding]:
    """One Finding for each check and column with a failure, in the order of the schema's columns.

    `frame` has each column once. A check that crashes is a Finding of severity ERROR.
    """
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
        yield fault(
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
