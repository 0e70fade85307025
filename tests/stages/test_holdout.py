"""What the bootstrap draws as a whole: as many days as the holdout has, each a whole one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest

from pipeline.config import SplitParams
from pipeline.ml.split import split_rows
from pipeline.stages.holdout import blocks_of

NOON = datetime(2013, 7, 2, 12, tzinfo=UTC)


def rows_until(end: datetime, days: int) -> pd.DataFrame:
    """A row for every hour of the `days` before `end`, the last one five minutes before it."""
    hours = pd.date_range(end=end - timedelta(minutes=5), periods=24 * days, freq="h")
    return pd.DataFrame({"id": range(len(hours)), "event_time": hours}).assign(
        label=lambda rows: rows["id"] % 2
    )


@pytest.mark.parametrize("minutes", [0, 6, 60 * 12], ids=["midnight", "soon after", "noon"])
def test_a_holdout_of_ten_days_is_ten_blocks_of_a_day_each(minutes: int) -> None:
    end = datetime(2013, 7, 2, tzinfo=UTC) + timedelta(minutes=minutes)
    rows = rows_until(end, days=12)
    params = SplitParams(method="time", holdout_days=10, holdout_fraction=0.2, group=None, seed=1)
    holdout = rows[split_rows(rows, np.array([], dtype=np.uint64), params, end).holdout]
    blocks = blocks_of(holdout, "day", end)
    assert blocks is not None
    assert pd.Series(blocks).value_counts().tolist() == [24] * 10


def test_a_day_is_named_by_the_date_on_which_it_begins() -> None:
    times = ["2013-06-30T12:00", "2013-07-01T11:59", "2013-07-01T12:00", "2013-07-02T11:59"]
    rows = pd.DataFrame({"event_time": pd.to_datetime(times, utc=True)})
    blocks = blocks_of(rows, "day", NOON)
    assert blocks is not None
    assert blocks.tolist() == ["2013-06-30", "2013-06-30", "2013-07-01", "2013-07-01"]


def test_the_zone_of_the_end_moves_no_day() -> None:
    rows = rows_until(NOON, days=2)
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-5)))
    found = [blocks_of(rows, "day", end) for end in (NOON, elsewhere)]
    assert found[0] is not None
    assert found[0].tolist() == found[1].tolist()  # type: ignore[union-attr]


def test_rows_are_drawn_one_by_one_where_asked() -> None:
    assert blocks_of(rows_until(NOON, days=1), "row", NOON) is None
