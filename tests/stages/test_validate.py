"""The rows that validate checks are the rows that were collected."""

from pathlib import Path

import pandas as pd

from pipeline.ml.tables import save_table
from pipeline.stages.validate import load_rows
from tests.ml.validation.schema_rows import rows


def test_rows_read_column_by_column_are_those_read_at_once(tmp_path: Path) -> None:
    table = tmp_path / "rows.parquet"
    save_table(table, rows().assign(label=rows()["label"].where(rows().index % 3 > 0)))
    pd.testing.assert_frame_equal(load_rows(table), pd.read_parquet(table))


def test_no_rows_are_read_with_their_columns(tmp_path: Path) -> None:
    table = tmp_path / "rows.parquet"
    save_table(table, rows()[:0])
    pd.testing.assert_frame_equal(load_rows(table), pd.read_parquet(table))
