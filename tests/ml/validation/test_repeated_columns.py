"""Columns of one name are reported once, and cost no copy where there are none."""

import pandas as pd

from pipeline.ml.validation.data_profile import profile_frame
from pipeline.ml.validation.repeated_columns import first_columns
from tests.ml.validation.schema_rows import SCHEMA, named, rows


def test_a_column_given_twice_is_named_and_the_rest_still_checked() -> None:
    twice = pd.concat([rows(seats=0), rows()[["temp"]]], axis="columns")
    assert named(twice) == {("repeated_column", "temp"), ("range", "seats")}


def test_the_first_of_two_columns_stays_and_a_frame_without_any_is_not_copied() -> None:
    twice = pd.concat([rows(), rows(temp=0.0)[["temp"]]], axis="columns")
    pd.testing.assert_frame_equal(first_columns(twice), rows())
    once = rows()
    assert first_columns(once) is once


def test_a_column_given_twice_is_profiled_by_its_first() -> None:
    twice = pd.concat([rows(), rows(temp=0.0)[["temp"]]], axis="columns")
    assert profile_frame(twice, SCHEMA) == profile_frame(rows(), SCHEMA)
