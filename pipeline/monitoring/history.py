"""The past as a live check would have seen it, and what a champion of the past would have learned.

The warehouse is point-in-time, so a look at a past moment sees only what was known then. A
simulated champion gets the reference that a real retrain would have frozen at its moment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.adapters.warehouse import kinds_of, read_rows
from pipeline.adapters.window_counts import newest_event
from pipeline.config import Params
from pipeline.core.backtest.replay import Seen, Serving
from pipeline.core.profile import profile_column
from pipeline.errors import DataIncident, SchemaChanged
from pipeline.monitoring.current import KINDS
from pipeline.monitoring.observe import Policy, Source, nothing_seen, observe
from pipeline.monitoring.reference import Reference
from pipeline.pointintime import known_rows, moments_of

if TYPE_CHECKING:
    import pandas as pd  # at run time it is the warehouse's: only a simulated win needs it


@dataclass
class History:
    """Looks at the past, each made once: `look` is a backtest.Look.

    `original` is the real champion's reference. The recorded answers are the real champion's; a
    simulated one is judged by them with `keep_answers`, against the real one's holdout figures and
    only in windows that begin after its training. Without, its performance is unknown.
    """

    source: Source
    original: Reference
    policy: Policy
    params: Params
    keep_answers: bool
    _references: dict[datetime, Reference] = field(default_factory=dict)
    _seen: dict[tuple[str, datetime, datetime], Seen] = field(default_factory=dict)

    def look(self, serving: Serving, at: datetime) -> Seen:
        """What a check at `at` would have seen while `serving` served."""
        key = (serving.digest, serving.trained_at, at)
        if key not in self._seen:
            self._seen[key] = self._look(serving, at)
        return self._seen[key]

    def reference_of(self, serving: Serving) -> Reference:
        """What `serving` learned from. Raises DataIncident where a simulated one had no rows."""
        if not serving.is_simulated:
            return self.original
        if serving.trained_at not in self._references:
            self._references[serving.trained_at] = simulate_reference(
                self.source, self.original, self.params, serving.trained_at
            )
        return self._references[serving.trained_at]

    def _look(self, serving: Serving, at: datetime) -> Seen:
        source, reference = self.source, self.reference_of(serving)
        if serving.is_simulated and not self.keep_answers:
            source = replace(source, predictions=None, measure=None)
        try:
            sight = observe(source, reference, self.policy, at)
        except (SchemaChanged, DataIncident) as error:
            sight = nothing_seen(self.policy, at, error)
        return Seen(sight.observation, sight.data_faults)


def simulate_reference(
    source: Source, original: Reference, params: Params, trained_at: datetime
) -> Reference:
    """The reference that a retrain as of `trained_at` would have frozen.

    Its columns are those of `original`, of the rows of the window that params.yaml collects, up to
    the last one that trains. Raises DataIncident where none does.
    """
    until = trained_at - timedelta(hours=params.collect.label_maturity_hours)
    days = params.collect.history_days + params.collect.recent_days
    chunks = read_rows(
        source.connection.engine,
        source.rows,
        source.labels,
        as_of=trained_at,
        start=until - timedelta(days=days),
        end=until,
        chunk_rows=params.collect.chunk_rows,
    )
    import pandas as pd  # noqa: PLC0415 (here already, by read_rows)

    rows = pd.concat(chunks, ignore_index=True)
    trains = rows["label"].notna()
    if params.split.method == "time":
        trains &= rows["event_time"] < until - timedelta(days=params.split.holdout_days)
    if not trains.any():
        raise DataIncident(f"no labelled row to train on in the {days} days before {until}")
    rows = rows[rows["event_time"] <= rows.loc[trains, "event_time"].max()]
    kinds = {name: KINDS[kind] for name, kind in kinds_of(source.rows).items()}
    columns = {
        name: profile_column(_values(rows[name]), kind=kinds[name])
        for name in original.columns
        if name in kinds
    }
    return replace(original, until=until, columns=columns)


def newest_known(source: Source, start: datetime, end: datetime) -> datetime | None:
    """The latest event in [start, end), in the zone of `end`; None where there is no row."""
    moments = moments_of(as_of=end, start=start, end=end)
    found = newest_event(source.connection, known_rows(source.rows), moments)
    return found.replace(tzinfo=end.tzinfo) if found else None


def _values(column: pd.Series) -> Any:
    """As pipeline/stages/reference.py gives them to the profile: a test compares the two."""
    if str(column.dtype).startswith("datetime"):
        return column.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    if str(column.dtype) in ("Int64", "float64"):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return column.astype(object).where(column.notna(), None).to_numpy(dtype=object)
