"""The sufficient statistics of a metric in one variant: exact sums, so that they only ever add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.core.abtest.exactsum import exact_dot, exact_sum

ZERO = Fraction(0)
LARGEST = 1e100  # of an outcome: its square must be a double
_MAX_CHARACTERS = 4_000  # an exact sum of doubles has at most about 700 digits on either side


@dataclass(frozen=True)
class Sums:
    """n outcomes y, with a covariate x from before the test where there is one, else x = 0."""

    n: int = 0
    y: Fraction = ZERO
    yy: Fraction = ZERO
    x: Fraction = ZERO
    xx: Fraction = ZERO
    xy: Fraction = ZERO

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def mean_y(self) -> Fraction:
        """Raises ZeroDivisionError without outcomes, as the other means do."""
        return self.y / self.n

    @property
    def mean_x(self) -> Fraction:
        """The covariate's mean."""
        return self.x / self.n

    @property
    def centred_yy(self) -> Fraction:
        """The sum of squared distances of y from its mean: exact, so never below 0."""
        return self.yy - self.y * self.y / self.n

    @property
    def centred_xx(self) -> Fraction:
        """The same of x."""
        return self.xx - self.x * self.x / self.n

    @property
    def centred_xy(self) -> Fraction:
        """The same of x and y together."""
        return self.xy - self.x * self.y / self.n


def sums_of(y: npt.ArrayLike, x: npt.ArrayLike | None = None) -> Sums:
    """The sums of outcomes `y` (n,), with their covariates `x` (n,) where there are any.

    Exact, but for values below 1e-100, which count as 0. Raises ValueError for values that are not
    finite or beyond LARGEST.
    """
    outcomes = _prepared(y)
    plain = Sums(len(outcomes), exact_sum(outcomes), exact_dot(outcomes, outcomes))
    if x is None:
        return plain
    before = _prepared(x)
    return Sums(
        plain.n,
        plain.y,
        plain.yy,
        exact_sum(before),
        exact_dot(before, before),
        exact_dot(before, outcomes),
    )


def _prepared(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    sizes = np.abs(numbers)
    if not (sizes <= LARGEST).all():
        raise ValueError(f"outcomes: found one that is not finite, or beyond {LARGEST:g}")
    return np.where(sizes < 1 / LARGEST, 0.0, numbers)


def counts(n: int, ones: int) -> Sums:
    """The sums of `n` outcomes of which `ones` are 1 and the others 0. Raises ValueError."""
    if not 0 <= ones <= n:
        raise ValueError(f"found {ones} of {n}, expected 0 to {n}")
    return Sums(n, Fraction(ones), Fraction(ones))


def sums_to_json(sums: Sums) -> dict[str, Any]:
    """`sums` as plain values; a sum is text, "numerator/denominator", so that it stays exact."""
    exact = {f.name: str(getattr(sums, f.name)) for f in fields(sums) if f.name != "n"}
    return {"n": sums.n, **{name: text for name, text in exact.items() if text != "0"}}


def sums_from_json(value: Mapping[str, Any]) -> Sums:
    """What `sums_to_json` made. Raises ValueError, TypeError or KeyError for anything else."""
    n, texts = value["n"], {name: text for name, text in value.items() if name != "n"}
    if not isinstance(n, int) or n < 0 or set(texts) - {f.name for f in fields(Sums)}:
        raise ValueError("sums: expected n, y, yy, x, xx and xy")
    if any(not isinstance(text, str) or len(text) > _MAX_CHARACTERS for text in texts.values()):
        raise ValueError('sums: expected text such as "12/5"')
    return Sums(n, **{name: Fraction(text) for name, text in texts.items()})
