import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.binlabels import just_below
from pipeline.core.profile import (
    ColumnProfile,
    Counts,
    choose_bins,
    count_column,
    edges_of_quantiles,
    merge_counts,
    profile_column,
)
from pipeline.errors import DataIncident

RNG = np.random.default_rng(7)


def test_a_continuous_column_has_ten_equal_bins():
    profile = profile_column(RNG.normal(size=1_000), kind="number")
    assert profile.counts.mass == (100,) * 10 + (0, 0)


def test_the_edges_are_the_inverted_cdf_with_and_without_weights():
    values = RNG.normal(size=997)
    expected = tuple(np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf"))
    assert profile_column(values, kind="number").bins.edges == expected
    assert profile_column(values, kind="number", weights=np.full(997, 2.0)).bins.edges == expected


def test_a_weight_counts_like_that_many_rows():
    values = RNG.integers(0, 50, size=400).astype(float)
    weights = RNG.integers(0, 4, size=400)
    weighted = profile_column(values, kind="number", weights=weights)
    repeated = profile_column(np.repeat(values, weights), kind="number")
    assert weighted.bins == repeated.bins
    assert weighted.counts.mass == repeated.counts.mass


def test_tied_deciles_collapse_and_the_tied_value_has_a_bin_of_its_own():
    profile = profile_column([0.0] * 70 + [1.0] * 15 + list(range(2, 17)), kind="number")
    held = dict(zip(profile.bins.labels, profile.counts.mass, strict=True))
    assert held["(-inf, 0)"] == 0
    assert held["= 0"] == 70
    assert len(held) < 12


@pytest.mark.parametrize("other", [4.0, 6.0, 4.999999, -1e9])
def test_a_constant_column_sees_its_value_leave_to_either_side(other):
    profile = profile_column([5.0] * 500, kind="number")
    assert count_column(profile, [5.0]).mass == (0, 1, 0, 0, 0)
    assert count_column(profile, [other]).mass[1] == 0


def test_infinities_in_the_reference_set_no_edge_but_are_counted():
    values = [math.inf] * 30 + [-math.inf] * 30 + list(range(40))
    profile = profile_column(values, kind="number")
    assert all(math.isfinite(edge) for edge in profile.bins.edges)
    assert profile.counts.mass[0] == 30 + 4
    assert profile.counts.mass[-3] == 30 + 4


@pytest.mark.parametrize("kind", ["number", "category", "boolean", "time"])
@pytest.mark.parametrize("values", [[], [None] * 3])
def test_an_empty_or_wholly_missing_column_has_a_profile_too(kind, values):
    profile = profile_column(values, kind=kind)
    assert profile.counts.mass[-2] == len(values) == profile.counts.total
    assert ColumnProfile.from_json(profile.to_json()) == profile


def test_rows_that_weigh_nothing_have_no_deciles():
    profile = profile_column([1.0, 2.0, 3.0], kind="number", weights=[0.0, 0.0, 0.0])
    assert (profile.bins.edges, profile.median) == ((), None)


def test_many_categories_keep_the_twenty_most_frequent_and_list_the_rest():
    names = [f"d{i:03d}" for i in range(105) for _ in range(105 - i)]
    profile = profile_column(names, kind="category")
    assert profile.bins.categories == tuple(f"d{i:03d}" for i in range(20))
    assert len(profile.bins.others) == 85
    assert count_column(profile, ["d019", "d020", "d104", "new"]).mass[-4:] == (1 + 0, 2, 0, 1)[-4:]


def test_a_tie_for_the_last_bin_goes_by_name_whatever_the_order_of_rows():
    names = [f"n{i:02d}" for i in range(30)]
    assert choose_bins(names, kind="category") == choose_bins(names[::-1], kind="category")
    assert choose_bins(names, kind="category").categories == tuple(names[:20])


def test_names_without_end_leave_the_column_open():
    profile = profile_column([f"id-{i}" for i in range(5_000)], kind="category")
    assert profile.bins.is_open
    assert not profile.bins.others
    assert count_column(profile, ["never seen"]).mass[-3:] == (1, 0, 0)


def test_a_name_that_weighs_nothing_was_never_seen():
    profile = profile_column(["a", "b"], kind="category", weights=[1.0, 0.0])
    assert profile.bins.categories == ("a",)


@given(
    st.lists(st.one_of(st.none(), st.floats(width=32), st.integers(-3, 3).map(float)), max_size=80)
)
def test_a_profile_survives_json_to_the_last_bit(values):
    profile = profile_column(values, kind="number")
    text = json.dumps(profile.to_json(), allow_nan=False)
    assert ColumnProfile.from_json(json.loads(text)) == profile
    assert json.dumps(profile_column(values[::-1], kind="number").to_json()) == text
    assert profile.counts.total == len(values)


def test_a_profile_is_a_few_kilobytes():
    destinations = RNG.choice([f"D{i:03d}" for i in range(105)], size=50_000)
    for values, kind in [(RNG.normal(size=50_000), "number"), (destinations, "category")]:
        assert len(json.dumps(profile_column(values, kind=kind).to_json())) < 3_000


def test_a_large_reference_may_be_counted_in_chunks():
    values = RNG.exponential(size=10_000)
    bins = choose_bins(values, kind="number")
    empty = ColumnProfile(bins, Counts((0.0,) * len(bins.labels), 0, 0.0))
    parts = [count_column(empty, chunk) for chunk in np.array_split(values, 7)]
    whole = profile_column(values, kind="number")
    assert ColumnProfile(bins, merge_counts(parts), whole.median) == whole


def test_the_median_is_kept_for_numbers_and_times_alone():
    assert profile_column(np.arange(101.0), kind="number").median == 50
    assert profile_column(np.arange(101.0), kind="number", weights=np.ones(101)).median == 50
    assert profile_column(["a"], kind="category").median is None
    assert profile_column([None], kind="number").median is None


def test_quantiles_from_a_warehouse_make_the_same_edges():
    values = np.r_[np.zeros(300), RNG.normal(size=700)]
    deciles = np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf").tolist()
    assert edges_of_quantiles(deciles) == profile_column(values, kind="number").bins.edges
    assert edges_of_quantiles([-0.0, 0.0]) == (just_below(0.0), 0.0)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"kind": "text"},
        {"edges": [2.0, 1.0]},
        {"edges": [1.0, math.inf]},
        {"mass": [1.0]},
        {"mass": [-1.0] * 12},
        {"mass": [math.nan] * 12},
        {"edges": None},
        {"squares": "many"},
    ],
)
def test_a_profile_that_was_tampered_with_is_refused(change):
    value = profile_column(np.arange(100.0), kind="number").to_json()
    with pytest.raises(DataIncident, match="reference profile"):
        ColumnProfile.from_json(value | change)


@pytest.mark.parametrize("value", [None, [], {}, "profile", 3])
def test_what_is_no_profile_at_all_is_refused(value):
    with pytest.raises(DataIncident, match="Build it again"):
        ColumnProfile.from_json(value)
