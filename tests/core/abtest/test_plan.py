"""What a test needs is told in three figures, and what a day's units can show in one more."""

import pytest

from pipeline.core.abtest.plan import plan_lines
from pipeline.core.abtest.power import plan_sample
from tests.core.ab_tests import config


def test_the_needed_samples_are_those_of_the_plan():
    test, lines = config(), plan_lines(config(), None)
    need = plan_sample(test)
    assert lines[0] == "accuracy: a difference of 0.02 (alpha 0.05, power 0.8) needs"
    assert [line.split()[0] for line in lines[1:]] == [
        f"{n:,}" for n in (need.average, need.sequential, need.fixed)
    ]


@pytest.mark.parametrize(("units_a_day", "word"), [(10, "too few"), (100_000, "enough")])
def test_what_comes_in_the_test_s_days_is_enough_or_too_few(units_a_day, word):
    last = plan_lines(config(), units_a_day)[-1]
    assert f"{27 * units_a_day:,} come in 27 days, {word}: they show a difference of" in last
