"""Parquet tables of rows: streamed out in bounded memory, read back as the model expects them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import infer_dtype

from pipeline.ml.built_in import group_name, is_group
from pipeline.ml.categories import as_categories

KEYS = ("id", "event_time", "label")

# The dtypes of the warehouse's rows that pandas would read back by what a chunk happens to hold:
# integers as float64, booleans as object, wherever it has a gap.
_WAREHOUSE_DTYPES = {
    pa.int64(): pd.Int64Dtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


def write_parquet(path: Path, frames: Iterable[pd.DataFrame]) -> int:
    """Stream `frames` into one Parquet file, complete or not at all. Returns the row count.

    The first frame with rows sets the columns and their types; where none has rows, the first one
    does. At least one frame is needed, or ValueError is raised. Category columns may bring new
    categories in any frame.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    writer: pq.ParquetWriter | None = None
    rows = 0
    try:
        for frame in _without_empty_ones(frames):
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                schema = _without_pandas_metadata(_wide_dictionaries(table.schema))
                writer = pq.ParquetWriter(beside, schema, compression="zstd")
            writer.write_table(table.cast(writer.schema))
            rows += len(frame)
        if writer is None:
            raise ValueError(f"{path}: found no frame to write, expected at least one")
        writer.close()
        beside.replace(path)
    finally:
        if writer is not None:
            writer.close()
        beside.unlink(missing_ok=True)
    return rows


def _without_empty_ones(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """`frames` without those of no rows, whose types say nothing; the first where all are so."""
    empty, has_rows = None, False
    for frame in frames:
        if len(frame):
            has_rows = True
            yield frame
        elif empty is None:
            empty = frame
    if empty is not None and not has_rows:
        yield empty


def save_table(path: Path, frame: pd.DataFrame) -> None:
    """Write one frame to one Parquet file, complete or not at all."""
    write_parquet(path, [frame])


def load_table(path: Path) -> pd.DataFrame:
    """Read a table; its category columns hold just the categories that occur, sorted.

    A boolean column with a gap is float64, as the model's input schema makes it.
    """
    frame = pd.read_parquet(path)
    for name in frame.select_dtypes("object", exclude="str"):
        if infer_dtype(frame[name], skipna=True) == "boolean":
            frame[name] = frame[name].astype("float64")
    for name in frame.select_dtypes("category"):
        frame[name] = as_categories(frame[name])
    return frame


def collected_rows(path: Path, chunk_rows: int) -> Iterator[pd.DataFrame]:
    """The collected rows in chunks, with the dtypes that `warehouse.read_rows` gave them.

    What serves builds features from rows of the warehouse, so training must see the same dtypes:
    str, Int64, Int8 (label), boolean, float64, datetime64[us, UTC], whatever a chunk holds.
    """
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(chunk_rows):
            yield batch.to_pandas(types_mapper=_WAREHOUSE_DTYPES.get)


def features_of(table: pd.DataFrame) -> pd.DataFrame:
    """The feature columns of a table: all but its keys and the columns of groups."""
    return without_groups(table).drop(columns=list(KEYS))


def without_groups(table: pd.DataFrame) -> pd.DataFrame:
    """`table` without the columns that only say which group a row is of: what may train."""
    return table.drop(columns=[name for name in table if is_group(name)])


def name_in(table: pd.DataFrame, column: str) -> str:
    """The name in `table` of the feature or group column that configuration calls `column`."""
    return column if column in table else group_name(column)


def _wide_dictionaries(schema: pa.Schema) -> pa.Schema:
    """Later frames may hold more categories than the first one's index type can count."""
    for index, field in enumerate(schema):
        if pa.types.is_dictionary(field.type):
            wide = pa.dictionary(pa.int32(), field.type.value_type)
            schema = schema.set(index, field.with_type(wide))
    return schema


def _without_pandas_metadata(schema: pa.Schema) -> pa.Schema:
    """Pandas' own metadata counts the first frame's categories, which later frames outgrow."""
    return schema.remove_metadata()
