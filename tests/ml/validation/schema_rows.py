"""Rows as a schema describes them, that the schema's tests then break."""

import numpy as np
import pandas as pd

from pipeline.config import Column, RowRules, Schema
from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.validation.schema import check_schema

N = 40
START = pd.Timestamp("2013-01-01", tz="UTC")
ROWS = RowRules(min_rows=100, min_label_coverage=0.9, label_rate=(0.05, 0.6))
SCHEMA = Schema(
    rows=ROWS,
    columns={
        "temp": Column(type="number", min=-40, max=130, unit="°F", max_null_fraction=0.1),
        "seats": Column(type="integer", min=1),
        "origin": Column(type="category", categories=("EWR", "JFK")),
        "is_holiday": Column(type="boolean"),
        "planned_at": Column(type="time"),
        "ticket": Column(type="category", unique=True),
    },
)


def rows(**changes: object) -> pd.DataFrame:
    events = START + pd.to_timedelta(np.arange(N), unit="D")
    frame = pd.DataFrame(
        {
            "id": [f"row-{i}" for i in range(N)],
            "event_time": events,
            "available_at": events,
            "label": np.tile([0.0, 1.0], N // 2),
            "label_available_at": events + pd.Timedelta(hours=5),
            "temp": np.linspace(-40, 130, N),
            "seats": np.arange(1, N + 1),
            "origin": np.tile(["EWR", "JFK"], N // 2),
            "is_holiday": np.arange(N) % 7 == 0,
            "planned_at": events - pd.Timedelta(days=1),
            "ticket": [f"t{i}" for i in range(N)],
        }
    )
    return frame.assign(**changes)


def with_value(column: str, value: object, at: int = 7) -> pd.DataFrame:
    """The rows with one value replaced; as objects where the dtype cannot hold it."""
    frame = rows()
    values = frame[column].astype(object)
    values[at] = value
    return frame.assign(**{column: values.infer_objects()})


def faults(frame: pd.DataFrame, schema: Schema = SCHEMA, **options: int) -> list[Finding]:
    return [f for f in check_schema(frame, schema, **options) if f.severity is not Verdict.PASS]


def only(frame: pd.DataFrame) -> Finding:
    (fault,) = faults(frame)
    return fault


def named(frame: pd.DataFrame) -> set[tuple[str, str | None]]:
    return {(fault.check, fault.column) for fault in faults(frame)}
