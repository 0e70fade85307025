from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import parse_section
from pipeline.core.triggers.schedule import due_period, latest_moment, next_moment, period_id
from pipeline.errors import ConfigurationError
from pipeline.trigger_config import WEEKDAYS, ScheduledTrigger

NEW_YORK = "America/New_York"


def schedule(**fields):
    return parse_section(ScheduledTrigger, fields, "test")


def monthly(day, time="02:00", zone="UTC"):
    return schedule(frequency="monthly", day_of_month=day, time=time, timezone=zone)


def weekly(day, time="02:00", zone="UTC"):
    return schedule(frequency="weekly", day_of_week=day, time=time, timezone=zone)


def cron(text, zone="UTC"):
    return schedule(frequency="cron", cron=text, timezone=zone)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def periods(rule, start, end, every):
    """The periods that a check every so often finds due, each served at once."""
    found, since, at = [], start, start
    while at <= end:
        due = due_period(rule, at, since)
        if due is not None:
            found.append(due)
            since = due
        at += every
    return found


def test_a_month_too_short_for_the_day_is_due_on_its_last():
    found = periods(monthly(31), utc(2024, 1, 1), utc(2024, 7, 1), timedelta(hours=7))
    assert [(d.month, d.day) for d in found] == [
        (1, 31),
        (2, 29),
        (3, 31),
        (4, 30),
        (5, 31),
        (6, 30),
    ]


def test_leap_days_come_in_leap_years_alone():
    assert latest_moment(monthly(29), utc(2023, 3, 1)) == utc(2023, 2, 28, 2)
    assert latest_moment(monthly(29), utc(2024, 3, 1)) == utc(2024, 2, 29, 2)
    assert latest_moment(cron("0 2 29 2 *"), utc(2027, 1, 1)) == utc(2024, 2, 29, 2)
    assert next_moment(cron("0 2 29 2 *"), utc(2024, 2, 29, 2)) == utc(2028, 2, 29, 2)


def test_a_time_that_spring_skips_is_due_after_the_gap_once():
    rule = weekly("sunday", "02:30", NEW_YORK)  # on 10 March 2013 there is no 02:30
    found = periods(rule, utc(2013, 3, 9), utc(2013, 3, 11), timedelta(minutes=1))
    assert found == [utc(2013, 3, 10, 7, 30)]
    assert found[0].astimezone(ZoneInfo(NEW_YORK)).hour == 3


def test_a_time_that_autumn_repeats_is_due_the_first_time_only():
    rule = weekly("sunday", "01:30", NEW_YORK)  # on 3 November 2013 there are two of them
    found = periods(rule, utc(2013, 11, 2), utc(2013, 11, 4), timedelta(minutes=1))
    assert found == [utc(2013, 11, 3, 5, 30)]


def test_wall_clock_time_stays_the_same_through_the_year():
    found = periods(
        monthly(1, "02:00", NEW_YORK), utc(2012, 12, 15), utc(2013, 12, 31), timedelta(hours=5)
    )
    assert {d.astimezone(ZoneInfo(NEW_YORK)).hour for d in found} == {2}
    assert {d.hour for d in found} == {6, 7}
    assert len(found) == 12


def test_it_is_due_at_the_very_moment_and_not_a_second_earlier():
    rule, moment = monthly(1), utc(2013, 7, 1, 2)
    assert due_period(rule, moment - timedelta(seconds=1), utc(2013, 6, 15)) is None
    assert due_period(rule, moment, utc(2013, 6, 15)) == moment
    assert due_period(rule, moment, moment) is None


def test_a_late_check_finds_the_period_due_once():
    rule = monthly(1)
    late = utc(2013, 7, 9, 23, 59)
    due = due_period(rule, late, utc(2013, 6, 1, 2))
    assert due == utc(2013, 7, 1, 2)
    assert due_period(rule, late + timedelta(days=3), due) is None


def test_many_missed_periods_become_one():
    assert due_period(monthly(1), utc(2013, 9, 5), utc(2013, 1, 1, 2)) == utc(2013, 9, 1, 2)


def test_a_champion_trained_after_the_last_period_is_not_trained_again_for_it():
    assert due_period(monthly(1), utc(2013, 7, 20), utc(2013, 7, 15)) is None


def test_every_minute_of_a_cron_through_a_change_of_the_clocks_is_due_once():
    rule = cron("*/20 * * * *", NEW_YORK)
    found = periods(rule, utc(2013, 3, 10, 6), utc(2013, 3, 10, 9), timedelta(minutes=1))
    assert len(found) == len(set(found)) == 9
    assert all(b - a == timedelta(minutes=20) for a, b in pairwise(found))


def test_a_day_that_a_country_leaves_out_is_due_with_the_next_one():
    """Samoa had no 30 December 2011: its 12:30 and that of the 31st are the same moment."""
    found = periods(
        cron("30 12 * * *", "Pacific/Apia"), utc(2011, 12, 28), utc(2012, 1, 2), timedelta(hours=1)
    )
    assert [d.astimezone(ZoneInfo("Pacific/Apia")).day for d in found] == [28, 29, 31, 1, 2]
    due = latest_moment(monthly(30, "12:30", "Pacific/Apia"), utc(2012, 1, 9))
    assert due == utc(2011, 12, 30, 22, 30)


def test_of_two_times_that_a_change_of_the_clocks_swaps_each_is_due_at_its_moment():
    """Lord Howe skips half an hour: 02:15 becomes 02:45, which is after 02:35."""
    rule = cron("15,35 2 * * *", "Australia/Lord_Howe")
    first, second = utc(2013, 10, 5, 15, 35), utc(2013, 10, 5, 15, 45)
    assert next_moment(rule, utc(2013, 10, 5, 15)) == first
    assert next_moment(rule, first) == second
    assert latest_moment(rule, utc(2013, 10, 5, 16)) == second
    assert latest_moment(rule, second - timedelta(seconds=1)) == first


@pytest.mark.usefixtures("machine_in_tokyo")
def test_the_zone_of_the_machine_is_not_that_of_the_schedule():
    rule, moment = monthly(1, "02:00", NEW_YORK), utc(2013, 7, 1, 6)
    assert period_id(moment) == "2013-07-01T06:00:00Z"
    assert latest_moment(rule, moment) == moment
    assert next_moment(rule, moment - timedelta(seconds=1)) == moment


def test_a_cron_names_days_as_cron_does():
    assert latest_moment(cron("0 2 * * SUN"), utc(2013, 7, 10)) == utc(2013, 7, 7, 2)
    assert latest_moment(cron("0 2 L * *"), utc(2013, 7, 10)) == utc(2013, 6, 30, 2)
    assert latest_moment(cron("0 2 1 * 1"), utc(2013, 7, 10)) == utc(
        2013, 7, 8, 2
    )  # either will do


def test_a_time_without_a_zone_is_refused():
    bare = datetime(2013, 7, 1)  # noqa: DTZ001
    for ask in (
        lambda: due_period(monthly(1), bare, utc(2013, 1, 1)),
        lambda: due_period(monthly(1), utc(2013, 1, 1), bare),
        lambda: next_moment(monthly(1), bare),
    ):
        with pytest.raises(ConfigurationError, match=r"^schedule: [^$]*without a zone"):
            ask()


def test_periods_are_named_by_their_moment_in_utc():
    moment = datetime(2013, 7, 1, 2, tzinfo=ZoneInfo(NEW_YORK))
    assert period_id(moment) == "2013-07-01T06:00:00Z"
    assert datetime.fromisoformat(period_id(moment)) == moment


zones = st.sampled_from(
    [
        *("UTC", NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"),
        *("Africa/Cairo", "Pacific/Apia", "America/St_Johns", "Antarctica/Troll"),
    ]
)
times = st.times().map(lambda t: f"{t.hour:02d}:{t.minute:02d}")
rules = st.one_of(
    st.builds(monthly, st.integers(1, 31), times, zones),
    st.builds(weekly, st.sampled_from(WEEKDAYS), times, zones),
    st.builds(
        cron, st.sampled_from(["17 3 * * *", "30 2 1,15 * *", "0 */6 * * *", "59 23 L * *"]), zones
    ),
)
moments = st.datetimes(datetime(2009, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=60, deadline=None)
@given(rules, moments, st.lists(st.integers(1, 60 * 24 * 20), min_size=1, max_size=40))
def test_however_the_checks_fall_no_period_is_served_twice_and_the_latest_is_served(
    rule, start, gaps
):
    served, since, at = [], start, start
    for gap in gaps:
        at += timedelta(minutes=gap)
        due = due_period(rule, at, since)
        if due is not None:
            assert since < due <= at
            served.append(due)
            since = due
        assert due_period(rule, at, since) is None
    assert served == sorted(set(served))
    latest = latest_moment(rule, at)
    assert latest is None or latest <= start or served[-1] == latest


@settings(max_examples=60, deadline=None)
@given(rules, moments)
def test_no_moment_lies_between_the_latest_and_the_next(rule, at):
    latest, following = latest_moment(rule, at), next_moment(rule, at)
    assert latest <= at < following
    assert latest_moment(rule, following - timedelta(microseconds=1)) == latest
    assert latest_moment(rule, following) == following


@settings(max_examples=40, deadline=None)
@given(st.builds(monthly, st.integers(1, 31), times, zones), st.integers(2010, 2025))
def test_a_monthly_schedule_is_due_twelve_times_a_year(rule, year):
    start = datetime(year, 1, 1, tzinfo=rule.timezone).astimezone(UTC) - timedelta(microseconds=1)
    end = datetime(year + 1, 1, 1, tzinfo=rule.timezone).astimezone(UTC) - timedelta(microseconds=1)
    count, at = 0, start
    while (at := next_moment(rule, at)) <= end:
        count += 1
    assert count == 12
