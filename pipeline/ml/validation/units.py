"""Units of measurement: their other names, and how to convert one into another."""

from __future__ import annotations

import math

_NEAR_ONE = 1.5  # smaller factors (miles an hour to knots) cannot be told from weather

# unit: (quantity, a, b) with base = a · value + b. Base units: m, m/s, kg, s, Pa, K, l, J, 1, rad.
_UNITS: dict[str, tuple[str, float, float]] = {
    **{u: ("length", a, 0.0) for u, a in {
        "m": 1, "km": 1e3, "cm": 1e-2, "mm": 1e-3, "mi": 1609.344, "nmi": 1852, "ft": 0.3048,
        "in": 0.0254, "yd": 0.9144}.items()},
    **{u: ("speed", a, 0.0) for u, a in {
        "m/s": 1, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600, "ft/s": 0.3048}.items()},
    **{u: ("mass", a, 0.0) for u, a in {
        "kg": 1, "g": 1e-3, "mg": 1e-6, "t": 1e3, "lb": 0.45359237, "oz": 0.028349523}.items()},
    **{u: ("time", a, 0.0) for u, a in {
        "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60, "h": 3600, "d": 86400}.items()},
    **{u: ("pressure", a, 0.0) for u, a in {
        "pa": 1, "hpa": 100, "kpa": 1e3, "bar": 1e5, "inhg": 3386.389, "mmhg": 133.3224,
        "psi": 6894.757}.items()},
    "k": ("temperature", 1.0, 0.0),
    "c": ("temperature", 1.0, 273.15),
    "f": ("temperature", 1 / 1.8, 273.15 - 32 / 1.8),
    **{u: ("volume", a, 0.0) for u, a in {"l": 1, "ml": 1e-3, "gal": 3.785412}.items()},
    **{u: ("energy", a, 0.0) for u, a in {
        "j": 1, "kj": 1e3, "mj": 1e6, "wh": 3600, "kwh": 3.6e6,
        "cal": 4.184, "kcal": 4184}.items()},
    **{u: ("share", a, 0.0) for u, a in {"fraction": 1, "%": 1e-2}.items()},
    **{u: ("angle", a, 0.0) for u, a in {"rad": 1, "deg": math.pi / 180}.items()},
}  # fmt: skip
_SHOWN = {
    "f": "°F", "c": "°C", "k": "K", "pa": "Pa", "hpa": "hPa", "kpa": "kPa", "inhg": "inHg",
    "mmhg": "mmHg", "j": "J", "kj": "kJ", "mj": "MJ", "wh": "Wh", "kwh": "kWh",
}  # fmt: skip
_ALIASES = {
    "°f": "f", "degf": "f", "fahrenheit": "f", "°c": "c", "degc": "c", "celsius": "c",
    "kelvin": "k", "mile": "mi", "miles": "mi", "feet": "ft", "foot": "ft", "inch": "in",
    "inches": "in", "metre": "m", "metres": "m", "meter": "m", "meters": "m", "kilometres": "km",
    "kilometers": "km", "knots": "kn", "knot": "kn", "kt": "kn", "kts": "kn", "kph": "km/h",
    "kmh": "km/h", "miles an hour": "mph", "miles per hour": "mph", "mi/h": "mph",
    "inches in the hour": "in", "millibar": "hpa", "mbar": "hpa", "pound": "lb", "pounds": "lb",
    "lbs": "lb", "second": "s", "seconds": "s", "minute": "min", "minutes": "min", "hour": "h",
    "hours": "h", "day": "d", "days": "d", "percent": "%", "degree": "deg", "degrees": "deg",
    "°": "deg", "gallon": "gal", "gallons": "gal", "litre": "l", "litres": "l", "liter": "l",
    "liters": "l",
}  # fmt: skip


def conversions_from(unit: str | None) -> dict[str, tuple[float, float]]:
    """Other units of the same quantity as name: (a, b) with other = a · value + b.

    Empty for an unknown unit. Pure factors up to 1.5 either way are left out.
    """
    source = _canonical(unit)
    if source not in _UNITS:
        return {}
    quantity, a, b = _UNITS[source]
    others = {
        _shown(name): (a / other_a, (b - other_b) / other_a)
        for name, (other_quantity, other_a, other_b) in _UNITS.items()
        if other_quantity == quantity and name != source
    }
    return {
        name: (factor, offset)
        for name, (factor, offset) in others.items()
        if offset or abs(math.log(factor)) > math.log(_NEAR_ONE)
    }


def _shown(unit: str) -> str:
    return _SHOWN.get(unit, unit)


def _canonical(unit: str | None) -> str:
    text = (unit or "").strip().casefold()
    return _ALIASES.get(text, text)
