import jsonschema
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pipeline.config import Column, RowRules, Schema
from pipeline.errors import ConfigurationError, DataIncident
from pipeline.ml.input_schema import LARGEST, input_schema, may_be_null, prepare


def features():
    return pd.DataFrame(
        {
            "carrier": pd.Categorical(["AA", "UA", None]),
            "origin": pd.Categorical(["JFK", "LGA", "JFK"]),
            "distance": [100.5, np.nan, 300.0],
            "hour": [5, 6, 7],
            "is_weekend": [True, False, True],
        }
    )


SCHEMA = input_schema(features())


def test_the_schema_is_a_valid_json_schema_that_takes_a_row_of_its_table():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    row = {"carrier": None, "origin": "EWR", "distance": 1, "hour": 23, "is_weekend": False}
    jsonschema.validate(row, SCHEMA)


@pytest.mark.parametrize(
    "change", [{"hour": 5.5}, {"hour": None}, {"carrier": 3}, {"is_weekend": "yes"}]
)
def test_the_schema_refuses_a_value_of_another_type(change):
    row = {"carrier": "AA", "origin": "EWR", "distance": 1.5, "hour": 2, "is_weekend": True}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**row, **change}, SCHEMA)


def test_the_schema_lists_the_categories_seen_and_the_order_of_columns():
    assert SCHEMA["properties"]["carrier"]["x-categories"] == ["AA", "UA"]
    assert SCHEMA["x-order"] == ["carrier", "origin", "distance", "hour", "is_weekend"]


def test_a_column_may_be_null_where_it_was_or_where_the_caller_says_so():
    declared = input_schema(features(), nullable=["hour"])["properties"]
    assert declared["hour"]["type"] == ["integer", "null"]
    assert declared["distance"]["type"] == ["number", "null"]
    assert declared["origin"]["type"] == "string"


def test_a_null_that_the_configured_schema_allows_is_taken_though_training_never_saw_one():
    configured = Schema(
        rows=RowRules(min_rows=1, min_label_coverage=0.9, label_rate=(0.05, 0.6)),
        columns={
            "origin": Column(type="category", max_null_fraction=0.01),
            "hour": Column(type="integer"),
            "not_a_feature": Column(type="number", max_null_fraction=0.5),
        },
    )
    assert may_be_null(configured) == {"origin", "not_a_feature"}
    schema = input_schema(features(), nullable=may_be_null(configured))
    assert set(schema["properties"]) == set(features())
    later = features().assign(origin=["JFK", None, "LGA"])
    assert prepare(later, schema)["origin"].isna().tolist() == [False, True, False]
    with pytest.raises(DataIncident, match="hour: found 1 of 3 values null, expected none"):
        prepare(later.assign(hour=[1, None, 3]), schema)


def test_a_time_is_no_feature():
    with pytest.raises(ConfigurationError, match=r"at: found the type datetime64"):
        input_schema(pd.DataFrame({"at": pd.to_datetime(["2013-01-01"])}))


def test_the_training_table_comes_back_unchanged():
    assert_frame_equal(prepare(features(), SCHEMA), features())


def test_columns_are_put_in_order_and_strangers_left_out():
    shuffled = features()[["hour", "is_weekend", "origin", "distance", "carrier"]]
    assert_frame_equal(prepare(shuffled.assign(label=1), SCHEMA), features())


def test_rows_of_json_become_rows_of_the_training_types():
    rows = [
        {"carrier": "AA", "origin": "JFK", "distance": 3, "hour": 2.0, "is_weekend": 1},
        {"carrier": None, "origin": "JFK", "distance": None, "hour": "7", "is_weekend": False},
    ]
    prepared = prepare(pd.DataFrame(rows), SCHEMA)
    assert prepared.dtypes.astype(str).tolist() == [
        "category",
        "category",
        "float64",
        "int64",
        "bool",
    ]
    assert prepared["hour"].tolist() == [2, 7]
    assert prepared["carrier"].isna().tolist() == [False, True]


def test_an_unseen_category_is_kept():
    frame = features().assign(origin=["XXX", "JFK", "JFK"])
    assert prepare(frame, SCHEMA)["origin"].tolist() == ["XXX", "JFK", "JFK"]


def test_every_missing_column_is_named():
    with pytest.raises(DataIncident, match=r"carrier: missing; hour: missing$"):
        prepare(features().drop(columns=["carrier", "hour"]), SCHEMA)


def test_every_kind_of_fault_is_named_at_once():
    frame = features().assign(
        origin=["JFK", None, None],
        distance=[1.0, np.inf, 2.0],
        hour=[1.0, 2.5, 3.0],
        is_weekend=[0, 1, 2],
    )
    with pytest.raises(DataIncident) as error:
        prepare(frame, SCHEMA)
    message = str(error.value)
    assert "origin: found 2 of 3 values null, expected none" in message
    assert "distance: found inf in 1 row, expected finite numbers" in message
    assert "hour: found 2.5 in 1 row, expected whole numbers" in message
    assert "is_weekend: found 2.0 in 1 row, expected true or false" in message


@pytest.mark.parametrize("found", [1e300, -1e39, "1e300", 3.5e38])
def test_a_number_that_no_float32_holds_is_refused(found):
    with pytest.raises(DataIncident, match=r"distance: found .*, expected numbers up to 3\.4e\+38"):
        prepare(features().assign(distance=[found, 1.0, np.nan]), SCHEMA)
    largest = features().assign(distance=[LARGEST, -LARGEST, np.nan])
    assert_frame_equal(prepare(largest, SCHEMA), largest[SCHEMA["x-order"]])


def test_words_are_no_numbers():
    with pytest.raises(DataIncident, match="distance: found 'far' in 1 row"):
        prepare(features().assign(distance=["far", "1", "2"]), SCHEMA)


def test_a_column_given_twice_is_refused():
    frame = pd.concat([features(), features()[["hour"]]], axis=1)
    with pytest.raises(DataIncident, match="hour: given twice"):
        prepare(frame, SCHEMA)


def test_no_rows_are_no_fault():
    prepared = prepare(features().iloc[:0], SCHEMA)
    assert list(prepared.columns) == SCHEMA["x-order"]
    assert len(prepared) == 0


def test_an_integer_that_may_be_null_becomes_a_float():
    schema = input_schema(features(), nullable=["hour", "is_weekend"])
    frame = features().assign(hour=[1, None, 3], is_weekend=[True, None, False])
    prepared = prepare(frame, schema)
    np.testing.assert_array_equal(prepared["hour"], [1.0, np.nan, 3.0])
    np.testing.assert_array_equal(prepared["is_weekend"], [1.0, np.nan, 0.0])


@settings(deadline=None)  # a busy machine is no fault
@given(
    st.lists(
        st.tuples(
            st.floats(-LARGEST, LARGEST) | st.just(np.nan),
            st.integers(-(2**53), 2**53),
            st.booleans(),
            st.one_of(st.none(), st.text(max_size=5)),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_what_a_schema_was_made_from_passes_it_and_preparing_twice_changes_nothing(rows):
    frame = pd.DataFrame(rows, columns=["a", "b", "c", "d"]).astype({"d": "category"})
    schema = input_schema(frame)
    once = prepare(frame, schema)
    assert_frame_equal(prepare(once, schema), once)
    np.testing.assert_array_equal(once["a"], frame["a"])
    np.testing.assert_array_equal(once["b"], frame["b"])
