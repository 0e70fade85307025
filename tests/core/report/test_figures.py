import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.report import figures as numbers

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.693, "0.693"),
        (0.6934999, "0.693"),
        (0.0412, "0.0412"),
        (0.00312, "0.0031"),
        (0.0104, "0.0104"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (1234, "1,234"),
        (0.00004, "4.00e-05"),
        (None, "unknown"),
        (math.nan, "unknown"),
        (math.inf, "unknown"),
    ],
)
def test_figures_have_three_significant_decimals(value, text):
    assert numbers.figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "+0.100"), (-0.1, "−0.100"), (0, "0"), (None, "unknown")]
)
def test_a_difference_has_a_sign_and_zero_has_none(value, text):
    assert numbers.signed(value) == text


@given(FINITE.filter(lambda value: value != 0))
def test_only_zero_reads_as_zero_and_no_figure_is_far_from_its_text(value):
    read = float(numbers.figure(value).replace(numbers.MINUS, "-").replace(",", ""))
    assert read != 0
    assert math.copysign(1, read) == math.copysign(1, value)
    assert read == pytest.approx(value, rel=0.0051, abs=0.00005)


def test_an_interval_breaks_nowhere_and_says_what_it_does_not_know():
    assert numbers.interval(-0.01, 0.2) == "[−0.0100,\N{NO-BREAK SPACE}+0.200]"
    assert numbers.interval(0.1, 0.2, with_sign=False) == "[0.100,\N{NO-BREAK SPACE}0.200]"
    assert numbers.interval(None, 0.2) == "[unknown,\N{NO-BREAK SPACE}+0.200]"
    assert numbers.interval(None, math.nan) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.42 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (151, "2 min 31 s"),
        (3720, "1 h 2 min"),
        (None, "unknown"),
    ],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert numbers.duration(seconds) == text


def test_units_stand_beside_their_figures():
    assert numbers.percent(0.2341) == "23.4\N{NO-BREAK SPACE}%"
    assert numbers.confidence(0.95) == "95\N{NO-BREAK SPACE}%"
    assert numbers.memory(512.4) == "512 MB"
    assert numbers.memory(1512.9) == "1.51 GB"
    assert numbers.size(412_345) == "412 kB"
    assert numbers.size(4_123_450) == "4.12 MB"
    assert numbers.count(1234567) == "1,234,567"


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_figure_that_is_not_there_is_unknown_in_every_unit(value):
    assert {numbers.percent(value), numbers.memory(value), numbers.size(value)} == {"unknown"}


def test_a_tiny_p_value_is_below_a_thousandth_and_not_zero():
    assert numbers.p_value(0.0) == "< 0.001"
    assert numbers.p_value(0.001) == "0.0010"
    assert numbers.p_value(None) == "unknown"


def test_times_are_utc_and_what_is_no_time_stays():
    assert numbers.moment("2013-07-02T02:00:00+02:00") == "2013-07-02 00:00 UTC"
    assert numbers.day("2013-07-02T00:00:00Z") == "2013-07-02"
    assert numbers.moment("soon") == "soon"
    assert numbers.day(None) == "unknown"


def test_a_short_digest_leaves_the_algorithm_out():
    assert numbers.short_digest("sha256:" + "4d1e" * 16) == "4d1e4d1e4d1e"
    assert numbers.short_digest(None) == "none"
