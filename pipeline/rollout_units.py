"""Quantities of a rollout plan as people write them: 30m, 150ms, 2%, Europe/Berlin."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from pipeline.config import Section
from pipeline.trigger_config import WallTime as _WallTime
from pipeline.trigger_config import Zone as _Zone

Unit = Literal["ms", "fraction", "number"]

_DURATION = r"^([1-9][0-9]{0,5})([smhdw])$"
_QUANTITY = r"^(-?[0-9]{1,12}(?:\.[0-9]{1,12})?) ?(us|ms|s|%)$"
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TO_BASE: dict[str, tuple[float, Unit]] = {
    "us": (0.001, "ms"),
    "ms": (1.0, "ms"),
    "s": (1_000.0, "ms"),
    "%": (0.01, "fraction"),
}


@dataclass(frozen=True)
class Quantity:
    """A value in its base unit: milliseconds, a fraction, or a bare number."""

    value: float
    unit: Unit


class Derived(Section):
    """A section with cached properties: a changed copy works them out anew."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, without what was derived from the values before."""
        copied = super().model_copy(update=update, deep=deep)
        for name in set(copied.__dict__) - set(type(copied).model_fields):
            del copied.__dict__[name]
        return copied


def parse_quantity(written: float | str) -> Quantity:
    """`written` in its base unit: '0.15s' is 150 ms, '2%' is 0.02; a bare number has no unit.

    Raises ValueError for anything else, and for NaN and infinities: a limit must limit.
    """
    if isinstance(written, str):
        found = re.fullmatch(_QUANTITY, written)
        if found is None:
            raise ValueError("expected a number, with a unit where it has one: 0.02, 2% or 150ms")
        factor, unit = _TO_BASE[found[2]]
        return Quantity(round(float(found[1]) * factor, 12), unit)
    if not math.isfinite(written):
        raise ValueError("expected a finite number: a limit must limit")
    return Quantity(float(written), "number")


def render_duration(length: timedelta) -> str:
    """`length` in the largest unit that divides it, as `Duration` reads it back."""
    seconds = round(length.total_seconds())
    for name, size in reversed(_SECONDS.items()):
        if seconds and seconds % size == 0 and not (name == "w" and seconds < 2 * size):
            return f"{seconds // size}{name}"
    return f"{seconds}s"


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta) and value > timedelta(0):
        return value
    found = re.fullmatch(_DURATION, value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("expected a duration such as 30s, 30m, 24h, 7d or 2w")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _is_quantity(value: float | str) -> float | str:
    parse_quantity(value)
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(render_duration),
    WithJsonSchema({"type": "string", "pattern": _DURATION}),
]
Limit = Annotated[
    float | str,
    AfterValidator(_is_quantity),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": _QUANTITY}]}),
]
Zone = Annotated[_Zone, PlainSerializer(lambda zone: zone.key), WithJsonSchema({"type": "string"})]
WallTime = Annotated[
    _WallTime,
    PlainSerializer(lambda at: f"{at:%H:%M}"),
    WithJsonSchema({"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
]
MetricName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
