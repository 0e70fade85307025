"""Rows whose profile the tests look at."""

import numpy as np
import pandas as pd

from pipeline.config import Column, RowRules, Schema
from pipeline.ml.validation.column_profile import profile_column

N = 400
ROWS = RowRules(min_rows=100, min_label_coverage=0.9, label_rate=(0.05, 0.6))
SCHEMA = Schema(
    rows=ROWS,
    columns={
        "temp": Column(type="number", unit="°F"),
        "origin": Column(type="category"),
        "is_holiday": Column(type="boolean"),
        "planned_at": Column(type="time"),
    },
)


def rows(n: int = N, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    events = pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) * 6, unit="h")
    return pd.DataFrame(
        {
            "id": [f"row-{i}" for i in range(n)],
            "event_time": events,
            "label": np.where(np.arange(n) % 10 == 0, np.nan, np.arange(n) % 4 == 1),
            "temp": rng.normal(60, 10, n),
            "origin": rng.choice(["EWR", "JFK", "LGA"], n, p=[0.5, 0.3, 0.2]),
            "is_holiday": np.arange(n) % 5 == 0,
            "planned_at": events,
        }
    )


def look(values: np.ndarray) -> dict:
    return profile_column(pd.Series(values), "number")
