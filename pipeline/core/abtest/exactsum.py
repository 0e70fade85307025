"""Sums without rounding: whatever the order, the chunks and the restarts, the same to the bit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

_MANTISSA = 53
_LOW = 27  # of a mantissa's 53 bits; the other 26 are the high part
_CHUNK = 1 << 20  # sums of so many halves stay below 2^53, so that adding them as doubles is exact


def exact_sum(values: npt.ArrayLike) -> Fraction:
    """The sum of `values` (n,) as a fraction, exact. Raises ValueError for what is not finite.

    Mantissas are cut in two and added up exponent by exponent, where doubles add exactly.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("a sum of values that are not finite")
    return sum(
        (_chunk_sum(numbers[at : at + _CHUNK]) for at in range(0, len(numbers), _CHUNK)),
        start=Fraction(0),
    )


def exact_dot(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Fraction:
    """The sum of x y, exact, for doubles (n,) that are 0 or between 1e-100 and 1e100 in size.

    Each product is a double and its rounding error, another double: Dekker (1971), "A floating-
    point technique for extending the available precision", with Veltkamp's splitting.
    """
    product = x * y
    (x_high, x_low), (y_high, y_low) = _split(x), _split(y)
    error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
    return exact_sum(product) + exact_sum(error)


def _split(x: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """High and low half of the mantissa: their sum is x, and products of halves are exact."""
    shifted = x * (2.0**_LOW + 1)
    high = shifted - (shifted - x)
    return high, x - high


def _chunk_sum(numbers: npt.NDArray[np.float64]) -> Fraction:
    mantissas, exponents = np.frexp(numbers)
    whole = np.ldexp(mantissas, _MANTISSA).astype(np.int64)
    least = int(exponents.min())
    places = exponents - least
    highs = np.bincount(places, weights=whole >> _LOW)
    lows = np.bincount(places, weights=whole & ((1 << _LOW) - 1))
    total = 0
    for place in np.flatnonzero((highs != 0) | (lows != 0)):
        total += ((int(highs[place]) << _LOW) + int(lows[place])) << int(place)
    shift = least - _MANTISSA
    return Fraction(total << shift) if shift >= 0 else Fraction(total, 1 << -shift)
