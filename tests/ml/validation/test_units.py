"""Conversions between units, by any of their names."""

import pytest

from pipeline.ml.validation.units import conversions_from


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
