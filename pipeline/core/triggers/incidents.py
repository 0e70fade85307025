"""Broken data is an incident, never a reason to train: a retrain would teach the fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pipeline.core.binning import Counts, Kind
from pipeline.core.drift import MIN_ROWS, shares
from pipeline.core.profile import ColumnProfile
from pipeline.trigger_config import DataFaults


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
    units, a stale feed. A column that the reference does not know is no fault: nothing reads it.
    """
    faults = _stale(limits, newest_row, at)
    for name in sorted(reference):
        if name not in current:
            faults.append(f"{name}: gone, expected a {reference[name].kind} column")
        elif current[name].kind != reference[name].kind:
            kinds = f"found {current[name].kind}, expected {reference[name].kind}"
            faults.append(f"{name}: the schema changed: {kinds}")
        else:
            faults += _column_faults(limits, name, reference[name], current[name])
    return tuple(faults)


def _stale(limits: DataFaults, newest_row: datetime | None, at: datetime) -> list[str]:
    if newest_row is None:
        return ["stale feed: no row at all"]
    age = at - newest_row
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
    before, after = shares(reference.counts)[-2], shares(current.counts)[-2]
    if after - before >= limits.null_flood:
        faults.append(f"{name}: {after:.1%} missing, {before:.1%} in the reference")
    if reference.kind == "number" and current.deciles is not None:
        ratio = units_ratio(reference, current.deciles)
        if ratio >= limits.units_jump_ratio:
            faults.append(
                f"{name}: the median moved from {reference.median:.6g} to "
                f"{current.deciles[1]:.6g} and the spread with it, a factor of {ratio:.3g}: "
                "have the units changed?"
            )
    return faults


def units_ratio(reference: ColumnProfile, deciles: tuple[float, float, float]) -> float:
    """The factor >= 1 by which median and spread (last minus first decile) both grew or shrank.

    Other units multiply both; a warmer season moves the median alone. 1 where a factor means
    nothing: for medians that are missing, zero or of different signs, and where only one of the two
    windows is constant (a day has one weekday). Where both are, the median decides.
    """
    low, median, high = deciles
    if reference.median is None or reference.median * median <= 0:
        return 1.0
    grown = median / reference.median
    edges = reference.bins.edges
    before, after = edges[-1] - edges[0], high - low
    was_constant = before <= abs(median) * 1e-9  # an edge just below the value is no spread
    if was_constant or after == 0:
        return max(grown, 1 / grown) if was_constant and after == 0 else 1.0
    spread = after / before
    return max(1.0, min(grown, spread), min(1 / grown, 1 / spread))
