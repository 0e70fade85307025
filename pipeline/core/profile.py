"""The reference profile: what a column looked like when the champion learned, in a few kB.

It is built once, kept with the champion, and never changes: a later check reads the current
window alone and counts it into these bins.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pipeline.core.binlabels import just_below
from pipeline.core.binning import (
    Bins,
    Counts,
    Kind,
    as_items,
    as_numbers,
    checked_weights,
    count_values,
    merge_counts,
    name_of,
    tally_of,
)
from pipeline.errors import DataIncident

__all__ = ["ColumnProfile", "Counts", "count_column", "merge_counts", "profile_column"]

BINS = 10
MAX_CATEGORIES = 20  # bins of their own: beyond that a window of 300 rows holds too few each
MAX_OTHERS = 200  # names listed as seen but rare: keeps a column's profile under a few kB
_VERSION = 1


@dataclass(frozen=True)
class ColumnProfile:
    """The frozen bins of a column and the counts of the reference window in them.

    `median` (numbers and times alone, else None) is what a jump of units is told by.
    """

    bins: Bins
    counts: Counts
    median: float | None = None

    @property
    def kind(self) -> Kind:
        """number, category, boolean or time."""
        return self.bins.kind

    def to_json(self) -> dict[str, Any]:
        """A value that json.dumps takes; equal profiles give equal values, key order included."""
        return {
            "version": _VERSION,
            "kind": self.bins.kind,
            "edges": list(self.bins.edges),
            "categories": list(self.bins.categories),
            "others": list(self.bins.others),
            "is_open": self.bins.is_open,
            "mass": list(self.counts.mass),
            "rows": self.counts.rows,
            "squares": self.counts.squares,
            "median": self.median,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The profile that `to_json` gave. Raises DataIncident for anything else."""
        try:
            median = None if value["median"] is None else float(value["median"])
            profile = cls(_bins_from(value), _counts_from(value), median)
            _check(profile, value["version"])
        except (KeyError, TypeError, ValueError) as error:
            raise DataIncident(
                f"not a column's reference profile: {error!r}. Build it again from the champion's "
                "training data."
            ) from error
        return profile


def profile_column(
    values: ArrayLike, *, kind: Kind, weights: ArrayLike | None = None
) -> ColumnProfile:
    """The reference profile of `values` (n,), optionally weighted by `weights` (n,).

    number, time: deciles (each an actual value: the inverted CDF), so 10 bins, fewer where
    deciles coincide. A value that fills more than one decile gets a bin of its own, so that a
    constant or zero-heavy column still sees its value leave. Infinities are counted in the
    outermost bins but set no edge.
    category: the 20 most frequent values have a bin each, ties by name; the rest are one bin.
    boolean: true and false. Raises DataIncident for values that are not of `kind`.
    """
    if kind in ("category", "boolean"):
        bins = choose_bins(values, kind=kind, weights=weights)
        return ColumnProfile(bins, count_values(bins, values, weights))
    deciles = deciles_of(values, kind=kind, weights=weights)
    bins = Bins(kind, edges=edges_of_quantiles(deciles))
    median = deciles[BINS // 2 - 1] if deciles else None
    return ColumnProfile(bins, count_values(bins, values, weights), median)


def choose_bins(values: ArrayLike, *, kind: Kind, weights: ArrayLike | None = None) -> Bins:
    """The bins alone: choose them on a sample, then count the whole in chunks where it is large."""
    if kind == "boolean":
        return Bins(kind, categories=("false", "true"))
    if kind == "category":
        return _category_bins(values, weights)
    return Bins(kind, edges=edges_of_quantiles(deciles_of(values, kind=kind, weights=weights)))


def deciles_of(
    values: ArrayLike, *, kind: Kind, weights: ArrayLike | None = None
) -> tuple[float, ...]:
    """The nine inner deciles by the inverted CDF, of finite values; none where there are none."""
    numbers = as_numbers(kind, values)
    keep = np.isfinite(numbers)
    if weights is None:
        kept = np.sort(numbers[keep])
        ranks = -(-np.arange(1, BINS) * kept.size // BINS) - 1  # the ceil(q n)-th smallest value
        return tuple((kept[ranks] + 0.0).tolist()) if kept.size else ()  # -0.0 + 0.0 is 0.0
    mass = checked_weights(weights, len(numbers))
    keep &= mass > 0
    if not keep.any():
        return ()
    inner = np.arange(1, BINS) / BINS
    found = np.quantile(numbers[keep], inner, weights=mass[keep], method="inverted_cdf")
    return tuple((np.asarray(found) + 0.0).tolist())


def edges_of_quantiles(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Bin edges from the inner quantiles in ascending order, as percentile_disc gives them.

    A value that occurs twice among them holds more than one bin's share: it gets a bin of its own.
    """
    tally = Counter(float(q) + 0.0 for q in quantiles)  # -0.0 + 0.0 is 0.0
    alone = {just_below(q) for q, times in tally.items() if times > 1}
    return tuple(sorted(set(tally) | alone))


def count_column(
    profile: ColumnProfile, values: ArrayLike, weights: ArrayLike | None = None
) -> Counts:
    """Count a current window's column (n,) into the reference's bins; see `count_values`."""
    return count_values(profile.bins, values, weights)


def _category_bins(values: ArrayLike, weights: ArrayLike | None) -> Bins:
    tally = _tally(as_items(values), weights)
    ranked = sorted(tally, key=lambda name: (-tally[name], name))
    rare = ranked[MAX_CATEGORIES:]
    is_open = len(rare) > MAX_OTHERS
    return Bins(
        "category",
        categories=tuple(ranked[:MAX_CATEGORIES]),
        others=() if is_open else tuple(sorted(rare)),
        is_open=is_open,
    )


def _tally(items: list[Hashable], weights: ArrayLike | None) -> dict[str, float]:
    """The mass of each name; a name that weighs nothing was never seen."""
    mass: dict[Hashable, float] = {}
    if weights is None:
        mass.update(tally_of(items))
    else:
        for item, weight in zip(items, checked_weights(weights, len(items)).tolist(), strict=True):
            mass[item] = mass.get(item, 0.0) + weight
    tally: dict[str, float] = {}
    for item, weight in mass.items():
        name = name_of("category", item)
        if name is not None and weight > 0:
            tally[name] = tally.get(name, 0.0) + weight
    return tally


def _bins_from(value: Any) -> Bins:
    return Bins(
        value["kind"],
        tuple(float(edge) for edge in value["edges"]),
        tuple(value["categories"]),
        tuple(value["others"]),
        bool(value["is_open"]),
    )


def _counts_from(value: Any) -> Counts:
    mass = tuple(float(mass) for mass in value["mass"])
    return Counts(mass, int(value["rows"]), float(value["squares"]))


def _check(profile: ColumnProfile, version: Any) -> None:
    edges, mass = profile.bins.edges, profile.counts.mass
    if version != _VERSION:
        raise ValueError(f"version {version!r}, expected {_VERSION}")
    if profile.kind not in ("number", "category", "boolean", "time"):
        raise ValueError(f"kind {profile.kind!r}")
    if any(a >= b for a, b in pairwise(edges)) or not all(map(math.isfinite, edges)):
        raise ValueError(f"edges {edges} do not ascend")
    if len(mass) != len(profile.bins.labels):
        raise ValueError(f"{len(mass)} masses for {len(profile.bins.labels)} bins")
    if not all(math.isfinite(m) and m >= 0 for m in (*mass, profile.counts.squares)):
        raise ValueError("masses that are negative or not finite")
