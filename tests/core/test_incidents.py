from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.core.incidents import CurrentColumn, find_data_faults
from pipeline.core.profile import count_column, profile_column
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


def test_nulls_that_the_reference_had_as_well_are_no_flood():
    gappy = np.where(np.arange(5_000) % 2 == 0, np.nan, MILES)
    reference = {"distance": profile_column(gappy, kind="number")}
    assert faults({"distance": column(gappy, reference=reference)}, reference=reference) == ()


@pytest.mark.parametrize("factor", [1_000.0, 3.3, 0.001, 0.3])
def test_other_units_multiply_median_and_spread(factor):
    (found,) = faults({"distance": column(MILES[:1_000] * factor)})
    assert "have the units changed?" in found


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
