from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import parse_section
from pipeline.core.triggers.decision import Status
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules
from pipeline.core.triggers.performance import assess_performance, violation_flags
from pipeline.core.triggers.windows import Window
from pipeline.trigger_config import PerformanceTrigger

START = datetime(2013, 1, 7, tzinfo=UTC)
DAY = timedelta(days=1)
GOOD, BAD = 0.90, 0.80
AGAINST = "against a limit of 0.85"


def rule(**changes):
    fields = {"metric": "accuracy", "threshold": 0.85, "window": "1d", "consecutive_violations": 3}
    return parse_section(PerformanceTrigger, fields | changes, "test")


def days(*values, estimates=None, metric="accuracy"):
    """A day for each value; None is a day whose labels never came, "empty" one without rows."""
    windows = []
    for k, value in enumerate(values):
        window = Window(START + k * DAY, START + (k + 1) * DAY)
        if value == "empty":
            windows.append(LabelledWindow(window, 0, 0))
        elif value is None:
            windows.append(LabelledWindow(window, 1_000, 0, {}, estimates or {}))
        else:
            windows.append(LabelledWindow(window, 1_000, 1_000, {metric: value}))
    return windows


def assess(windows, *, at=None, maturity=DAY, **changes):
    at = at or windows[-1].window.end + maturity
    return assess_performance(rule(**changes), windows, LabelRules(at, maturity, 0.9))


def test_three_violations_in_a_row_fire_and_two_do_not():
    assert assess(days(GOOD, BAD, BAD)).status is Status.QUIET
    decision = assess(days(GOOD, BAD, BAD, BAD))
    assert decision.status is Status.FIRED
    assert decision.window == "2013-01-10T00:00Z/1440m"
    assert "3 windows in a row: 0.8, 0.8, 0.8 against a limit of 0.85" in decision.reason


def test_a_good_window_between_starts_the_count_again():
    assert assess(days(BAD, BAD, GOOD, BAD)).status is Status.QUIET


def test_past_violations_do_not_fire_once_the_latest_window_is_good():
    assert assess(days(BAD, BAD, BAD, GOOD)).status is Status.QUIET


def test_a_value_equal_to_the_threshold_does_not_violate_it():
    assert assess(days(0.85, 0.85, 0.85)).status is Status.QUIET
    assert assess(days(0.1 + 0.2, 0.1 + 0.2, 0.1 + 0.2), threshold=0.3).status is Status.QUIET


def test_k_of_n_fires_only_with_the_latest_violated():
    k_of_n = {"violations": 3, "out_of": 5}
    assert assess(days(BAD, GOOD, BAD, GOOD, BAD), **k_of_n).status is Status.FIRED
    assert assess(days(BAD, BAD, GOOD, BAD, GOOD), **k_of_n).status is Status.QUIET
    assert assess(days(BAD, GOOD, BAD, GOOD, GOOD, BAD), **k_of_n).status is Status.QUIET


@pytest.mark.parametrize(("value", "status"), [(0.7, Status.FIRED), (0.5, Status.QUIET)])
def test_a_loss_violates_when_it_is_above_the_threshold(value, status):
    windows = days(value, value, value, metric="log_loss")
    assert assess(windows, metric="log_loss", threshold=0.6).status is status


def test_missing_windows_neither_count_nor_reset():
    assert assess(days(BAD, BAD, None, BAD)).status is Status.FIRED
    assert assess(days(BAD, BAD, "empty", BAD)).status is Status.FIRED
    absent = [days(BAD, BAD, GOOD, BAD)[k] for k in (0, 1, 3)]
    assert assess(absent).status is Status.FIRED
    assert assess(days(BAD, None, BAD)).status is Status.QUIET


def test_thirty_days_without_labels_warn_do_not_fire_and_leave_the_count_as_it_was():
    outage = days(BAD, BAD, *[None] * 30, estimates={"accuracy": 0.70})
    for k in range(3, 33):
        decision = assess(outage[:k])
        assert decision.status is Status.WARN
        assert "0 of 1000 rows have a label" in decision.reason
        assert "0.7, which violates the limit 0.85" in decision.reason
    back = days(BAD, BAD, *[None] * 30, BAD)
    assert assess(back).status is Status.FIRED
    assert assess(days(BAD, BAD, *[None] * 30, GOOD)).status is Status.QUIET


def test_an_estimate_never_fires_however_bad_or_often():
    assert assess(days(*[None] * 9, estimates={"accuracy": 0.1})).status is Status.WARN
    assert assess(days(*[None] * 9)).status is Status.WARN


def test_a_day_without_traffic_is_unknown_and_no_warning():
    assert assess(days(GOOD, "empty")).status is Status.UNKNOWN


def test_nothing_at_all_is_unknown():
    at = START
    assert assess([], at=at).status is Status.UNKNOWN
    assert assess(days(BAD, BAD, BAD), at=START + DAY).status is Status.UNKNOWN


def test_labels_that_may_still_come_are_waited_for_in_silence():
    windows = days(GOOD, GOOD, None, None)
    at = windows[1].window.end + DAY  # the third day ended today: its labels have until tomorrow
    assert assess(windows, at=at).status is Status.QUIET


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_is_no_number_is_unknown(value):
    assert assess(days(BAD, BAD, value)).status is Status.UNKNOWN
    assert assess(days(BAD, BAD, value, BAD)).status is Status.FIRED


def test_few_labelled_rows_are_unknown():
    thin = [LabelledWindow(w.window, 299, 299, w.metrics) for w in days(BAD, BAD, BAD)]
    assert assess(thin).status is Status.UNKNOWN
    assert assess(thin, min_rows=299).status is Status.FIRED


def test_a_metric_that_nobody_measures_is_unknown_not_a_crash():
    assert assess(days(BAD, BAD, BAD), metric="roc_auc").status is Status.UNKNOWN


def test_hysteresis_keeps_a_window_in_violation_until_the_metric_is_clearly_back():
    flickering = [0.849, 0.851, 0.849]
    assert violation_flags(rule(), flickering) == [True, False, True]
    assert violation_flags(rule(hysteresis=0.01), flickering) == [True, True, True]
    assert violation_flags(rule(hysteresis=0.01), [0.849, 0.86, 0.851]) == [True, False, False]
    assert violation_flags(rule(hysteresis=0.01), [0.849, 0.856]) == [True, True]
    loss = rule(metric="log_loss", threshold=0.6, hysteresis=0.01)
    assert violation_flags(loss, [0.61, 0.594, 0.59]) == [True, True, False]
    assert assess(days(*flickering), hysteresis=0.01).status is Status.FIRED


@pytest.mark.parametrize(
    ("values", "changes", "status", "window", "reason"),
    [
        (
            (BAD, BAD, BAD, BAD),
            {},
            Status.FIRED,
            "2013-01-10T00:00Z/1440m",
            f"accuracy violated in 4 windows in a row: 0.8, 0.8, 0.8, 0.8 {AGAINST}",
        ),
        (
            (BAD, BAD, GOOD, BAD, GOOD, BAD),
            {"violations": 3, "out_of": 5},
            Status.FIRED,
            "2013-01-12T00:00Z/1440m",
            f"accuracy violated in 3 of the last 5 windows: 0.8, 0.9, 0.8, 0.9, 0.8 {AGAINST}",
        ),
        (
            (BAD, GOOD, BAD),
            {"violations": 2, "out_of": 5},
            Status.FIRED,
            "2013-01-09T00:00Z/1440m",
            f"accuracy violated in 2 of the last 3 windows: 0.8, 0.9, 0.8 {AGAINST}",
        ),
        (
            (GOOD, BAD, BAD),
            {},
            Status.QUIET,
            "2013-01-09T00:00Z/1440m",
            f"accuracy 0.8 {AGAINST}; 2 violations in a row, 3 would fire",
        ),
        (
            (GOOD, None),
            {},
            Status.WARN,
            "2013-01-08T00:00Z/1440m",
            "2013-01-08T00:00Z/1440m: 0 of 1000 rows have a label, below 90%; nothing estimates it",
        ),
    ],
)
def test_every_answer_says_of_which_window_and_why(values, changes, status, window, reason):
    decision = assess(days(*values), **changes)
    assert (decision.status, decision.window, decision.reason) == (status, window, reason)
    assert (decision.trigger, decision.priority) == ("performance_degradation", "critical")


@pytest.mark.parametrize("changes", [{}, {"violations": 3, "out_of": 5}])
def test_before_any_window_is_mature_there_is_no_window_to_name(changes):
    decision = assess([], at=START, **changes)
    assert (decision.status, decision.window) == (Status.UNKNOWN, None)
    assert decision.reason == "no mature window of accuracy yet"


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (0.8499, "0.8499, which violates the limit 0.85"),
        (0.85, "0.85, which keeps the limit 0.85"),
    ],
)
def test_an_estimate_is_told_with_what_it_would_mean(estimate, said):
    decision = assess(days(GOOD, None, estimates={"accuracy": estimate}))
    assert decision.status is Status.WARN
    assert decision.reason.endswith(
        f"0 of 1000 rows have a label, below 90%; estimated from scores: {said}"
    )


@given(st.lists(st.sampled_from([GOOD, BAD, None, "empty"]), min_size=1, max_size=14))
def test_dropping_the_unjudged_windows_changes_nothing_about_firing(values):
    judged = [v for v in values if v in (GOOD, BAD)]
    fired = assess(days(*values)).status is Status.FIRED
    assert fired == (judged[-3:] == [BAD] * 3)


def test_positives_that_mature_later_than_negatives_are_no_degradation():
    """A champion that is right on every positive and on 80 % of the negatives: 90 % in all.

    Negatives get their label after 2 h, positives after 20 h. A day judged at its end knows mostly
    negatives and looks like 80 %; only days whose labels all had their time tell the truth.
    """
    rng = np.random.default_rng(8)
    n = 50_000
    hours = np.sort(rng.uniform(0, 24 * 20, n))
    label = rng.random(n) < 0.5
    is_right = np.where(label, rng.random(n) < 1.0, rng.random(n) < 0.8)
    known_at = hours + np.where(label, 20, 2)

    def summarise(at_hour):
        windows = []
        for k in range(int(at_hour // 24) + 1):
            rows = (hours >= 24 * k) & (hours < 24 * (k + 1)) & (hours <= at_hour)
            known = rows & (known_at <= at_hour)
            metrics = {"accuracy": float(is_right[known].mean())} if known.any() else {}
            window = Window(START + k * DAY, START + (k + 1) * DAY)
            windows.append(LabelledWindow(window, int(rows.sum()), int(known.sum()), metrics))
        return windows

    naive = mature = 0
    for hour in range(24, 24 * 20):
        at, windows = START + timedelta(hours=hour), summarise(hour)
        decision = assess(windows, at=at, consecutive_violations=1)
        assert decision.status is not Status.FIRED
        mature += decision.status is Status.QUIET
        premature = [LabelledWindow(w.window, w.labelled, w.labelled, w.metrics) for w in windows]
        naive += (
            assess(premature, at=at, maturity=timedelta(0) - DAY, consecutive_violations=1).status
            is Status.FIRED
        )
    assert mature > 400
    assert naive > 100
