"""A window that lies in a Parquet file: its counts, and the reference's profile, column by column.

A column is read on its own and in batches, so that memory holds one batch a thread however many
rows and columns the file has. Needs pyarrow, which the monitoring of a warehouse does without.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import types

from pipeline.core.binning import Bins, Counts, Kind, count_tally, count_values, merge_counts
from pipeline.core.profile import ColumnProfile, choose_bins, profile_column
from pipeline.errors import DataIncident

BATCH_ROWS = 1 << 16  # half a megabyte of float64: what count_values keeps in the cache
READ_BYTES = 1 << 18  # read ahead: else a column's whole row group is read before its first batch
THREADS = min(4, os.cpu_count() or 1)  # each holds a batch; the file is the limit beyond that

# Made this way because pa.scalar, like to_numpy, imports pandas: a quarter of a second a process
NAN = pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(np.array([np.nan]))])[0]
# The types that a kind may have in the file, as pyarrow.types.is_... names them
FITTING: dict[Kind, tuple[str, ...]] = {
    "number": ("integer", "floating", "decimal", "boolean"),
    "time": ("timestamp", "date"),
    "boolean": ("boolean", "integer", "floating"),
    "category": ("string", "large_string", "integer", "floating", "decimal", "boolean", "date"),
}
Result = TypeVar("Result")


@dataclass(frozen=True)
class _File:
    """One open file for all columns, so that a file put in its place meanwhile is not mixed in."""

    handle: pa.NativeFile
    metadata: pq.FileMetaData
    batch_rows: int

    def batches(self, name: str) -> Iterator[pa.Array]:
        """The column `name`, at most `batch_rows` at a time; strings by the codes in the file."""
        reader = pq.ParquetFile(
            self.handle, metadata=self.metadata, read_dictionary=[name], buffer_size=READ_BYTES
        )
        for batch in reader.iter_batches(self.batch_rows, columns=[name], use_threads=False):
            yield batch.column(0)


def count_parquet(
    path: Path,
    profiles: Mapping[str, ColumnProfile],
    *,
    batch_rows: int = BATCH_ROWS,
    threads: int = THREADS,
) -> dict[str, Counts]:
    """The counts of each column in `profiles` in its bins; other columns are not read.

    They equal `count_column` on the whole column to the last digit. Strings are counted by their
    codes, so a name costs Python time once a batch. Raises DataIncident for a file that is not
    Parquet, and for all columns at once that it lacks or that hold another type than profiled.
    """
    with _opened(path, {name: one.kind for name, one in profiles.items()}, batch_rows) as file:
        return _each(lambda name: _count(file, name, profiles[name].bins), profiles, threads)


def profile_parquet(
    path: Path, kinds: Mapping[str, Kind], *, batch_rows: int = BATCH_ROWS, threads: int = 1
) -> dict[str, ColumnProfile]:
    """The reference profile of each column in `kinds`, as `profile_column` gives it.

    The deciles are exact, so a number or time column is in memory as a whole: 8 MB a million rows,
    about three times that while it is sorted, for each of `threads`. Raises DataIncident as
    `count_parquet` does.
    """
    with _opened(path, kinds, batch_rows) as file:
        return _each(lambda name: _profile(file, name, kinds[name]), kinds, threads)


def _each(
    result_of: Callable[[str], Result], names: Mapping[str, object], threads: int
) -> dict[str, Result]:
    with ThreadPoolExecutor(max(1, threads)) as pool:
        return dict(zip(names, pool.map(result_of, names), strict=True))


def _count(file: _File, name: str, bins: Bins) -> Counts:
    if bins.is_ordered:
        parts = [count_values(bins, _plain(column)) for column in file.batches(name)]
    else:
        parts = [count_tally(bins, _tally(column)) for column in file.batches(name)]
    return merge_counts([count_values(bins, []), *parts])  # a file without rows has no batch


def _profile(file: _File, name: str, kind: Kind) -> ColumnProfile:
    if kind in ("number", "time"):
        return profile_column(_whole(file, name, kind), kind=kind)
    tally: Counter[Any] = Counter()
    for column in file.batches(name):
        tally.update(_tally(column))
    bins = choose_bins(list(tally), kind=kind, weights=list(tally.values()))
    return ColumnProfile(bins, count_tally(bins, tally))


def _whole(file: _File, name: str, kind: Kind) -> NDArray[Any]:
    dtype = "float64" if kind == "number" else "datetime64[us]"
    values, start = np.empty(file.metadata.num_rows, dtype), 0
    for column in file.batches(name):
        values[start : start + len(column)] = _plain(column)
        start += len(column)
    return values


def _plain(column: pa.Array) -> Any:
    """What `count_values` takes for numbers and times: NaN or NaT for null."""
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_decimal(column.type) or types.is_null(column.type):
        return column.to_pylist()  # Python rounds a decimal to the nearest float
    if types.is_timestamp(column.type) or types.is_date(column.type):
        return column.to_numpy(zero_copy_only=False)
    if types.is_boolean(column.type):
        column = column.cast(pa.int8())
    numbers = column.cast(pa.float64(), safe=False)
    if numbers.null_count:
        numbers = numbers.fill_null(NAN)
    return np.from_dlpack(numbers)


def _tally(column: pa.Array) -> Counter[Any]:
    if types.is_float16(column.type):  # which value_counts lacks
        column = column.cast(pa.float32())
    found = column.value_counts()
    tally: Counter[Any] = Counter()  # a dictionary may list a value twice, 0.0 equals -0.0
    names, rows = found.field("values").to_pylist(), found.field("counts").to_pylist()
    for name, count in zip(names, rows, strict=True):
        tally[name] += count
    return tally


@contextmanager
def _opened(path: Path, kinds: Mapping[str, Kind], batch_rows: int) -> Iterator[_File]:
    try:
        with pa.OSFile(str(path)) as handle:
            file = pq.ParquetFile(handle)
            faults = [_fault(file.schema_arrow, name, kind) for name, kind in kinds.items()]
            if any(faults):
                lines = "".join(f"\n  - {fault}" for fault in faults if fault)
                raise DataIncident(f"{path}: columns do not fit the reference profile:{lines}")
            yield _File(handle, file.metadata, batch_rows)
    except pa.ArrowInvalid as error:
        raise DataIncident(f"{path}: expected a whole Parquet file, found: {error}") from error


def _fault(schema: pa.Schema, name: str, kind: Kind) -> str | None:
    times = schema.names.count(name)
    if times != 1:
        return f"{name}: found {times} columns of that name, expected one"
    found = schema.field(name).type
    inner = found.value_type if types.is_dictionary(found) else found
    if types.is_null(inner) or any(getattr(types, f"is_{fit}")(inner) for fit in FITTING[kind]):
        return None
    return f"{name}: found {found}, expected {kind} ({', '.join(FITTING[kind])})"
