"""One text for one category, however its column was typed."""

import numpy as np
import pandas as pd
import pytest

from pipeline.core.binning import name_of
from pipeline.ml.categories import as_categories, category_name
from pipeline.ml.input_schema import input_schema, prepare


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (pd.Series([5, 10]), ["5", "10"]),
        (pd.Series([5, None]), ["5", None]),
        (pd.Series([5, None], dtype="Int64"), ["5", None]),
        (pd.Series([5, None], dtype="Int64").astype("category"), ["5", None]),
        (pd.Series([5.0, 2.5]), ["5", "2.5"]),
        (pd.Series([5, 5.0, "5", None], dtype=object), ["5", "5", "5", None]),
        (pd.Series([True, False, None], dtype="boolean"), ["1", "0", None]),
        (pd.Series([True, False, None], dtype=object), ["1", "0", None]),
        (pd.Series([True, False]), ["1", "0"]),
        (pd.Series(["b", "a", np.nan]), ["b", "a", None]),
        (pd.Series(["5.0", "True"]), ["5.0", "True"]),  # text is what it says
        (pd.Series([None, None], dtype=object), [None, None]),
        (pd.Series([], dtype="str"), []),
    ],
)
def test_a_category_is_the_same_text_in_each_type_of_column(column, names):
    column.index = column.index + 3
    expected = pd.Series(names, index=column.index, dtype="str").astype("category")
    pd.testing.assert_series_equal(as_categories(column), expected)


@pytest.mark.parametrize("value", [5, 5.0, 2.5, True, False, "x", "5.0", np.float64(3), np.inf])
def test_a_category_is_named_as_where_drift_is_counted(value):
    assert category_name(value) == name_of("category", value)


@pytest.mark.parametrize("codes", [[5], [5, None], [5.0, None], ["5", None]])
def test_a_row_is_prepared_alike_alone_and_beside_one_with_a_gap(codes):
    trained = pd.DataFrame({"code": pd.Series([5, 7, None], dtype="Int64").astype("category")})
    schema = input_schema(trained)
    assert schema["properties"]["code"]["x-categories"] == ["5", "7"]
    assert prepare(pd.DataFrame({"code": codes}), schema)["code"].iloc[0] == "5"
