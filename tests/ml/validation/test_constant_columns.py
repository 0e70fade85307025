"""Columns in which every row says the same."""

import numpy as np
import pytest

from pipeline.config import Column, Schema
from pipeline.ml.validation.constant_columns import check_constants
from tests.ml.validation.frame_rows import ROWS, SCHEMA, failed, rows


@pytest.mark.parametrize("value", [7.0, np.nan])
def test_a_constant_column_is_a_fault_unless_it_may_be_constant(value: float) -> None:
    frame = rows().assign(temp=value)
    assert failed(check_constants(frame, SCHEMA)) == [("constant", "temp")]
    allowed = Schema(rows=ROWS, columns={"temp": Column(type="number", may_be_constant=True)})
    assert not failed(check_constants(frame, allowed))


def test_one_value_beside_nulls_still_varies() -> None:
    frame = rows()
    frame["temp"] = np.where(np.arange(len(frame)) % 2, 1.0, np.nan)
    assert not failed(check_constants(frame, SCHEMA))
