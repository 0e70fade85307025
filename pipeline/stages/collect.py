"""collect: read the window of rows and labels that were known at `as_of`.

The window ends `label_maturity_hours` before `as_of`. Positive labels often mature later than
negative ones, so rows right before `as_of` would look better than they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.config import CollectParams, load_params
from pipeline.jsonio import save_json
from pipeline.ml.digest import FrameDigest
from pipeline.ml.tables import write_parquet
from pipeline.stages import outputs
from pipeline.stages.stage import say

DEFAULT_WAREHOUSE_URL = "sqlite:///warehouse.db"


@dataclass(frozen=True)
class Window:
    """A half-open stretch of event time, [start, end)."""

    start: datetime
    end: datetime


def windows(params: CollectParams) -> dict[str, Window]:
    """The history and recent windows, side by side, all of it mature at `as_of`."""
    end = params.as_of - timedelta(hours=params.label_maturity_hours)
    middle = end - timedelta(days=params.recent_days)
    start = middle - timedelta(days=params.history_days)
    return {"history": Window(start, middle), "recent": Window(middle, end)}


def run(root: Path) -> None:
    """Write rows.parquet and summary.json."""
    # Imported here: other stages import this file for its paths, and no database for them.
    from pipeline.adapters.warehouse import (  # noqa: PLC0415
        connect,
        count_never_available,
        read_rows,
    )
    from pipeline.usecase import query  # noqa: PLC0415

    params = load_params(root).collect
    parts = windows(params)
    start, end = parts["history"].start, parts["recent"].end
    engine = connect(os.environ.get("WAREHOUSE_URL", DEFAULT_WAREHOUSE_URL))
    chunks = read_rows(
        engine,
        query.rows(),
        query.labels(),
        as_of=params.as_of,
        start=start,
        end=end,
        chunk_rows=params.chunk_rows,
    )
    tally = Tally(parts)
    write_parquet(root / outputs.COLLECTED_ROWS, tally.watch(chunks))
    summary = tally.summary()
    selects = (query.rows(), query.labels())
    left_out, labels = count_never_available(engine, *selects, start=start, end=end)
    summary["never_available"] = left_out  # no finding: it may be another one when read again
    summary["labels_never_available"] = labels
    save_json(root / outputs.COLLECT_SUMMARY, {"as_of": params.as_of, **summary})
    if left_out:
        lack = "no available_at, or no event_time"
        say(f"look: {left_out:,} rows have {lack}: none will ever train")
    if labels:
        say(f"look: {labels:,} labels have no available_at: no row ever gets one of them")
    say(f"{summary['rows']:,} rows known at {params.as_of:%Y-%m-%d %H:%M} UTC")


class Tally:
    """Counts and digests the rows as they stream by."""

    def __init__(self, parts: dict[str, Window]) -> None:
        self._parts = parts
        self._rows = dict.fromkeys(parts, 0)
        self._labelled = dict.fromkeys(parts, 0)
        self._days: set[Any] = set()
        self._digest = FrameDigest()

    def watch(self, chunks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """Pass `chunks` on, having counted them."""
        for chunk in chunks:
            for name, part in self._parts.items():
                inside = (chunk["event_time"] >= part.start) & (chunk["event_time"] < part.end)
                self._rows[name] += int(inside.sum())
                self._labelled[name] += int(chunk.loc[inside, "label"].notna().sum())
            self._days.update(chunk["event_time"].dt.date.unique())
            self._digest.update(chunk)
            yield chunk

    def summary(self) -> dict[str, Any]:
        """Rows, label maturity (the labelled share) and digest, overall and by window."""
        rows, labelled = sum(self._rows.values()), sum(self._labelled.values())
        return {
            "rows": rows,
            "labelled": labelled,
            "label_maturity": _share(labelled, rows),
            "days_with_rows": len(self._days),
            "rows_per_day": _share(rows, len(self._days)),
            "data_digest": self._digest.text(),
            "windows": {
                name: {
                    **asdict(part),
                    "rows": self._rows[name],
                    "labelled": self._labelled[name],
                    "label_maturity": _share(self._labelled[name], self._rows[name]),
                }
                for name, part in self._parts.items()
            },
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
