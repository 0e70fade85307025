"""Bins frozen on the reference window, and exact counts of any window in them.

Every column has its value bins, then a bin for missing values, then one for values that the
reference never held. Because the bins never change, counts of chunks add up to the count of the
whole, and a warehouse can count in SQL what `count_values` counts here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.core.binlabels import range_labels
from pipeline.errors import DataIncident

Kind = Literal["number", "category", "boolean", "time"]
Floats = NDArray[np.float64]

MISSING = "<missing>"
UNSEEN = "<unseen>"
OTHER = "<other>"
CHUNK = 1 << 16  # half a megabyte of float64: stays in the cache while every edge passes over it


@dataclass(frozen=True)
class Bins:
    """Where a value belongs.

    `edges` (number, time) ascend; bin i holds edges[i-1] < x <= edges[i], the first starts at
    -inf and the last ends at +inf. Times are whole microseconds since 1970 in UTC.
    `categories` (category, boolean) have a bin each; `others` are names that the reference held
    too rarely for a bin of their own. `is_open` says that the reference held too many names to
    list: then every unlisted name is an other, and nothing is unseen.
    """

    kind: Kind
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    is_open: bool = False

    @property
    def is_ordered(self) -> bool:
        """Whether the value bins have an order (number, time)."""
        return self.kind in ("number", "time")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """One label a bin: the value bins, then missing, then unseen."""
        if self.is_ordered:
            return (*range_labels(self.edges, is_time=self.kind == "time"), MISSING, UNSEEN)
        other = (OTHER,) if self.others or self.is_open else ()
        return (*self.categories, *other, MISSING, UNSEEN)


@dataclass(frozen=True)
class Counts:
    """The mass of a window in each bin: rows, or the sum of their weights.

    `squares` is the sum of the squared weights, so that `effective` is the number of equally
    weighted rows that would be as noisy (Kish 1965: (sum w)^2 / sum w^2).
    """

    mass: tuple[float, ...]
    rows: int
    squares: float

    @property
    def total(self) -> float:
        """The mass of all bins together."""
        return math.fsum(self.mass)

    @property
    def effective(self) -> float:
        """Kish's effective number of rows; just the rows where nothing is weighted."""
        return self.total**2 / self.squares if self.squares > 0 else 0.0


def merge_counts(parts: Iterable[Counts]) -> Counts:
    """The counts of all `parts` together; they must be counts of the same bins.

    Exact in any order without weights, and with weights that are whole numbers; with other
    weights to the last digit of a float. Raises DataIncident for no part or differing bins.
    """
    parts = list(parts)
    if len({len(part.mass) for part in parts}) != 1:
        raise DataIncident("cannot merge counts: expected one or more, all of the same bins")
    return Counts(
        mass=tuple(math.fsum(column) for column in zip(*(p.mass for p in parts), strict=True)),
        rows=sum(part.rows for part in parts),
        squares=math.fsum(part.squares for part in parts),
    )


def count_values(bins: Bins, values: ArrayLike, weights: ArrayLike | None = None) -> Counts:
    """Count `values` (n,) into `bins`, each as 1 or as its weight (n,).

    None, NaN and NaT are missing; infinities fall into the outermost bins. Raises DataIncident
    for values that are not of the bins' kind and for weights that are negative or not finite.
    """
    if bins.is_ordered:
        numbers = as_numbers(bins.kind, values)
        if weights is None:
            return _count_numbers(bins, numbers)
        return _weigh(bins, _number_codes(bins, numbers), checked_weights(weights, len(numbers)))
    items = as_items(values)
    if weights is None:
        return count_tally(bins, tally_of(items))
    slots = name_slots(bins)
    where = {item: _slot(bins, slots, item) for item in tally_of(items)}
    codes = np.fromiter((where[item] for item in items), dtype=np.intp, count=len(items))
    return _weigh(bins, codes, checked_weights(weights, len(items)))


def count_tally(bins: Bins, tally: Mapping[Any, int]) -> Counts:
    """Count a column given as value -> rows, as GROUP BY or a dictionary encoding gives it.

    The keys None and NaN stand for missing. For category and boolean bins only.
    """
    slots = name_slots(bins)
    mass = [0.0] * len(bins.labels)
    for item, rows in tally.items():
        mass[_slot(bins, slots, item)] += rows
    rows = sum(tally.values())
    return Counts(tuple(mass), rows, float(rows))


def name_slots(bins: Bins) -> dict[str, int]:
    """The index of the bin of every name that the bins list."""
    other = len(bins.categories)
    kept = {name: index for index, name in enumerate(bins.categories)}
    return kept | dict.fromkeys(bins.others, other)


def name_of(kind: Kind, item: Any) -> str | None:
    """The name of a category's value; None for a missing one.

    Whole floats and booleans are named like integers, since a column of integers with one null
    arrives as floats. A boolean column's names are "true" and "false".
    """
    if _is_missing(item):
        return None
    if isinstance(item, bool | np.bool_) or (isinstance(item, float) and item.is_integer()):
        item = int(item)
    if kind == "boolean":
        return {1: "true", 0: "false"}.get(item, str(item))
    return str(item)


def as_items(values: ArrayLike) -> list[Hashable]:
    """`values` (n,) as a list. Raises DataIncident unless it is one column."""
    items = np.asarray(values, dtype=object)
    if items.ndim != 1:
        raise DataIncident(f"expected one column of plain values, found shape {items.shape}")
    return list(items.tolist())


def tally_of(items: Iterable[Hashable]) -> Counter[Hashable]:
    """How often each of `items` occurs. Raises DataIncident for lists, dicts and the like."""
    try:
        return Counter(items)
    except TypeError as error:
        raise DataIncident(f"expected a column of plain values: {error}") from error


def as_numbers(kind: Kind, values: ArrayLike) -> Floats:
    """`values` as float64 with NaN for missing; times as microseconds since 1970 in UTC.

    Integers beyond 2^53 are rounded to the nearest float.
    """
    try:
        array = np.asarray(values) if kind == "time" else np.asarray(values, dtype=np.float64)
        numbers = _as_microseconds(array) if kind == "time" else array
    except (TypeError, ValueError) as error:
        raise DataIncident(f"expected a {kind} column, found something else: {error}") from error
    if numbers.ndim != 1:
        raise DataIncident(f"expected one column of plain values, found shape {numbers.shape}")
    return numbers


def checked_weights(weights: ArrayLike, n: int) -> Floats:
    """`weights` (n,) as float64. Raises DataIncident unless all are finite and >= 0."""
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (n,) or not np.isfinite(found).all() or (found < 0).any():
        raise DataIncident(f"expected {n} weights, all finite and >= 0; found shape {found.shape}")
    return found


def _count_numbers(bins: Bins, numbers: Floats) -> Counts:
    """Ten comparisons a value beat one binary search: they vectorise, and NaN fails them all."""
    below = np.zeros(len(bins.edges), dtype=np.int64)
    present = 0
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK]
        present += int(np.count_nonzero(chunk == chunk))  # noqa: PLR0124 (false for NaN alone)
        for index, edge in enumerate(bins.edges):
            below[index] += np.count_nonzero(chunk <= edge)
    inner = np.diff(below, prepend=0, append=present)
    mass = (*inner.tolist(), len(numbers) - present, 0)
    return Counts(tuple(float(m) for m in mass), len(numbers), float(len(numbers)))


def _number_codes(bins: Bins, numbers: Floats) -> NDArray[np.intp]:
    codes = np.searchsorted(np.asarray(bins.edges, dtype=np.float64), numbers, side="left")
    return np.where(np.isnan(numbers), len(bins.edges) + 1, codes)


def _weigh(bins: Bins, codes: NDArray[np.intp], weights: Floats) -> Counts:
    mass = np.bincount(codes, weights=weights, minlength=len(bins.labels))
    return Counts(tuple(mass.tolist()), len(codes), float(weights @ weights))


def _slot(bins: Bins, slots: Mapping[str, int], item: Any) -> int:
    name, end = name_of(bins.kind, item), len(bins.labels)
    if name is None:
        return end - 2
    return slots.get(name, end - 3 if bins.is_open else end - 1)


def _as_microseconds(values: NDArray[Any]) -> Floats:
    if values.dtype == object:  # datetimes with a zone, or None
        values = np.array([_utc(item) for item in values.tolist()], dtype="datetime64[us]")
    if values.size == 0:
        return np.zeros(0)
    if values.dtype.kind != "M":
        raise TypeError(f"dtype {values.dtype} instead of datetime64 or datetime objects")
    whole = values.astype("datetime64[us]")
    return np.where(np.isnat(whole), np.nan, whole.astype(np.int64).astype(np.float64))


def _utc(item: Any) -> np.datetime64:
    if _is_missing(item):
        return np.datetime64("NaT", "us")
    if getattr(item, "tzinfo", None) is not None:
        item = (item - item.utcoffset()).replace(tzinfo=None)
    return np.datetime64(item, "us")


def _is_missing(item: Any) -> bool:
    """None, and what differs from itself (NaN, NaT) or cannot say (pandas.NA)."""
    try:
        return item is None or bool(item != item)  # noqa: PLR0124
    except TypeError:
        return True
