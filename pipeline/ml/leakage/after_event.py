"""Features that were not known yet when their event happened."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding, examples_of, first_event
from pipeline.ml.leakage.column_codes import features_of


def check_after_event(
    train: pd.DataFrame, holdout: pd.DataFrame, known_ahead: Collection[str] = ()
) -> Iterator[Finding]:
    """No time of a feature may be later than its event: it was not known when a score was needed.

    Looks at every other time column, `*_available_at` above all. The row's own available_at is when
    the warehouse had it, which may well be later.
    """
    names = [
        name
        for name in features_of(train)
        if name not in known_ahead and pd.api.types.is_datetime64_any_dtype(train[name].dtype)
    ]
    late_columns = False
    for name in names:
        late = pd.concat([_in_utc(part[name]) > part["event_time"] for part in (train, holdout)])
        if not late.any():
            continue
        late_columns = True
        rows = pd.concat([part[["event_time", name]] for part in (train, holdout)])[late.to_numpy()]
        said = f"{len(rows):,} of {len(late):,} rows have a time later than their event"
        mend = "take only what was known at the event; a plan made ahead goes into known_ahead"
        yield Finding(
            "after_event",
            name,
            Verdict.FAIL,
            said,
            "at or before event_time",
            len(rows),
            examples=examples_of(rows[name].head(1000)),
            mend=mend,
            since=first_event(rows["event_time"]),
        )
    if not late_columns:
        said = f"{len(names)} time columns, none later than its event"
        yield Finding("after_event", None, Verdict.PASS, said, "at or before event_time")


def _in_utc(times: pd.Series) -> pd.Series:
    """Times without a zone are UTC, as in the warehouse."""
    return times if isinstance(times.dtype, pd.DatetimeTZDtype) else times.dt.tz_localize("UTC")
