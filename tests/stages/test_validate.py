"""The rows that validate checks are the rows that were collected."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.config import Column
from pipeline.domain import Verdict
from pipeline.ml.tables import save_table
from pipeline.ml.validation.data_profile import profile_frame
from pipeline.ml.validation.schema import check_schema
from pipeline.stages.validate import load_rows
from tests.ml.validation.schema_rows import SCHEMA, rows


def test_rows_read_column_by_column_are_those_read_at_once(tmp_path: Path) -> None:
    table = tmp_path / "rows.parquet"
    save_table(table, rows().assign(label=rows()["label"].where(rows().index % 3 > 0)))
    pd.testing.assert_frame_equal(load_rows(table), pd.read_parquet(table))


def test_no_rows_are_read_with_their_columns(tmp_path: Path) -> None:
    table = tmp_path / "rows.parquet"
    save_table(table, rows()[:0])
    pd.testing.assert_frame_equal(load_rows(table), pd.read_parquet(table))


@pytest.mark.parametrize("sign", [1, -1])
def test_large_integers_beside_a_null_are_not_rounded_into_one(tmp_path: Path, sign: int) -> None:
    """As floats 2**53 and 2**53 + 1 are the same, and a unique column would repeat a value."""
    account = pd.array([None, *(sign * (2**53 + k) for k in range(len(rows()) - 1))], dtype="Int64")
    save_table(tmp_path / "rows.parquet", rows().assign(account=account))
    read = load_rows(tmp_path / "rows.parquet")
    pd.testing.assert_series_equal(read["account"], pd.Series(account, name="account"))
    columns = {
        **SCHEMA.columns,
        "account": Column(type="integer", unique=True, max_null_fraction=1),
    }
    schema = SCHEMA.model_copy(update={"columns": columns})
    assert not [f for f in check_schema(read, schema) if f.severity is not Verdict.PASS]
    low = Column(type="integer", min=-5, max=5, max_null_fraction=1)
    schema = SCHEMA.model_copy(update={"columns": {**columns, "account": low}})
    (fault,) = [f for f in check_schema(read, schema) if f.severity is not Verdict.PASS]
    assert (fault.check, fault.rows_affected) == ("range", len(rows()) - 1)
    profile = profile_frame(read, schema)["columns"]["account"]
    assert (profile["distinct"], profile["n"]) == (len(rows()) - 1, len(rows()) - 1)


def test_small_integers_beside_a_null_are_read_as_ever(tmp_path: Path) -> None:
    table = tmp_path / "rows.parquet"
    years = pd.array([None, *range(len(rows()) - 2), 2**53], dtype="Int64")
    save_table(table, rows().assign(year=years))
    assert load_rows(table)["year"].dtype == "float64"
