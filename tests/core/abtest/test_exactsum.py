from fractions import Fraction

import numpy as np
import pytest

from pipeline.core.abtest import exactsum
from pipeline.core.abtest.exactsum import exact_sum


def test_it_is_exact_over_the_whole_range_of_doubles():
    generator = np.random.default_rng(0)
    values = generator.normal(size=3_000) * 10.0 ** generator.integers(-300, 300, 3_000)
    values = [*values.tolist(), 5e-324, -0.0, 0.0, 1.7976931348623157e308, 0.1, -0.1]
    assert exact_sum(values) == sum(map(Fraction, values))


def test_order_and_chunks_change_nothing(monkeypatch):
    values = np.random.default_rng(1).lognormal(size=10_000)
    whole = exact_sum(values)
    assert exact_sum(values[::-1]) == whole
    assert sum((exact_sum(part) for part in np.array_split(values, 7)), start=Fraction(0)) == whole
    monkeypatch.setattr(exactsum, "_CHUNK", 64)
    assert exact_sum(values) == whole


def test_nothing_is_nothing():
    assert exact_sum([]) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_sum(value):
    with pytest.raises(ValueError, match="finite"):
        exact_sum([1.0, value])
