"""What a profile says of one column."""

import numpy as np
import pandas as pd
import pytest

from pipeline.ml.validation.column_profile import (
    TOP_CATEGORIES,
    category_key,
    numbers,
    profile_column,
)
from tests.ml.validation.profile_rows import N, look, rows


def test_a_number_has_the_figures_that_numpy_gives() -> None:
    values = rows()["temp"].to_numpy()
    profile = look(values)
    assert profile["n"] == N
    assert profile["mean"] == pytest.approx(values.mean())
    assert profile["std"] == pytest.approx(values.std())
    assert profile["quantiles"]["0.5"] == pytest.approx(np.median(values))
    assert profile["quantiles"]["0.95"] == pytest.approx(np.quantile(values, 0.95))
    assert profile["distinct"] == N


def test_nulls_and_infinite_values_are_in_no_figure() -> None:
    profile = look(np.array([1.0, 3.0, np.nan, np.inf]))
    assert profile["null_fraction"] == 0.25
    assert (profile["n"], profile["mean"], profile["max"]) == (2, 2, 3)


def test_categories_are_the_most_frequent_first_and_ties_by_name() -> None:
    profile = profile_column(pd.Series(["b", "c", "a", "c", None]), "category")
    assert list(profile["top"].items()) == [("c", 2), ("a", 1), ("b", 1)]
    assert (profile["n"], profile["distinct"]) == (4, 3)


def test_at_most_fifty_categories_are_kept_whatever_the_order_of_rows() -> None:
    values = pd.Series([f"c{i:03}" for i in range(200)])
    profile = profile_column(values, "category")
    assert list(profile["top"]) == [f"c{i:03}" for i in range(TOP_CATEGORIES)]
    assert profile == profile_column(values[::-1], "category")


def test_unused_categories_of_a_categorical_are_no_categories() -> None:
    values = pd.Series(pd.Categorical(["a", "a"], categories=["a", "b"]))
    assert profile_column(values, "category")["top"] == {"a": 2}


def test_a_long_category_keeps_its_start_and_a_digest() -> None:
    one, other = category_key("x" * 500 + "1"), category_key("x" * 500 + "2")
    assert one != other
    assert max(len(one), len(other)) <= 60
    assert category_key("EWR") == "EWR"


def test_a_column_of_the_wrong_type_is_profiled_without_figures() -> None:
    assert profile_column(pd.Series(["1", "2"]), "number") == {
        "type": "number",
        "n": 0,
        "null_fraction": 0.0,
        "distinct": 2,
    }


def test_booleans_that_came_as_objects_are_numbers() -> None:
    assert numbers(pd.Series([True, None, False], dtype=object)).tolist() == [1.0, 0.0]
