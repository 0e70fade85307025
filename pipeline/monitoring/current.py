"""The current window in the reference's bins, counted by the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from pipeline.adapters.warehouse import kinds_of
from pipeline.adapters.window_counts import (
    RangeCounts,
    count_names,
    count_ranges,
    find_deciles,
)
from pipeline.core.binning import Counts, Kind, count_tally
from pipeline.core.profile import ColumnProfile
from pipeline.core.triggers.incidents import CurrentColumn
from pipeline.pointintime import known_rows

KINDS: dict[str, Kind] = {
    "str": "category",
    "boolean": "boolean",
    "time": "time",
    "Int64": "number",
    "float64": "number",
}


def count_current(
    connection: sa.Connection,
    rows: sa.Select,
    reference: Mapping[str, ColumnProfile],
    moments: Mapping[str, datetime],
    *,
    with_deciles: bool = True,
) -> dict[str, CurrentColumn]:
    """Each of the reference's columns in [start, end) as known at as_of.

    Only a jump of units is told by the deciles; `with_deciles` false saves sorting the window.

    A column that `rows` lacks is left out; one of another kind than the reference's comes with
    empty counts: `find_data_faults` has a word on both.
    """
    source = known_rows(rows)
    kinds = {name: KINDS[kind] for name, kind in kinds_of(source).items() if name in reference}
    fitting = {name: reference[name].bins for name in kinds if kinds[name] == reference[name].kind}
    edges = {name: bins.edges for name, bins in fitting.items() if bins.is_ordered}
    named = [name for name, bins in fitting.items() if not bins.is_ordered]
    ranges = count_ranges(connection, source, edges, moments)
    numbers = {name: found.present for name, found in ranges.items() if kinds[name] == "number"}
    deciles = find_deciles(connection, source, numbers, moments) if with_deciles else {}
    tallies = count_names(connection, source, named, moments)
    counts = {name: _counts(found) for name, found in ranges.items()} | {
        name: count_tally(fitting[name], tally) for name, tally in tallies.items()
    }
    empty = Counts((), 0, 0.0)
    return {
        name: CurrentColumn(kinds[name], counts.get(name, empty), deciles.get(name))
        for name in reference
        if name in kinds
    }


def _counts(found: RangeCounts) -> Counts:
    rows = found.present + found.missing
    return Counts((*map(float, found.bins), float(found.missing), 0.0), rows, float(rows))
