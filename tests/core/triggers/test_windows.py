from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.triggers.windows import Window, closed_windows, end_of, window_of

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
moments = st.datetimes(datetime(1960, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
lengths = st.integers(1, 60 * 24 * 40).map(lambda minutes: timedelta(minutes=minutes))


@given(moments, lengths)
def test_every_moment_lies_in_its_window_and_only_in_that(moment, length):
    window = window_of(moment, length)
    assert window.start <= moment < window.end
    assert window_of(window.end, length).start == window.end
    assert window_of(window.start, length) == window


def test_windows_of_a_week_start_on_monday_and_of_a_day_at_midnight_utc():
    moment = datetime(2013, 7, 4, 15, 30, tzinfo=UTC)  # a Thursday
    assert window_of(moment, WEEK).start == datetime(2013, 7, 1, tzinfo=UTC)
    assert window_of(moment, DAY).start == datetime(2013, 7, 4, tzinfo=UTC)


def test_windows_of_different_start_or_length_have_different_ids():
    day, week = (
        window_of(datetime(2013, 7, 1, tzinfo=UTC), DAY),
        window_of(datetime(2013, 7, 1, tzinfo=UTC), WEEK),
    )
    assert (day.id, week.id) == ("2013-07-01T00:00Z/1440m", "2013-07-01T00:00Z/10080m")


def test_a_window_is_closed_and_mature_from_its_very_end():
    end = datetime(2013, 7, 2, tzinfo=UTC)
    assert closed_windows(end, DAY, count=1)[0].end == end
    assert closed_windows(end - timedelta(microseconds=1), DAY, count=1)[0].end == end - DAY
    delay = timedelta(hours=24)
    assert closed_windows(end + delay, DAY, count=1, maturity=delay)[0].end == end
    assert not Window(end - DAY, end).is_mature(end + delay - timedelta(microseconds=1), delay)
    assert Window(end - DAY, end).is_mature(end + delay, delay)


@given(moments, lengths, st.integers(1, 9), st.integers(0, 72).map(lambda h: timedelta(hours=h)))
def test_closed_windows_touch_are_mature_and_the_newest_possible(at, length, count, maturity):
    windows = closed_windows(at, length, count=count, maturity=maturity)
    assert len(windows) == count
    assert all(a.end == b.start for a, b in pairwise(windows))
    assert windows[-1].is_mature(at, maturity)
    assert not window_of(windows[-1].end, length).is_mature(at, maturity)


def test_a_window_in_which_the_champion_changed_belongs_to_neither():
    at, changed = datetime(2013, 7, 15, tzinfo=UTC), datetime(2013, 7, 3, tzinfo=UTC)
    windows = closed_windows(at, WEEK, count=5, not_before=changed)
    assert [w.start.day for w in windows] == [8]
    monday = datetime(2013, 7, 8, tzinfo=UTC)
    assert closed_windows(at, WEEK, count=5, not_before=monday) == windows
    late = monday + timedelta(microseconds=1)
    assert closed_windows(at, WEEK, count=5, not_before=late) == ()


@given(moments, lengths)
def test_a_window_is_known_by_its_name_alone(moment, length):
    window = window_of(moment, length)
    assert end_of(window.id) == window.end


@pytest.mark.parametrize("name", ["", "2013-07-01T00:00Z", "2013-07-01T00:00Z/", "x/60m"])
def test_what_names_no_window_is_refused(name):
    with pytest.raises(ValueError, match=r"."):
        end_of(name)


@pytest.mark.parametrize("hours", [-5, 9])
def test_a_moment_in_another_zone_has_the_window_of_the_same_moment_in_utc(hours):
    moment = datetime(2013, 7, 1, 23, tzinfo=UTC)
    assert window_of(moment.astimezone(timezone(timedelta(hours=hours))), DAY) == window_of(
        moment, DAY
    )
