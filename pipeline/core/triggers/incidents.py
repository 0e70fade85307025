"""Broken data is an incident, never a reason to train: a retrain would teach the fault."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.core.binning import Counts, Kind
from pipeline.core.drift import MIN_ROWS, shares
from pipeline.core.profile import ColumnProfile
from pipeline.core.triggers.units import spread_ratio, units_ratio
from pipeline.trigger_config import DataFaults

CLOCK_SKEW = timedelta(minutes=15)  # less than any two time zones differ by
SPARSE = 1 / 3  # a column with fewer values in the reference may well be empty for a day
_ASK = "have the units changed?"
NOISE = 5.0  # standard deviations: once in three million looks by chance


@dataclass(frozen=True)
class CurrentColumn:
    """A column of the current window: its kind and its counts in the reference's bins.

    `deciles` of a number column are its first decile, median and last decile (percentile_disc).
    """

    kind: Kind
    counts: Counts
    deciles: tuple[float, float, float] | None = None


def find_data_faults(
    limits: DataFaults,
    reference: Mapping[str, ColumnProfile],
    current: Mapping[str, CurrentColumn],
    *,
    newest_row: datetime | None,
    at: datetime,
) -> tuple[str, ...]:
    """Every fault of the current window as one sentence; () where the data may be trained on.

    A schema change (a reference's column gone or of another kind), a flood of nulls, a jump of
    units, a feed that is stale or ahead of the clock. A column that the reference does not know is
    no fault: nothing reads it.
    """
    faults = _feed_faults(limits, newest_row, at)
    for name in sorted(reference):
        if name not in current:
            faults.append(f"{name}: gone, expected a {reference[name].kind} column")
        elif current[name].kind != reference[name].kind:
            kinds = f"found {current[name].kind}, expected {reference[name].kind}"
            faults.append(f"{name}: the schema changed: {kinds}")
        else:
            faults += _column_faults(limits, name, reference[name], current[name])
    return tuple(faults)


def _feed_faults(limits: DataFaults, newest_row: datetime | None, at: datetime) -> list[str]:
    """One row from the future would let a dead feed look fresh for as long."""
    if newest_row is None:
        return ["stale feed: no row at all"]
    age = at - newest_row
    if -age > CLOCK_SKEW:
        ahead = f"the newest row is {-age} in the future"
        return [f"feed ahead of the clock: {ahead}, expected none: is a time zone wrong?"]
    if age < limits.stale_after:
        return []
    return [f"stale feed: the newest row is {age} old, expected less than {limits.stale_after}"]


def _column_faults(
    limits: DataFaults, name: str, reference: ColumnProfile, current: CurrentColumn
) -> list[str]:
    """Too few rows say nothing about nulls or units."""
    if min(reference.counts.effective, current.counts.effective) < MIN_ROWS:
        return []
    faults = []
    if is_null_flood(limits, reference.counts, current.counts):
        before, after = missing_share(reference.counts), missing_share(current.counts)
        faults.append(f"{name}: {after:.1%} missing, {before:.1%} in the reference")
    if reference.kind == "number" and current.deciles is not None:
        faults += _units_faults(limits, name, reference, current.counts, current.deciles)
    return faults


def missing_share(counts: Counts) -> float:
    """The share of rows without a value, 0 to 1."""
    return shares(counts)[-2]


def is_null_flood(limits: DataFaults, reference: Counts, current: Counts) -> bool:
    """Whether the missing share grew by `null_flood`, or that share of the values went missing.

    The second is for a column that often has no value: where 55 % are missing in the reference,
    the missing share cannot grow by 50 points, but all of the values can go. It counts from a third
    of values on in the reference, since what is rarely known (gusts of wind, vouchers) is unknown
    for whole days without a fault, and only if chance explains it less than once in three million
    looks.
    """
    present = 1 - missing_share(reference)
    lost = missing_share(current) - missing_share(reference)
    if lost >= limits.null_flood:
        return True
    if present < SPARSE:
        return False
    noise = math.sqrt(present * (1 - present) * (1 / reference.effective + 1 / current.effective))
    return lost >= max(limits.null_flood * present, NOISE * noise)


def _units_faults(
    limits: DataFaults,
    name: str,
    reference: ColumnProfile,
    counts: Counts,
    deciles: tuple[float, float, float],
) -> list[str]:
    """Two figures have to say so; where zero hides the one, the other has to say it squared."""
    ratio = units_ratio(reference, deciles)
    if ratio >= limits.units_jump_ratio:
        moved = f"from {reference.median:.6g} to {deciles[1]:.6g} and the spread with it"
        return [f"{name}: the median moved {moved}, a factor of {ratio:.3g}: {_ASK}"]
    ratio = spread_ratio(reference, counts, deciles)
    if ratio >= limits.units_jump_ratio**2:
        changed = f"the spread around the median of 0 changed by a factor of {ratio:.3g}"
        return [f"{name}: {changed}: {_ASK}"]
    return []
