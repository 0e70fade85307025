"""What a profile says of a frame, and which differences between two are a change of units."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.config import Column, RowRules, Schema
from pipeline.errors import ConfigurationError
from pipeline.ml.data_profile import (
    MIN_VALUES,
    PROFILE_FORMAT,
    TOP_CATEGORIES,
    category_key,
    conversions_from,
    explaining_conversion,
    numbers,
    profile_column,
    profile_frame,
    require_profile,
    units_change,
)

N = 400
ROWS = RowRules(min_rows=100, min_label_coverage=0.9, label_rate=(0.05, 0.6))
SCHEMA = Schema(
    rows=ROWS,
    columns={
        "temp": Column(type="number", unit="°F"),
        "origin": Column(type="category"),
        "is_holiday": Column(type="boolean"),
        "planned_at": Column(type="time"),
    },
)


def rows(n: int = N, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    events = pd.Timestamp("2013-01-01", tz="UTC") + pd.to_timedelta(np.arange(n) * 6, unit="h")
    return pd.DataFrame(
        {
            "id": [f"row-{i}" for i in range(n)],
            "event_time": events,
            "label": np.where(np.arange(n) % 10 == 0, np.nan, np.arange(n) % 4 == 1),
            "temp": rng.normal(60, 10, n),
            "origin": rng.choice(["EWR", "JFK", "LGA"], n, p=[0.5, 0.3, 0.2]),
            "is_holiday": np.arange(n) % 5 == 0,
            "planned_at": events,
        }
    )


def look(values: np.ndarray) -> dict:
    return profile_column(pd.Series(values), "number")


def test_the_profile_counts_rows_days_and_labels() -> None:
    profile = profile_frame(rows(), SCHEMA)
    assert profile["rows"] == N
    assert profile["days"] == 99.75
    assert profile["rows_per_day"] == pytest.approx(N / 99.75)
    assert profile["first_event"] == "2013-01-01T00:00:00Z"
    assert profile["label"] == {"coverage": 0.9, "rate": pytest.approx(100 / 360)}


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


def test_an_empty_frame_has_a_profile_too() -> None:
    profile = profile_frame(rows()[:0], SCHEMA)
    assert (profile["rows"], profile["label"]["rate"]) == (0, None)
    json.dumps(profile, allow_nan=False)


def test_columns_that_the_frame_lacks_are_left_out() -> None:
    assert "temp" not in profile_frame(rows().drop(columns="temp"), SCHEMA)["columns"]


def test_a_column_of_the_wrong_type_is_profiled_without_figures() -> None:
    assert profile_column(pd.Series(["1", "2"]), "number") == {
        "type": "number",
        "n": 0,
        "null_fraction": 0.0,
        "distinct": 2,
    }


def test_booleans_that_came_as_objects_are_numbers() -> None:
    assert numbers(pd.Series([True, None, False], dtype=object)).tolist() == [1.0, 0.0]


def test_a_profile_of_twenty_five_columns_takes_a_few_kilobytes() -> None:
    wide = Schema(rows=ROWS, columns={f"x{i}": Column(type="number") for i in range(25)})
    frame = rows().assign(**{f"x{i}": rows(seed=i)["temp"] for i in range(25)})
    assert len(json.dumps(profile_frame(frame, wide))) < 15_000


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_the_profile_is_plain_json_and_the_same_for_any_order_of_rows(seed: int) -> None:
    frame = rows(seed=seed)
    profile = profile_frame(frame, SCHEMA)
    assert json.loads(json.dumps(profile, allow_nan=False)) == profile
    shuffled = frame.sample(frac=1, random_state=seed)
    assert profile_frame(shuffled, SCHEMA) == profile


def test_another_format_is_refused_with_what_to_do() -> None:
    require_profile({"format": PROFILE_FORMAT}, "here")
    with pytest.raises(ConfigurationError, match="package the champion again"):
        require_profile({"format": 0}, "here")


# ---------------------------------------------------------------- units


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


@pytest.mark.parametrize(
    ("unit", "other", "value", "expected"),
    [
        ("°F", "°C", 212.0, 100.0),
        ("Celsius", "°F", 100.0, 212.0),
        ("°C", "K", 0.0, 273.15),
        ("miles", "km", 1.0, 1.609344),
        ("mph", "m/s", 1.0, 0.44704),
        ("miles an hour", "km/h", 1.0, 1.609344),
        ("millibar", "inHg", 1013.25, 29.9212),
        ("min", "s", 2.0, 120.0),
        ("percent", "fraction", 50.0, 0.5),
        ("inches in the hour", "mm", 1.0, 25.4),
    ],
)
def test_conversions_are_right(unit: str, other: str, value: float, expected: float) -> None:
    a, b = conversions_from(unit)[other]
    assert a * value + b == pytest.approx(expected, rel=1e-4)


def test_an_unknown_unit_has_no_conversions_and_near_ones_are_left_out() -> None:
    assert conversions_from("furlongs") == {}
    assert conversions_from(None) == {}
    assert "kn" not in conversions_from("mph")


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
