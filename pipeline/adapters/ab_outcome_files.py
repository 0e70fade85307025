"""Outcomes of an A/B test from a CSV or Parquet file, in chunks of bounded size.

One row a unit: `unit`, `variant` (model_a or model_b), `assigned_at`, `outcome_at` and a column for
each metric (and for the covariate), named as in the test. Times are ISO 8601, without a zone in
UTC. An empty cell is an outcome that is missing. The first row of a unit counts.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import ConfigurationError, DataIncident, OutsideError

CHUNK_ROWS = 500_000
COLUMNS = ("unit", "variant", "assigned_at", "outcome_at")
NO_TIME = np.datetime64("NaT", "us")


@dataclass(frozen=True)
class OutcomeRows:
    """Rows of a file, each array (n,). Units and variants are UTF-8 bytes.

    Times are datetime64[us] in UTC, NaT where empty. A value is NaN where the file says so;
    `is_missing` is True where its cell is empty.
    """

    unit: np.ndarray
    variant: np.ndarray
    assigned_at: np.ndarray
    outcome_at: np.ndarray
    values: Mapping[str, np.ndarray]
    is_missing: Mapping[str, np.ndarray]


def read_outcome_file(
    path: Path, names: Sequence[str], *, chunk_rows: int = CHUNK_ROWS
) -> Iterator[OutcomeRows]:
    """The rows of `path` with the metrics and covariates `names`.

    Raises OutsideError where there is no such file, ConfigurationError for columns that it lacks or
    has twice or a kind of file that it is not, DataIncident for a cell that cannot be read, such as
    text that is not UTF-8, and for a row without a unit.
    """
    if not path.is_file():
        raise OutsideError(f"{path}: not found, expected outcomes as CSV or Parquet")
    readers = {".csv": _csv_columns, ".parquet": _parquet_columns}
    if path.suffix not in readers:
        raise ConfigurationError(str(path), ["expected a name that ends in .csv or .parquet"])
    try:  # around the reading too: what is wrong with a file is found while it is read
        for columns in readers[path.suffix](path, [*COLUMNS, *names], chunk_rows):
            yield _rows(columns, names)
    except (ValueError, TypeError, OverflowError, NotImplementedError, csv.Error) as error:
        raise DataIncident(f"{path}: a cell cannot be read: {error}") from error
    except OSError as error:
        raise OutsideError(f"{path}: cannot be read: {error}. Write it anew.") from error


def _rows(columns: Mapping[str, Any], names: Sequence[str]) -> OutcomeRows:
    values = {name: _numbers(columns[name]) for name in names}
    return OutcomeRows(
        unit=_as_bytes(_units(columns["unit"])),
        variant=_as_bytes(columns["variant"]),
        assigned_at=_times(columns["assigned_at"]),
        outcome_at=_times(columns["outcome_at"]),
        values={name: found for name, (found, _) in values.items()},
        is_missing={name: missing for name, (_, missing) in values.items()},
    )


def _units(cells: Any) -> Any:
    """The same, once each is known to be one: all rows without would be one unit."""
    if not isinstance(cells, np.ndarray) and (None in cells or "" in cells):
        raise ValueError("a row without unit")
    return cells


def _as_bytes(cells: Any) -> np.ndarray:
    """Text as an array of UTF-8; what is no text as it is written."""
    try:
        return np.array(cells, dtype=np.bytes_)  # quick, and right for ASCII and whole numbers
    except UnicodeEncodeError:
        return np.array([str(cell).encode() for cell in cells], dtype=np.bytes_)


def _csv_columns(path: Path, names: Sequence[str], chunk_rows: int) -> Iterator[dict[str, Any]]:
    # utf-8-sig: spreadsheets begin a file with a mark, which would be a part of the first name.
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file)
        header = next(lines, [])
        _check_columns(path, header, names)
        places = {name: header.index(name) for name in names}
        while rows := list(islice(lines, chunk_rows)):
            short = next((row for row in rows if len(row) != len(header)), None)
            if short is not None:
                told = f"{len(short)} cells in a row, expected {len(header)}"
                raise DataIncident(f"{path}: {told}")
            yield {name: [row[place] for row in rows] for name, place in places.items()}


def _parquet_columns(path: Path, names: Sequence[str], chunk_rows: int) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow.parquet as pq  # noqa: PLC0415 (heavy, and not of the light set)
    except ImportError as error:
        fault = "reading Parquet needs the package pyarrow; or give the outcomes as CSV"
        raise ConfigurationError(str(path), [fault]) from error
    with pq.ParquetFile(path) as file:
        _check_columns(path, file.schema_arrow.names, names)
        for batch in file.iter_batches(batch_size=chunk_rows, columns=list(names)):
            yield {name: _plain(batch.column(name)) for name in names}


def _plain(column: Any) -> Any:
    """An Arrow column as numpy where numpy has its like, so that nothing becomes an object."""
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_timestamp(column.type):
        # Not safe: nanoseconds, as pandas writes them, are cut as those of ISO 8601 are.
        return column.cast(pa.timestamp("us"), safe=False).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        if column.null_count:
            return column.to_pylist()
        return column.to_numpy(zero_copy_only=False)
    return column.to_pylist()


def _check_columns(path: Path, given: Iterable[str], names: Sequence[str]) -> None:
    present = Counter(given)
    faults = [f"has no column {name}" for name in names if name not in present]
    faults += [f"has the column {name} twice" for name in names if present[name] > 1]
    if faults:
        raise ConfigurationError(str(path), faults)


def _numbers(cells: Any) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, and which cells are empty."""
    if isinstance(cells, np.ndarray):
        return cells.astype(np.float64), np.zeros(len(cells), dtype=bool)
    missing = np.array([cell is None or cell == "" for cell in cells], dtype=bool)
    numbers = [0.0 if is_gap else float(cell) for cell, is_gap in zip(cells, missing, strict=True)]
    return np.array(numbers, dtype=np.float64), missing


def _times(cells: Any) -> np.ndarray:
    if isinstance(cells, np.ndarray):
        return cells.astype("datetime64[us]")
    return np.array([_time(cell) for cell in cells], dtype="datetime64[us]")


def _time(cell: Any) -> Any:
    if cell is None or cell == "":
        return NO_TIME
    moment = cell if isinstance(cell, datetime) else datetime.fromisoformat(cell)
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
