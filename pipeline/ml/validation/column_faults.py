"""What only a whole column knows: nulls, repeated values, number of categories, label times."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from pipeline.config import Schema
from pipeline.ml.built_in import NEVER_NULL
from pipeline.ml.incident import MAX_EXAMPLES, Finding, examples_of
from pipeline.ml.validation.column_types import is_utc
from pipeline.ml.validation.schema_fault import fault, since_of


def find_null_faults(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    """Columns whose share of nulls is above the schema's; keys may have none."""
    limits = dict.fromkeys(NEVER_NULL, 0.0)
    limits |= {name: column.max_null_fraction for name, column in schema.columns.items()}
    for name, limit in limits.items():
        if name not in frame or frame.empty:
            continue
        null = frame[name].isna()
        count = int(null.sum())
        if count / len(frame) > limit:
            yield fault(
                "nulls",
                name,
                found=f"{count:,} of {len(frame):,} values are null ({count / len(frame):.2%})",
                expected=f"at most {limit:.2%} nulls",
                rows=count,
                since=since_of(frame, null),
            )


def find_repeated_values(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    """Unique columns, such as the id, that repeat a value. Nulls repeat nothing."""
    names = ["id", *(name for name, column in schema.columns.items() if column.unique)]
    for name in names:
        if name not in frame:
            continue
        values = _hashable(frame[name])
        repeated = values.duplicated() & values.notna()
        count = int(repeated.sum())
        if count:
            yield fault(
                "unique",
                name,
                found=f"{count:,} of {len(frame):,} rows repeat a value of an earlier row",
                expected="every value once",
                rows=count,
                examples=examples_of(values[repeated].head(1000)),
                since=since_of(frame, repeated),
            )


def find_too_many_categories(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    """Columns of more different values than `max_categories`; the rarest are the examples."""
    for name, column in schema.columns.items():
        if column.max_categories is None or name not in frame:
            continue
        counts = _hashable(frame[name]).value_counts()
        counts = counts[counts > 0]
        rarest = counts.iloc[column.max_categories :]
        if len(rarest):
            yield fault(
                "max_categories",
                name,
                found=f"{len(counts):,} different values",
                expected=f"at most {column.max_categories:,}",
                rows=int(rarest.sum()),
                examples=examples_of(rarest.index[:MAX_EXAMPLES]),
            )


def find_label_time_faults(frame: pd.DataFrame) -> Iterator[Finding]:
    """A label with no time, or one known before its event, makes point-in-time queries lie."""
    if not {"label", "label_available_at", "event_time"} <= set(frame.columns):
        return
    known_at, event = frame["label_available_at"], frame["event_time"]
    if not (is_utc(known_at) and is_utc(event)):
        return  # reported as a wrong type already
    faults = {
        "have a label but no time at which it became known": frame["label"].notna()
        & known_at.isna(),
        "have a label that was known before their event": known_at < event,
    }
    for said, failed in faults.items():
        count = int(failed.sum())
        if count:
            yield fault(
                "label_time",
                "label_available_at",
                found=f"{count:,} of {len(frame):,} rows {said}",
                expected="for each label a time at or after the event",
                rows=count,
                examples=examples_of(frame["id"][failed].head(1000)) if "id" in frame else (),
                since=since_of(frame, failed),
            )


def _hashable(values: pd.Series) -> pd.Series:
    """Lists and other objects as text; everything else as it is."""
    return values if values.dtype != object else values.where(values.isna(), values.map(str))
