"""What the champion learned from as a profile of a few kilobytes, and drift against it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from pipeline.core.binning import Kind
from pipeline.core.drift import Drift, psi
from pipeline.core.profile import ColumnProfile, profile_column

NOT_WATCHED = ("id", "event_time", "available_at", "label", "label_available_at")


def profile_features(features: pd.DataFrame) -> dict[str, Any]:
    """A JSON-friendly profile of each feature column, in frozen bins."""
    return {
        str(name): profile_column(_values(column), kind=_kind(column)).to_json()
        for name, column in features.items()
    }


def profile_rows(path: Path, until: datetime) -> dict[str, Any]:
    """A JSON-friendly profile of each collected column that monitoring watches.

    Of the rows with event_time <= `until`, those without a label too: production has none yet, and
    rows that never get one may differ from the others. One column at a time, so that memory holds
    one.
    """
    schema = pq.read_schema(path)
    events = pq.read_table(path, columns=["event_time"])["event_time"]
    keep = pc.less_equal(events, pa.scalar(until).cast(events.type)).to_numpy()
    return {
        field.name: profile_column(_values(_read(path, field.name)[keep]), kind=kind).to_json()
        for field in schema
        if field.name not in NOT_WATCHED
        for kind in [_arrow_kind(field.type)]
    }


def drift_of(profiles: dict[str, Any], features: pd.DataFrame) -> list[dict[str, Any]]:
    """Drift of each profiled column that `features` has, the largest share of its limit first."""
    rows = []
    for name, profile in profiles.items():
        if name in features:
            drift = psi(ColumnProfile.from_json(profile), _values(features[name]))
            rows.append(_row(name, drift))
    return sorted(rows, key=lambda row: (-(row["psi"] or 0) / (row["limit"] or 1), row["column"]))


def _row(name: str, drift: Drift) -> dict[str, Any]:
    return {
        "column": name,
        "psi": drift.value,
        "limit": drift.limit,
        "is_drifted": drift.is_drifted,
        "ks": drift.ks,
        "js": drift.js,
        "n_reference": drift.n_reference,
        "n_current": drift.n_current,
    }


def _read(path: Path, name: str) -> pd.Series:
    return pq.read_table(path, columns=[name])[name].to_pandas()


def _arrow_kind(found: pa.DataType) -> Kind:
    if pa.types.is_boolean(found):
        return "boolean"
    if pa.types.is_timestamp(found) or pa.types.is_date(found):
        return "time"
    is_number = pa.types.is_integer(found) or pa.types.is_floating(found)
    return "number" if is_number else "category"


def _kind(column: pd.Series) -> Kind:
    return "category" if isinstance(column.dtype, pd.CategoricalDtype) else "number"


def _values(column: pd.Series) -> np.ndarray:
    if is_datetime64_any_dtype(column.dtype):
        return column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    if not is_numeric_dtype(column.dtype) or is_bool_dtype(column.dtype):
        return column.astype(object).where(column.notna(), None).to_numpy(dtype=object)
    return column.to_numpy(dtype=float, na_value=np.nan)
