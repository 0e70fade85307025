"""What a collected frame looks like, as a small JSON-friendly dict without NaN.

It is the same for the same rows in any order. It is stored in the champion's package as
data-profile.json and compared with the next retrain's rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.config import Schema
from pipeline.errors import ConfigurationError
from pipeline.ml.validation.column_profile import Profile, numbers, profile_column, rounded
from pipeline.ml.validation.repeated_columns import first_columns

PROFILE_FORMAT = 1
DAY = pd.Timedelta(days=1)


def profile_frame(frame: pd.DataFrame, schema: Schema) -> Profile:
    """The profile of `frame`: rows, days, label, and one entry for each column of `schema`.

    `days` is the time from the first to the last event, at least 1; `rows_per_day` is rows / days.
    `label.coverage` is the share of rows with a label, `label.rate` the share of those that are 1.
    Columns that the frame lacks are left out; of those given twice the first counts.
    """
    frame = first_columns(frame)
    events = _event_times(frame)
    days = max((events.max() - events.min()) / DAY, 1.0) if len(events) else 1.0
    labels = numbers(frame["label"]) if "label" in frame else np.empty(0)
    return {
        "format": PROFILE_FORMAT,
        "rows": len(frame),
        "first_event": _iso(events.min()) if len(events) else None,
        "last_event": _iso(events.max()) if len(events) else None,
        "days": rounded(days),
        "rows_per_day": rounded(len(frame) / days),
        "label": {
            "coverage": rounded(len(labels) / len(frame)) if len(frame) else None,
            "rate": rounded(labels.mean()) if len(labels) else None,
        },
        "columns": {
            name: profile_column(frame[name], column.type)
            for name, column in schema.columns.items()
            if name in frame
        },
    }


def require_profile(profile: Mapping[str, Any], where: str) -> None:
    """Raises ConfigurationError unless `profile` has the format that this code writes."""
    found = profile.get("format")
    if found != PROFILE_FORMAT:
        fault = f"format: found {found!r}, expected {PROFILE_FORMAT}; package the champion again"
        raise ConfigurationError(where, [fault])


def _event_times(frame: pd.DataFrame) -> pd.Series:
    if "event_time" not in frame:
        return pd.Series([], dtype="datetime64[us, UTC]")
    times = frame["event_time"].dropna()
    usable = pd.api.types.is_datetime64_any_dtype(times.dtype)
    return times if usable else pd.Series([], dtype="datetime64[us, UTC]")


def _iso(time: pd.Timestamp) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
