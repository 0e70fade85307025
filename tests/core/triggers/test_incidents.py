from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.core.binning import Bins, Counts
from pipeline.core.profile import ColumnProfile, count_column, profile_column
from pipeline.core.triggers.incidents import CurrentColumn, find_data_faults
from pipeline.core.triggers.units import spread_ratio, units_ratio
from pipeline.trigger_config import DataFaults

AT = datetime(2013, 7, 2, tzinfo=UTC)
RNG = np.random.default_rng(9)
MILES = RNG.lognormal(6.5, 0.6, size=5_000)
REFERENCE = {"distance": profile_column(MILES, kind="number")}


def column(values, kind="number", name="distance", reference=REFERENCE):
    values = np.asarray(values, dtype=float)
    present = values[~np.isnan(values)]
    deciles = tuple(np.quantile(present, [0.1, 0.5, 0.9])) if present.size else None
    return CurrentColumn(kind, count_column(reference[name], values), deciles)


def faults(current, *, newest=AT, reference=REFERENCE, **limits):
    return find_data_faults(DataFaults(**limits), reference, current, newest_row=newest, at=AT)


def test_healthy_data_have_no_fault_nor_has_a_column_that_nothing_reads():
    assert faults({"distance": column(MILES[:1_000]), "new": column(MILES)}) == ()


def test_a_column_that_is_gone_or_of_another_kind_is_a_schema_change():
    assert faults({}) == ("distance: gone, expected a number column",)
    (fault,) = faults({"distance": column(MILES, kind="category")})
    assert "found category, expected number" in fault


def test_a_flood_of_nulls_is_a_fault_from_its_limit_on():
    half = np.where(np.arange(1_000) % 2 == 0, np.nan, MILES[:1_000])
    (fault,) = faults({"distance": column(half)}, null_flood=0.5)
    assert fault == "distance: 50.0% missing, 0.0% in the reference"
    assert faults({"distance": column(half)}, null_flood=0.51) == ()


def test_a_column_without_any_value_is_a_flood_and_no_change_of_units():
    nothing = {"distance": column(np.full(1_000, np.nan))}
    assert faults(nothing) == ("distance: 100.0% missing, 0.0% in the reference",)


def test_categories_have_floods_of_nulls_and_no_units():
    reference = profile_column(["EWR", "JFK"] * 500, kind="category")
    holes = count_column(reference, ["EWR", None] * 500)
    current = {"origin": CurrentColumn("category", holes, None)}
    (fault,) = faults(current, reference={"origin": reference})
    assert fault == "origin: 50.0% missing, 0.0% in the reference"


def test_nulls_that_the_reference_had_as_well_are_no_flood():
    gappy = np.where(np.arange(5_000) % 2 == 0, np.nan, MILES)
    reference = {"distance": profile_column(gappy, kind="number")}
    assert faults({"distance": column(gappy, reference=reference)}, reference=reference) == ()


def with_gaps(values, missing):
    """`values`, of which the share `missing` is gone, spread evenly."""
    place = np.arange(len(values))
    return np.where(np.floor(place * missing) < np.floor((place + 1) * missing), np.nan, values)


@pytest.mark.parametrize(
    ("before", "after", "is_flood"),
    [
        (0.55, 1.0, True),  # the missing share cannot grow by 50 points, but all values went
        (0.55, 0.78, True),  # half of the 45 % that had a value
        (0.55, 0.77, False),
        (0.55, 0.60, False),  # what chance does
        (0.30, 0.66, True),
        (0.30, 0.64, False),
        (0.70, 1.0, False),  # rarely known at all: a day without is no fault
    ],
)
def test_a_column_that_often_has_no_value_is_flooded_when_half_of_its_values_go(
    before, after, is_flood
):
    reference = {"distance": profile_column(with_gaps(MILES, before), kind="number")}
    current = column(with_gaps(MILES[:2_000], after), reference=reference)
    found = faults({"distance": current}, reference=reference)
    assert found == ((f"distance: {after:.1%} missing, {before:.1%} in the reference",) * is_flood)


def test_few_values_gone_from_few_rows_are_chance():
    reference = {"distance": profile_column(with_gaps(MILES, 0.60), kind="number")}
    for rows, is_flood in ((300, False), (3_000, True)):  # 40 % had a value, 33 % do
        current = column(with_gaps(MILES[:rows], 0.67), reference=reference)
        assert bool(faults({"distance": current}, reference=reference, null_flood=0.1)) == is_flood


@pytest.mark.parametrize("factor", [1_000.0, 3.3, 0.001, 0.3])
def test_other_units_multiply_median_and_spread(factor):
    (found,) = faults({"distance": column(MILES[:1_000] * factor)})
    assert "have the units changed?" in found


@pytest.mark.parametrize(
    ("median", "deciles", "factor"),
    [
        (2.0, (1.0, 4.0, 17.0), 2.0),  # the spread 8 became 16, the median 2 became 4
        (2.0, (1.0, 4.0, 25.0), 2.0),  # the smaller of the two factors counts
        (2.0, (1.0, 8.0, 17.0), 2.0),
        (2.0, (0.5, 0.5, 2.5), 4.0),  # and so it does where both shrank
        (2.0, (0.5, 1.0, 2.5), 2.0),
        (2.0, (0.5, 0.5, 4.5), 2.0),
        (0.2, (0.0, 0.4, 16.0), 2.0),  # medians below 1
        (2.0, (1.0, 4.0, 5.0), 1.0),  # the median grew, the spread shrank: no change of units
        (2.0, (4.0, 4.0, 4.0), 1.0),  # one of the two is constant
        (2.0, (1.0, -4.0, 17.0), 1.0),
        (2.0, (1.0, 0.0, 17.0), 1.0),
        (None, (1.0, 4.0, 17.0), 1.0),
    ],
)
def test_the_factor_of_units_is_that_by_which_both_grew_or_shrank(median, deciles, factor):
    bins = Bins("number", edges=(1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0))
    reference = ColumnProfile(bins, Counts((100.0,) * 10 + (0.0, 0.0), 1_000, 1_000.0), median)
    assert units_ratio(reference, deciles) == pytest.approx(factor)


@pytest.mark.parametrize("value", [8.0, 0.5])
def test_the_factor_of_constants_is_that_of_their_value(value):
    constant = profile_column(np.full(900, 2.0), kind="number")
    assert units_ratio(constant, (value,) * 3) == pytest.approx(4.0)


MINUTES_LATE = np.concatenate([np.zeros(3_000), RNG.exponential(20, size=2_000)])
AROUND_ZERO = {"distance": profile_column(MINUTES_LATE, kind="number")}


@pytest.mark.parametrize("factor", [60.0, 1_000.0, 1 / 60])
def test_around_a_median_of_zero_the_spread_tells_other_units(factor):
    current = column(MINUTES_LATE * factor, reference=AROUND_ZERO)
    (fault,) = faults({"distance": current}, reference=AROUND_ZERO)
    of = f"{max(factor, 1 / factor):.3g}"
    told = f"the spread around the median of 0 changed by a factor of {of}"
    assert fault == f"distance: {told}: have the units changed?"


def test_around_a_median_of_zero_the_spread_has_to_change_by_the_square_of_the_limit():
    current = column(MINUTES_LATE * 9.01, reference=AROUND_ZERO)
    assert len(faults({"distance": current}, reference=AROUND_ZERO)) == 1
    current = column(MINUTES_LATE * 8.99, reference=AROUND_ZERO)
    assert faults({"distance": current}, reference=AROUND_ZERO) == ()


SIGNED = profile_column(
    np.concatenate([np.zeros(3_000), RNG.uniform(-4, -1, 1_000), RNG.uniform(0.2, 9, 1_000)]),
    kind="number",
)


def test_the_factor_around_a_median_of_zero_is_that_of_the_spread_whatever_is_missing():
    gappy = np.where(np.arange(800) % 4 == 0, np.nan, np.tile([0, 0, 0, 0, -6, 0, 0, 20], 100))
    counts = count_column(SIGNED, gappy)
    edges = SIGNED.bins.edges
    factor = (20.0 - -6.0) / (edges[-1] - edges[0])
    assert edges[0] < 0 < edges[-1]
    assert spread_ratio(SIGNED, counts, (-6.0, 0.0, 20.0)) == pytest.approx(factor)
    assert spread_ratio(SIGNED, counts, (-0.1, 0.0, 0.2)) == pytest.approx(
        (edges[-1] - edges[0]) / 0.3
    )


def test_zero_is_zero_in_any_unit_and_one_is_not():
    hours = profile_column(MINUTES_LATE / 60, kind="number")
    in_minutes = column(MINUTES_LATE, reference={"distance": hours})
    found = spread_ratio(hours, in_minutes.counts, in_minutes.deciles)
    assert found == pytest.approx(60, rel=0.05)


def test_a_storm_and_a_calm_day_are_no_other_units():
    storm = np.concatenate([np.zeros(400), RNG.exponential(400, size=600)])
    calm = np.concatenate([np.zeros(850), RNG.exponential(0.5, size=150)])
    for day in (storm, calm):
        current = column(day, reference=AROUND_ZERO)
        assert faults({"distance": current}, reference=AROUND_ZERO) == ()
        assert spread_ratio(AROUND_ZERO["distance"], current.counts, current.deciles) == 1.0


def test_the_spread_is_asked_only_around_a_median_of_zero_and_of_what_varies():
    deciles = (0.0, 0.0, 900.0)
    counts = AROUND_ZERO["distance"].counts
    assert spread_ratio(AROUND_ZERO["distance"], counts, deciles) > 9
    assert spread_ratio(AROUND_ZERO["distance"], counts, (0.0, 0.0, 0.0)) == 1.0
    assert spread_ratio(REFERENCE["distance"], REFERENCE["distance"].counts, deciles) == 1.0
    rare = profile_column(np.arange(900) == 7, kind="number")
    assert spread_ratio(rare, rare.counts, deciles) == 1.0


def test_units_changed_from_the_limit_on_and_the_medians_are_told():
    current = column(MILES * 4)
    ratio = units_ratio(REFERENCE["distance"], current.deciles)
    (fault,) = faults({"distance": current}, units_jump_ratio=ratio)
    before, after = REFERENCE["distance"].median, current.deciles[1]
    told = f"the median moved from {before:.6g} to {after:.6g} and the spread with it"
    assert fault == f"distance: {told}, a factor of {ratio:.3g}: have the units changed?"
    assert faults({"distance": current}, units_jump_ratio=np.nextafter(ratio, 99)) == ()


@pytest.mark.parametrize(("rows", "count"), [(300, 1), (299, 0)])
def test_nulls_and_units_are_judged_from_300_rows_on(rows, count):
    assert len(faults({"distance": column(MILES[:rows] * 1_000)})) == count


@pytest.mark.parametrize("factor", [1.6, 0.7, -1.0])
def test_a_smaller_change_is_drift_not_a_fault(factor):
    assert faults({"distance": column(MILES[:1_000] * factor)}) == ()


def test_a_warmer_season_moves_the_median_alone_and_is_no_fault():
    winter = {"distance": profile_column(RNG.normal(15, 8, size=2_000), kind="number")}
    summer = column(RNG.normal(65, 6, size=1_000), reference=winter)
    assert faults({"distance": summer}, reference=winter) == ()


def test_a_constant_column_has_its_median_alone_to_tell_units():
    constant = {"distance": profile_column(np.full(900, 2.0), kind="number")}
    moved = column(np.full(900, 2_000.0), reference=constant)
    assert len(faults({"distance": moved}, reference=constant)) == 1
    zero = {"distance": profile_column(np.zeros(900), kind="number")}
    assert faults({"distance": column(np.ones(900), reference=zero)}, reference=zero) == ()


def test_a_day_of_one_weekday_is_no_change_of_units():
    week = {"distance": profile_column(np.arange(2_000) % 7, kind="number")}
    assert faults({"distance": column(np.full(900, 1.0), reference=week)}, reference=week) == ()
    day = {"distance": profile_column(np.full(900, 1.0), kind="number")}
    assert faults({"distance": column(np.arange(2_000) % 7, reference=day)}, reference=day) == ()


def test_few_rows_say_nothing_about_nulls_or_units():
    assert faults({"distance": column(MILES[:299] * 1_000)}) == ()
    assert faults({"distance": column(np.full(299, np.nan))}) == ()


def test_a_feed_is_stale_from_its_limit_on_and_without_any_row():
    good = {"distance": column(MILES)}
    assert faults(good, newest=AT - timedelta(days=2) + timedelta(seconds=1)) == ()
    assert "stale feed: the newest row is 2 days" in faults(good, newest=AT - timedelta(days=2))[0]
    assert faults(good, newest=None) == ("stale feed: no row at all",)


def test_a_row_from_the_future_hides_no_dead_feed():
    good = {"distance": column(MILES)}
    assert faults(good, newest=AT + timedelta(minutes=15)) == ()
    (fault,) = faults(good, newest=AT + timedelta(hours=1))
    assert fault == (
        "feed ahead of the clock: the newest row is 1:00:00 in the future, expected none: is a "
        "time zone wrong?"
    )
