import math
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.binlabels import just_below, range_labels
from pipeline.core.binning import Bins, Counts, count_tally, count_values, merge_counts
from pipeline.errors import DataIncident

NUMBERS = Bins("number", edges=(1.0, 2.0, 5.0))
FRUIT = Bins("category", categories=("apple", "pear"), others=("fig",))
anything = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([1.0, 2.0, 5.0])
)


def test_a_value_on_an_edge_belongs_to_the_bin_that_ends_there():
    assert count_values(NUMBERS, [1.0, 2.0, 5.0, 5.1]).mass == (1, 1, 1, 1, 0, 0)


def test_infinities_fall_into_the_outermost_bins_and_nan_is_missing():
    counts = count_values(NUMBERS, [math.inf, -math.inf, 1e300, math.nan, None])
    assert counts.mass == (1, 0, 0, 2, 2, 0)
    assert counts.rows == 5


@given(st.lists(anything, max_size=50))
def test_the_fast_count_agrees_with_one_value_at_a_time(values):
    expected = [0] * 6
    for value in values:
        slot = 4 if math.isnan(value) else sum(value > edge for edge in NUMBERS.edges)
        expected[slot] += 1
    assert list(count_values(NUMBERS, values).mass) == expected
    assert list(count_values(NUMBERS, values, np.ones(len(values))).mass) == expected


@given(st.lists(anything, max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_counts_of_chunks_add_up_to_the_count_of_the_whole(values, cuts):
    ends = sorted({min(cut, len(values)) for cut in cuts} | {0, len(values)})
    chunks = [values[a:b] for a, b in pairwise(ends)] or [[]]
    parts = [count_values(NUMBERS, chunk) for chunk in chunks]
    assert merge_counts(parts) == count_values(NUMBERS, values) == merge_counts(parts[::-1])


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(["apple", "fig", "kiwi", None]), st.integers(0, 9)), max_size=30
    )
)
def test_weighted_counts_of_chunks_add_up_too(rows):
    names, weights = [r[0] for r in rows], [r[1] for r in rows]
    half = len(rows) // 2
    parts = [
        count_values(FRUIT, names[:half], weights[:half]),
        count_values(FRUIT, names[half:], weights[half:]),
    ]
    assert merge_counts(parts) == count_values(FRUIT, names, weights)


def test_a_count_longer_than_one_chunk_is_complete():
    values = np.arange(200_001) % 7.0
    assert count_values(NUMBERS, values).mass == (57144, 28572, 85714, 28571, 0, 0)


def test_a_seen_but_rare_name_is_other_and_a_new_one_is_unseen():
    counts = count_values(FRUIT, ["apple", "fig", "kiwi", None, math.nan, pd.NA])
    assert dict(zip(FRUIT.labels, counts.mass, strict=True)) == {
        "apple": 1, "pear": 0, "<other>": 1, "<missing>": 3, "<unseen>": 1,
    }  # fmt: skip


def test_with_too_many_names_to_list_every_unlisted_one_is_other():
    counts = count_values(Bins("category", categories=("a",), is_open=True), ["a", "b", "c"])
    assert counts.mass == (1, 2, 0, 0)


def test_a_category_of_integers_survives_the_nulls_that_make_it_float():
    bins = Bins("category", categories=("1", "2"))
    assert count_values(bins, [1, 2]).mass == count_values(bins, [1.0, 2.0]).mass == (1, 1, 0, 0)


def test_a_category_named_like_the_missing_bin_is_still_unseen():
    assert count_values(FRUIT, ["<missing>"]).mass == (0, 0, 0, 0, 1)


@pytest.mark.parametrize(
    "values",
    [
        np.array([True, False, True]),
        np.array([1, 0, 1]),
        np.array([1.0, 0.0, 1.0]),
        pd.array([True, False, True], dtype="boolean"),
    ],
)
def test_a_boolean_is_counted_however_it_is_stored(values):
    bins = Bins("boolean", categories=("false", "true"))
    assert count_values(bins, values).mass == (1, 2, 0, 0)


def test_a_boolean_that_is_neither_true_nor_false_is_unseen():
    bins = Bins("boolean", categories=("false", "true"))
    assert count_values(bins, [2, "yes", None]).mass == (0, 0, 1, 2)


def test_times_are_counted_in_utc_with_or_without_a_zone():
    noon = datetime(2024, 2, 29, 12, tzinfo=UTC)
    bins = Bins("time", edges=(noon.timestamp() * 1e6,))
    aware = [
        noon,
        noon.astimezone(timezone(timedelta(hours=9))),
        noon + timedelta(microseconds=1),
        None,
    ]
    naive = pd.Series(pd.to_datetime(pd.Series(aware), utc=True)).dt.tz_localize(None)
    assert count_values(bins, aware).mass == (2, 1, 1, 0)
    assert count_values(bins, naive).mass == (2, 1, 1, 0)
    assert count_values(bins, naive.to_numpy().astype("datetime64[ns]")).mass == (2, 1, 1, 0)


def test_a_time_without_a_zone_among_others_is_read_as_utc():
    noon = datetime(2024, 2, 29, 12, tzinfo=UTC)
    bins = Bins("time", edges=(noon.timestamp() * 1e6,))
    mixed = [noon.replace(tzinfo=None), noon + timedelta(microseconds=1), None]
    assert count_values(bins, mixed).mass == (1, 1, 1, 0)


def test_a_tally_from_group_by_counts_like_the_rows_themselves():
    rows = ["apple"] * 3 + ["kiwi"] + [None] * 2
    assert count_tally(FRUIT, {"apple": 3, "kiwi": 1, None: 2}) == count_values(FRUIT, rows)


@pytest.mark.parametrize(
    ("bins", "values", "found"),
    [
        (NUMBERS, ["a"], "expected a number column"),
        (Bins("time"), [1.5], "expected a time column"),
        (Bins("time"), np.array([1.5]), "expected a time column"),
        (FRUIT, [["apple"], ["fig"]], "expected one column"),
        (FRUIT, np.array([{"a": 1}, None], dtype=object), "plain values"),
        (NUMBERS, np.zeros((2, 2)), "expected one column"),
    ],
)
def test_values_of_another_kind_are_a_data_incident(bins, values, found):
    with pytest.raises(DataIncident, match=found):
        count_values(bins, values)


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, math.nan], [[1.0, 1.0]]])
def test_weights_that_are_not_weights_are_refused(weights):
    with pytest.raises(DataIncident, match="weights"):
        count_values(NUMBERS, [1.0, 2.0], weights)


def test_counts_of_different_bins_do_not_merge():
    with pytest.raises(DataIncident, match="same bins"):
        merge_counts([Counts((1.0,), 1, 1.0), Counts((1.0, 2.0), 3, 3.0)])
    with pytest.raises(DataIncident, match="one or more"):
        merge_counts([])


def test_equal_weights_leave_the_effective_rows_as_they_are_and_unequal_ones_lower_them():
    values = np.arange(100.0)
    assert count_values(NUMBERS, values, np.full(100, 0.25)).effective == pytest.approx(100)
    assert count_values(NUMBERS, values, np.r_[np.ones(50), np.zeros(50)]).effective == 50
    assert count_values(NUMBERS, values, np.r_[99.0, np.full(99, 1 / 99)]).effective < 1.03


def test_labels_name_ranges_values_and_moments():
    assert range_labels((just_below(0.0), 0.0, 2.5)) == (
        "(-inf, 0)",
        "= 0",
        "(0, 2.5]",
        "(2.5, inf)",
    )
    assert range_labels(()) == ("(-inf, inf)",)
    assert range_labels((0.0,), is_time=True)[0] == "(-inf, 1970-01-01T00:00:00Z]"
    assert range_labels((1e300,), is_time=True)[0] == "(-inf, 1e+300]"
