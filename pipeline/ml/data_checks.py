"""Whether a collected frame as a whole can be trained on: amount, labels, times, and its look.

The look is compared with the champion's data profile; without a champion there is nothing to
compare with, and that is said. Every check returns at least one Finding, also when it passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from pipeline.config import RowRules, Schema, ValidateParams
from pipeline.domain import Verdict
from pipeline.ml.data_profile import (
    DAY,
    Profile,
    category_key,
    comparable,
    conversions_from,
    explaining_conversion,
    numbers,
    profile_frame,
    profile_numbers,
    require_profile,
    units_change,
)
from pipeline.ml.incident import Finding, examples_of, first_event

NULL_JUMP_RATIO = 5.0  # nulls are a flood above this multiple of the champion's share ...
NULL_JUMP_SHARE = 0.05  # ... and this much above it, so that 0.1 % -> 1 % is none
MAX_UNSEEN_SHARE = 0.5  # more rows than this in new categories: the vocabulary was replaced
MIN_PROFILED_SHARE = 0.5  # the champion's 50 top categories must cover this share to say anything
NEWEST_DAYS = 7
BREAK_DAYS = (7, 14)  # rows of at least and at most so many days are compared around a break
BREAK_SAMPLE_ROWS = 50_000


def check_frame(
    frame: pd.DataFrame,
    schema: Schema,
    params: ValidateParams,
    *,
    as_of: datetime,
    label_maturity_hours: float,
    champion_profile: Mapping[str, Any] | None,
) -> list[Finding]:
    """Every frame-level check of `frame` (collected rows); `as_of` is aware, in UTC.

    An empty frame yields one FAIL, since nothing else can be said of it. Raises ConfigurationError
    for a champion profile of another format.
    """
    if frame.empty:
        return [_empty_window(schema.rows.min_rows)]
    frame = frame.loc[:, ~frame.columns.duplicated()]
    findings = [
        *check_rows(frame, schema.rows.min_rows),
        *check_labels(frame, schema.rows, as_of=as_of, label_maturity_hours=label_maturity_hours),
        *check_times(frame, as_of),
        *check_constants(frame, schema),
        *check_units_break(frame, schema),
    ]
    if champion_profile is None:
        return [*findings, _no_champion()]
    require_profile(champion_profile, "data-profile.json of the champion")
    current = profile_frame(frame, schema)
    return [
        *findings,
        *check_null_flood(frame, current, champion_profile),
        *check_units(current, champion_profile, schema, ratio=params.units_jump_ratio),
        *check_row_rate(frame, current, champion_profile, band=params.row_rate_ratio),
        *check_vocabulary(frame, schema, champion_profile),
    ]


# ---------------------------------------------------------------- of the frame alone


def check_rows(frame: pd.DataFrame, min_rows: int) -> Iterator[Finding]:
    """At least `min_rows` rows."""
    yield _finding(
        "rows",
        passed=len(frame) >= min_rows,
        found=f"{len(frame):,} rows",
        expected=f"at least {min_rows:,}",
        mend="look for an outage of the feed, or a window that is too short (params.yaml)",
    )


def check_labels(
    frame: pd.DataFrame,
    rules: RowRules,
    *,
    as_of: datetime,
    label_maturity_hours: float,
) -> Iterator[Finding]:
    """Coverage of mature rows (events at or before `as_of` minus maturity), classes, and rate."""
    if not _has_times(frame, "event_time") or "label" not in frame:
        return
    mature = frame["event_time"] <= as_of - timedelta(hours=label_maturity_hours)
    labels = numbers(frame["label"][mature])
    count, rows = len(labels), int(mature.sum())
    coverage = count / rows if rows else 0.0
    unlabelled = mature & frame["label"].isna()
    yield _finding(
        "label_coverage",
        "label",
        passed=coverage >= rules.min_label_coverage,
        found=f"{coverage:.1%} of {rows:,} rows old enough to have a label have one",
        expected=f"at least {rules.min_label_coverage:.1%}",
        rows=int(unlabelled.sum()),
        since=first_event(frame["event_time"][unlabelled]),
        mend="look for a label feed that is late or a label join that no longer matches",
    )
    if count:
        yield from _check_label_values(labels, rules.label_rate)


def _check_label_values(labels: np.ndarray, band: tuple[float, float]) -> Iterator[Finding]:
    rate = float(labels.mean())
    classes = len(np.unique(labels))
    yield _finding(
        "label_classes",
        "label",
        passed=classes == 2,
        found=f"{classes} different labels among {len(labels):,}",
        expected="both 0 and 1",
        mend="look at how the label is computed and at the filter of the query",
    )
    low, high = band
    yield _finding(
        "label_rate",
        "label",
        passed=low <= rate <= high,
        found=f"{rate:.2%} of {len(labels):,} labels are 1",
        expected=f"{low:.2%} to {high:.2%}",
        mend="look for a label whose meaning changed; widen validate.label_rate only if it is real",
    )


def check_times(frame: pd.DataFrame, as_of: datetime) -> Iterator[Finding]:
    """No event, row or label may be later than `as_of`: it could not have been known then."""
    for name in ("event_time", "available_at", "label_available_at"):
        if not _has_times(frame, name):
            continue
        late = frame[name] > as_of
        count = int(late.sum())
        yield _finding(
            "future",
            name,
            passed=count == 0,
            found=f"{count:,} of {len(frame):,} rows are later than as_of",
            expected=f"none later than {as_of:%Y-%m-%dT%H:%M:%SZ}",
            rows=count,
            examples=examples_of(frame[name][late].head(1000)),
            since=first_event(frame.get("event_time", frame[name])[late]),
            mend="look for a clock or a time zone at the source, or a query that ignores as_of",
        )


def check_constants(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    """Each column must hold at least two values, unless its schema says may_be_constant."""
    names = [n for n, c in schema.columns.items() if n in frame and not c.may_be_constant]
    constant = [name for name in names if _is_constant(frame[name])]
    for name in constant:
        value = frame[name].dropna().head(1)
        yield _finding(
            "constant",
            name,
            passed=False,
            found="one value in every row" if len(value) else "nothing but nulls",
            expected="at least two values (or may_be_constant in configs/schema.yaml)",
            rows=len(frame),
            examples=examples_of(value),
            since=first_event(frame.get("event_time")),
            mend="look for a default that replaced the real value",
        )
    if not constant:
        yield _finding(
            "constant", passed=True, found=f"{len(names)} columns vary", expected="all vary"
        )


def check_units_break(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    """No day inside the window at which a column with a declared unit changed to another unit.

    Up to 14 days before each day are compared with up to 14 from it on, at least 7 each, so that
    seasons hardly matter. The day is an estimate, right to about three days. Reads at most 50,000
    rows, evenly over time. Needs no champion.
    """
    if not _has_times(frame, "event_time"):
        return
    days, rows = _sample_in_time_order(frame["event_time"])
    names = [n for n, c in schema.columns.items() if n in frame and conversions_from(c.unit)]
    broken = False
    for name in names:
        unit = schema.columns[name].unit
        found = _find_break(days, frame[name].iloc[rows], unit)
        if found is None:
            continue
        broken = True
        day, other = found
        since = frame["event_time"].min().floor("D") + day * DAY
        yield _finding(
            "units_break",
            name,
            passed=False,
            found=f"from about {since:%Y-%m-%d} on the values look like {other}",
            expected=f"{unit} throughout",
            rows=int((frame["event_time"] >= since).sum()),
            since=f"{since:%Y-%m-%dT%H:%M:%SZ}",
            mend="look for a release at the source near that day; convert the rows after it",
        )
    if not broken:
        said = f"{len(names)} columns with a known unit keep it"
        yield _finding("units_break", passed=True, found=said, expected="one unit throughout")


def _sample_in_time_order(event_times: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(day number from the first day on, position in the frame) of rows evenly over time."""
    known = int(event_times.notna().sum())
    order = np.argsort(event_times.dt.tz_localize(None).to_numpy(), kind="stable")[:known]
    rows = order[:: max(1, -(-known // BREAK_SAMPLE_ROWS))]
    day = (event_times.iloc[rows].dt.floor("D") - event_times.min().floor("D")) // DAY
    return day.to_numpy(), rows


def _find_break(days: np.ndarray, values: pd.Series, unit: str | None) -> tuple[int, str] | None:
    """(day, unit from then on) of the break that a conversion explains best, or None."""
    least, most = BREAK_DAYS
    last = int(days[-1]) if len(days) else -1
    best: tuple[float, int, str] | None = None
    for day in range(least, last - least + 2):
        low, middle, high = np.searchsorted(days, [day - most, day, day + most])
        before, after = (
            profile_numbers(numbers(values.iloc[part]))
            for part in (slice(low, middle), slice(middle, high))
        )
        explained = explaining_conversion(before, after, unit)
        if explained and (best is None or explained[0] < best[0]):
            best = (explained[0], day, explained[1])
    return best[1:] if best else None


# ---------------------------------------------------------------- against the champion's profile


def check_null_flood(
    frame: pd.DataFrame, current: Profile, champion: Mapping[str, Any]
) -> Iterator[Finding]:
    """No column may be null more than 5 times as often as before and 5 points more often."""
    flooded = False
    for name, was, now in _both(current, champion):
        limit = max(NULL_JUMP_RATIO * was["null_fraction"], was["null_fraction"] + NULL_JUMP_SHARE)
        if now["null_fraction"] <= limit:
            continue
        flooded = True
        yield _finding(
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
        yield _finding(
            "null_flood",
            passed=True,
            found="no column is null much more often than for the champion",
            expected="at most 5 times and 5 points more",
        )


def check_units(
    current: Profile, champion: Mapping[str, Any], schema: Schema, *, ratio: float
) -> Iterator[Finding]:
    """No column may look as if in other units than for the champion (see `units_change`).

    Not found: a whole window in another unit when a season moved the column as well, for a factor
    below `ratio` (a June in °C against a winter in °F). `check_units_break` finds it on the day it
    happens, and a range in configs/schema.yaml may.
    """
    changed = False
    for name, was, now in _both(current, champion):
        said = units_change(was, now, unit=schema.columns[name].unit, ratio=ratio)
        if said is None:
            continue
        changed = True
        yield _finding(
            "units_jump",
            name,
            passed=False,
            found=f"{said}; median {_median(was)} before, {_median(now)} now",
            expected=f"median and spread within a factor of {ratio:g}, in the same unit",
            rows=now["n"],
            mend="look for a change of units at the source; convert it in the query",
        )
    if not changed:
        yield _finding(
            "units_jump",
            passed=True,
            found="every column keeps its scale",
            expected=f"median and spread within a factor of {ratio:g} of the champion's",
        )


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
        yield _finding(
            "row_rate",
            passed=band[0] <= rate / before <= band[1],
            found=f"{rate:,.0f} rows a day over {span}, {before:,.0f} for the champion "
            f"(ratio {rate / before:.2f})",
            expected=f"a ratio of {band[0]:g} to {band[1]:g}",
            mend="look for a feed that is partly down, or a load that ran twice",
        )


def check_vocabulary(
    frame: pd.DataFrame, schema: Schema, champion: Mapping[str, Any]
) -> Iterator[Finding]:
    """At most half of a column's rows may be in categories that the champion's rows did not have.

    A profile names only the 50 most frequent; where more exist, the share of rows outside them is
    compared with what it was. Columns whose top 50 covered less than half are not judged.
    """
    replaced = False
    for name, column in schema.columns.items():
        was = champion["columns"].get(name, {})
        if column.type != "category" or name not in frame or not was.get("top"):
            continue
        profiled = sum(was["top"].values()) / was["n"]
        if profiled < MIN_PROFILED_SHARE:
            continue
        counts = comparable(frame[name]).value_counts()
        known = pd.Index(map(category_key, counts.index)).isin(list(was["top"]))
        unseen = counts[~known & (counts > 0)]
        share = 1 - counts[known].sum() / max(counts.sum(), 1) / profiled
        if share <= MAX_UNSEEN_SHARE:
            continue
        replaced = True
        yield _finding(
            "vocabulary",
            name,
            passed=False,
            found=f"{share:.0%} of the rows are in categories that the champion never saw",
            expected=f"at most {MAX_UNSEEN_SHARE:.0%}",
            rows=int(unseen.sum()),
            examples=examples_of(unseen.index),
            mend="look for a recoding at the source; map the codes in the query",
        )
    if not replaced:
        yield _finding(
            "vocabulary",
            passed=True,
            found="the categories are the champion's",
            expected=f"at most {MAX_UNSEEN_SHARE:.0%} of a column's rows in new ones",
        )


# ---------------------------------------------------------------- small parts


def _empty_window(min_rows: int) -> Finding:
    return _finding(
        "empty_window",
        passed=False,
        found="no rows at all",
        expected=f"at least {min_rows:,} rows",
        mend="look for an outage of the feed, or an as_of before the first rows (params.yaml)",
    )


def _no_champion() -> Finding:
    return _finding(
        "champion_profile",
        passed=True,
        found="no champion to compare nulls, units, row rate and categories with",
        expected="compared from the second model on",
    )


def _both(
    current: Profile, champion: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """(name, champion's profile, current profile) of each column that both have, as one type."""
    for name, now in current["columns"].items():
        was = champion["columns"].get(name)
        if was is not None and was["type"] == now["type"]:
            yield name, was, now


def _has_times(frame: pd.DataFrame, name: str) -> bool:
    """Whether the column is there with times that know their zone; else the schema fails it."""
    return name in frame and isinstance(frame[name].dtype, pd.DatetimeTZDtype)


def _is_constant(values: pd.Series) -> bool:
    """One value or none, nulls aside. A column with both a value and nulls still says something."""
    known = values.dropna()
    if len(known) < len(values) and len(known):
        return False
    text = known.map(str) if known.dtype == object else known
    return not len(known) or bool((text == text.iloc[0]).all())


def _first_day_above(frame: pd.DataFrame, name: str, limit: float) -> str | None:
    """The first day on which the share of nulls is above `limit`."""
    if not _has_times(frame, "event_time"):
        return None
    daily = frame[name].isna().groupby(frame["event_time"].dt.floor("D")).mean()
    above = daily[daily > limit]
    return first_event(above.index[:1].to_series())


def _median(profile: Mapping[str, Any]) -> str:
    return f"{profile['quantiles']['0.5']:.4g}"


def _finding(
    check: str,
    column: str | None = None,
    *,
    passed: bool,
    found: str,
    expected: str,
    rows: int = 0,
    examples: tuple[str, ...] = (),
    mend: str = "",
    since: str | None = None,
) -> Finding:
    """A PASS without advice, or a FAIL with it."""
    if passed:
        return Finding(check, column, Verdict.PASS, found, expected)
    return Finding(
        check, column, Verdict.FAIL, found, expected, rows, examples, mend=mend, since=since
    )
