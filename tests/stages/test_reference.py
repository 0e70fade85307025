"""The reference that drift is measured against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.core.drift import psi
from pipeline.core.profile import ColumnProfile
from pipeline.ml.tables import save_table
from pipeline.stages.reference import profile_rows

N = 2_000
START = pd.Timestamp("2013-01-01T00:00:00Z")


def collected(path: Path) -> pd.DataFrame:
    """Rows an hour apart, every fifth of another carrier whose labels never come."""
    number = np.arange(N)
    lost = number % 5 == 0
    rows = pd.DataFrame(
        {
            "id": [f"row-{each}" for each in number],
            "event_time": START + pd.to_timedelta(number, unit="h"),
            "carrier": np.where(lost, "ZZ", "AA"),
            "label": pd.array(np.where(lost, None, number % 2), dtype="Int8"),
        }
    )
    save_table(path, rows)
    return rows


def test_rows_that_never_get_a_label_are_no_drift(tmp_path: Path) -> None:
    rows = collected(tmp_path / "rows.parquet")
    profiles = profile_rows(tmp_path / "rows.parquet", rows["event_time"].max())
    assert list(profiles) == ["carrier"]
    drift = psi(ColumnProfile.from_json(profiles["carrier"]), rows["carrier"].to_numpy(object))
    assert drift.value == 0
    assert drift.n_reference == N


def test_the_last_row_that_trained_counts_and_none_after_it(tmp_path: Path) -> None:
    rows = collected(tmp_path / "rows.parquet")
    until = rows.loc[N // 2, "event_time"]
    profiles = profile_rows(tmp_path / "rows.parquet", until.to_pydatetime())
    assert ColumnProfile.from_json(profiles["carrier"]).counts.rows == N // 2 + 1
