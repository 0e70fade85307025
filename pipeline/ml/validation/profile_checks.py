"""The look of a frame against that of the champion's rows: nulls, units and rows a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from pipeline.config import Schema
from pipeline.ml.incident import Finding, first_event
from pipeline.ml.validation.column_profile import Profile
from pipeline.ml.validation.data_profile import DAY
from pipeline.ml.validation.frame_finding import finding, has_times
from pipeline.ml.validation.units_change import units_change

NULL_JUMP_RATIO = 5.0  # nulls are a flood above this multiple of the champion's share ...
NULL_JUMP_SHARE = 0.05  # ... and this much above it, so that 0.1 % -> 1 % is none
# Of a column that is null in a fifth of the rows five times as often is always: there a flood is
# that more than half of the values went. What is rarely known may well be unknown for a season.
LOST_VALUES = 0.5
SPARSE = 1 / 3  # of the rows: fewer values than that are rarely known
NEWEST_DAYS = 7


def check_null_flood(
    frame: pd.DataFrame, current: Profile, champion: Mapping[str, Any]
) -> Iterator[Finding]:
    """No column may be null more than 5 times as often as before and 5 points more often.

    Nor may more than half of its values go, where a third of the champion's rows or more had one.
    """
    flooded = False
    for name, was, now in pair_columns(current, champion):
        limit = _null_limit(was["null_fraction"])
        if now["null_fraction"] <= limit:
            continue
        flooded = True
        yield finding(
            "null_flood",
            name,
            passed=False,
            found=f"{now['null_fraction']:.1%} null, {was['null_fraction']:.1%} for the champion",
            expected=f"at most {limit:.1%}",
            rows=int(frame[name].isna().sum()),
            since=_first_day_above(frame, name, limit),
            mend="look for an outage at the source or a join that no longer matches",
        )
    if not flooded:
        yield finding(
            "null_flood",
            passed=True,
            found="no column is null much more often than for the champion",
            expected="at most 5 times and 5 points more, and half of the values at most gone",
        )


def _null_limit(was: float) -> float:
    """The largest share of nulls that is no flood, by the champion's share."""
    jump, known = max(NULL_JUMP_RATIO * was, was + NULL_JUMP_SHARE), 1 - was
    return jump if known < SPARSE else min(jump, was + LOST_VALUES * known)


def _first_day_above(frame: pd.DataFrame, name: str, limit: float) -> str | None:
    """The first day on which the share of nulls is above `limit`."""
    if not has_times(frame, "event_time"):
        return None
    daily = frame[name].isna().groupby(frame["event_time"].dt.floor("D")).mean()
    above = daily[daily > limit]
    return first_event(above.index[:1].to_series())


def check_units(
    current: Profile, champion: Mapping[str, Any], schema: Schema, *, ratio: float
) -> Iterator[Finding]:
    """No column may look as if in other units than for the champion (see `units_change`).

    Not found: a whole window in another unit when a season moved the column as well, for a factor
    below `ratio` (a June in °C against a winter in °F). `check_units_break` finds it on the day it
    happens, and a range in configs/schema.yaml may.
    """
    changed = False
    for name, was, now in pair_columns(current, champion):
        said = units_change(was, now, unit=schema.columns[name].unit, ratio=ratio)
        if said is None:
            continue
        changed = True
        yield finding(
            "units_jump",
            name,
            passed=False,
            found=f"{said}; median {_median(was)} before, {_median(now)} now",
            expected=f"median and spread within a factor of {ratio:g}, in the same unit",
            rows=now["n"],
            mend="look for a change of units at the source; convert it in the query",
        )
    if not changed:
        yield finding(
            "units_jump",
            passed=True,
            found="every column keeps its scale",
            expected=f"median and spread within a factor of {ratio:g} of the champion's",
        )


def _median(profile: Mapping[str, Any]) -> str:
    return f"{profile['quantiles']['0.5']:.4g}"


def check_row_rate(
    frame: pd.DataFrame,
    current: Profile,
    champion: Mapping[str, Any],
    *,
    band: tuple[float, float],
) -> Iterator[Finding]:
    """Rows a day, over all days and over the newest 7, within `band` times the champion's."""
    before = champion["rows_per_day"]
    if not before or current["last_event"] is None:
        return
    rates = {"all days": current["rows_per_day"]}
    if current["days"] > NEWEST_DAYS:
        newest = frame["event_time"] > frame["event_time"].max() - NEWEST_DAYS * DAY
        rates[f"the newest {NEWEST_DAYS} days"] = float(newest.sum()) / NEWEST_DAYS
    for span, rate in rates.items():
        yield finding(
            "row_rate",
            passed=band[0] <= rate / before <= band[1],
            found=f"{rate:,.0f} rows a day over {span}, {before:,.0f} for the champion "
            f"(ratio {rate / before:.2f})",
            expected=f"a ratio of {band[0]:g} to {band[1]:g}",
            mend="look for a feed that is partly down, or a load that ran twice",
        )


def pair_columns(
    current: Profile, champion: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """(name, champion's profile, current profile) of each column that both have, as one type."""
    for name, now in current["columns"].items():
        was = champion["columns"].get(name)
        if was is not None and was["type"] == now["type"]:
            yield name, was, now
