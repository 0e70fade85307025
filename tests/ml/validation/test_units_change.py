"""Which differences between two looks are a change of units, and which are a season."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.ml.validation.units import conversions_from
from pipeline.ml.validation.units_change import MIN_VALUES, explaining_conversion, units_change
from tests.ml.validation.profile_rows import look

RNG = np.random.default_rng(1)
MILES = RNG.gamma(2.0, 400, 3000)
WINTER, SUMMER = RNG.normal(38, 8, 3000), RNG.normal(74, 7, 3000)
RAIN = np.where(RNG.random(9000) < 0.1, RNG.gamma(1.0, 0.05, 9000), 0.0)
DELAY = RNG.normal(0.0, 30, 3000)


@pytest.mark.parametrize("factor", [1000, 60, 3.5, 1 / 3.5, 1 / 1000])
def test_a_factor_beyond_the_ratio_is_found_in_both_directions(factor: float) -> None:
    said = units_change(look(MILES), look(MILES * factor), unit=None, ratio=3.0)
    assert said is not None
    assert f"{factor:.3g} times" in said


@pytest.mark.parametrize("factor", [2.9, 1 / 2.9, 1.0])
def test_a_factor_within_the_ratio_is_no_change_without_a_unit(factor: float) -> None:
    assert units_change(look(MILES), look(MILES * factor), unit=None, ratio=3.0) is None


def test_a_known_conversion_is_found_though_its_factor_is_small() -> None:
    said = units_change(look(MILES), look(MILES * 1.609344), unit="miles", ratio=3.0)
    assert said is not None
    assert said.startswith("a change from miles to km explains")


def test_fahrenheit_to_celsius_is_found_within_a_season() -> None:
    hot = SUMMER + 20
    said = units_change(look(hot[1::2]), look((hot[::2] - 32) / 1.8), unit="°F", ratio=3.0)
    assert said is not None
    assert "to °C" in said


def test_a_season_that_doubles_the_median_is_no_change() -> None:
    assert units_change(look(WINTER), look(SUMMER), unit="°F", ratio=3.0) is None


def test_a_median_that_moves_alone_is_no_change() -> None:
    assert units_change(look(WINTER - 30), look(SUMMER - 30), unit="°F", ratio=3.0) is None


def test_a_spread_that_moves_alone_is_no_change() -> None:
    calm = 60 + (WINTER - 38) / 5
    assert units_change(look(WINTER + 22), look(calm), unit="°F", ratio=3.0) is None


@pytest.mark.parametrize("widening", [1.2, 1.0, 1 / 2.5])
def test_a_large_move_whose_spread_does_not_follow_is_no_change(widening: float) -> None:
    narrow = WINTER - WINTER.mean()
    was, now = 40 + narrow, 160 + narrow * widening
    assert units_change(look(was), look(now), unit=None, ratio=3.0) is None


def test_a_median_about_zero_has_no_ratio() -> None:
    assert units_change(look(DELAY + 0.1), look(DELAY + 2), unit="min", ratio=3.0) is None


def test_about_zero_the_spread_must_move_by_the_ratio_squared() -> None:
    assert units_change(look(DELAY), look(DELAY * 8), unit=None, ratio=3.0) is None
    assert units_change(look(DELAY), look(DELAY * 60), unit=None, ratio=3.0) is not None


def test_rain_that_is_mostly_zero_is_measured_by_its_wet_hours() -> None:
    assert units_change(look(RAIN), look(RAIN * 25.4), unit="in", ratio=3.0) is not None
    wetter = np.where(RNG.random(9000) < 0.3, RNG.gamma(1.0, 0.1, 9000), 0.0)
    assert units_change(look(RAIN), look(wetter), unit="in", ratio=3.0) is None


def test_constants_are_compared_by_value() -> None:
    five = np.full(200, 5.0)
    assert units_change(look(five), look(five * 100), unit=None, ratio=3.0) is not None
    assert units_change(look(five), look(five * 2), unit=None, ratio=3.0) is None


def test_few_values_say_nothing() -> None:
    few = MILES[: MIN_VALUES - 1]
    assert units_change(look(few), look(few * 1000), unit=None, ratio=3.0) is None
    assert units_change(look(MILES), look(np.array([])), unit=None, ratio=3.0) is None


@settings(max_examples=60, deadline=None)
@given(
    scale=st.floats(1e-3, 1e3),
    shift=st.floats(-5, 5),
    seed=st.integers(0, 100),
)
def test_rows_of_one_source_never_look_converted(scale: float, shift: float, seed: int) -> None:
    values = (np.random.default_rng(seed).normal(shift, 1, 2000)) * scale
    one, other = look(values[::2]), look(values[1::2])
    for unit in ("°F", "mi", "min", "hPa", None):
        assert units_change(one, other, unit=unit, ratio=3.0) is None


@settings(max_examples=60, deadline=None)
@given(
    mean=st.floats(2, 500),
    spread=st.floats(0.1, 0.9),
    unit=st.sampled_from(["mi", "km", "kg", "min", "hPa", "mph", "l"]),
    data=st.data(),
)
def test_any_large_enough_conversion_of_the_same_rows_is_found(
    mean: float, spread: float, unit: str, data: st.DataObject
) -> None:
    conversions = conversions_from(unit)
    a, b = conversions[data.draw(st.sampled_from(sorted(conversions)))]
    values = mean * np.random.default_rng(3).lognormal(0, spread, 2000)
    one, other = look(values[::2]), look(a * values[1::2] + b)
    assume(explaining_conversion(one, look(values[1::2]), unit) is None)
    assert units_change(one, other, unit=unit, ratio=3.0) is not None
