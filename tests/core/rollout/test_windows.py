"""Deploy windows in wall-clock time, over the days on which the clocks change too."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.rollout.windows import is_open, next_open, time_open
from pipeline.rollout_config import DeployWindow

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = DeployWindow(
    days=("monday", "tuesday", "wednesday", "thursday"),
    start=time(9), end=time(16), timezone=BERLIN,
)  # fmt: skip
NIGHT = DeployWindow(days=("sunday",), start=time(2, 30), end=time(2, 45), timezone=BERLIN)


def at(day: int, hour: int, minute: int = 0, month: int = 7) -> datetime:
    return datetime(2013, month, day, hour, minute, tzinfo=BERLIN).astimezone(UTC)


def test_without_windows_it_is_always_open() -> None:
    assert is_open((), at(7, 3))
    assert next_open((), at(7, 3)) == at(7, 3)


def test_the_first_minute_is_in_and_the_last_is_not() -> None:
    assert is_open((OFFICE,), at(3, 9))
    assert not is_open((OFFICE,), at(3, 8, 59))
    assert is_open((OFFICE,), at(3, 15, 59))
    assert not is_open((OFFICE,), at(3, 16))


def test_it_opens_next_on_the_next_of_its_days() -> None:
    assert next_open((OFFICE,), at(4, 16)) == at(8, 9)  # Thursday's end: Monday
    assert next_open((OFFICE,), at(3, 3)) == at(3, 9)
    assert next_open((OFFICE,), at(3, 12)) == at(3, 12)
    assert next_open((OFFICE, NIGHT), at(4, 16)) == at(7, 2, 30)


def test_a_window_that_the_clocks_skip_opens_all_the_same() -> None:
    saturday = at(30, 12, month=3)
    assert next_open((NIGHT,), saturday) > saturday
    assert next_open((NIGHT, OFFICE), saturday) == at(1, 9, month=4)  # for that one is open


@pytest.mark.usefixtures("machine_in_tokyo")
def test_today_is_that_of_the_window_and_not_that_of_the_machine() -> None:
    evening = DeployWindow(days=("wednesday",), start=time(22), end=time(23), timezone=BERLIN)
    assert next_open((evening,), at(3, 20)) == at(3, 22)  # in Tokyo it is Thursday
    assert time_open((evening,), at(3, 20), at(4, 0)) == timedelta(hours=1)


@given(st.integers(0, 350 * 24 * 60))
def test_the_next_opening_is_open_and_not_before(minute: int) -> None:
    moment = datetime(2013, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    found = next_open((OFFICE,), moment)
    assert found >= moment
    assert is_open((OFFICE,), found)


def test_only_the_time_within_a_window_counts() -> None:
    assert time_open((OFFICE,), at(3, 15), at(4, 10)) == timedelta(hours=2)
    assert time_open((OFFICE,), at(4, 16), at(8, 9)) == timedelta(0)  # from Thursday to Monday
    assert time_open((OFFICE,), at(3, 10), at(3, 11)) == timedelta(hours=1)
    assert time_open((OFFICE,), at(1, 0), at(8, 0)) == timedelta(hours=28)


def test_without_windows_all_time_counts_and_none_before_its_beginning() -> None:
    assert time_open((), at(3, 15), at(4, 15)) == timedelta(days=1)
    for windows in ((), (OFFICE,)):
        assert time_open(windows, at(3, 12), at(3, 12)) == timedelta(0)
        assert time_open(windows, at(3, 12), at(3, 10)) == timedelta(0)
        assert time_open(windows, at(8, 12), at(3, 10)) == timedelta(0)


def test_windows_that_overlap_count_once() -> None:
    early = DeployWindow(days=("wednesday",), start=time(8), end=time(12), timezone=BERLIN)
    within = DeployWindow(days=("wednesday",), start=time(10), end=time(11), timezone=BERLIN)
    assert time_open((OFFICE, early, within), at(3, 0), at(4, 0)) == timedelta(hours=8)


@given(st.integers(0, 350 * 24 * 4), st.integers(0, 14 * 24 * 4))
def test_the_time_that_is_open_is_that_of_the_quarters_of_an_hour(first: int, more: int) -> None:
    quarter = timedelta(minutes=15)
    since = datetime(2013, 1, 1, tzinfo=UTC) + first * quarter
    quarters = sum(is_open((OFFICE,), since + i * quarter) for i in range(more))
    assert time_open((OFFICE,), since, since + more * quarter) == quarters * quarter
