"""What a person reads for a bin of numbers or times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

_TINY = 2.2250738585072014e-308  # the least normal float: denormals are not read back everywhere
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def just_below(value: float) -> float:
    """The greatest float under `value`: an edge there gives `value` a bin of its own."""
    return -_TINY if value == 0 else math.nextafter(value, -math.inf)


def range_labels(edges: Sequence[float], *, is_time: bool = False) -> tuple[str, ...]:
    """A label for each of the len(edges) + 1 bins: `(-inf, 3]`, `(3, 8)`, `= 8`, `(8, inf)`."""
    show = _moment if is_time else _number
    bounds = [-math.inf, *edges, math.inf]
    labels = []
    for i, (low, high) in enumerate(pairwise(bounds)):
        after = bounds[i + 2] if i + 2 < len(bounds) else math.inf
        if low == just_below(high) and high != math.inf:
            labels.append(f"= {show(high)}")
        elif high == math.inf:
            labels.append(f"({show(low)}, inf)")
        elif high == just_below(after):
            labels.append(f"({show(low)}, {show(after)})")
        else:
            labels.append(f"({show(low)}, {show(high)}]")
    return tuple(labels)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _moment(value: float) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=value)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return _number(value)
