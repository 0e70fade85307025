"""A second reading of concept drift: did the error rate rise, and did it stay up?"""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.adapters.scores import Answers
from pipeline.core.triggers.windows import Window
from pipeline.monitoring.error_rate import has_error_rate_risen

START = datetime(2013, 6, 1, tzinfo=UTC)


def stream(*rates: float, rows: int = 1500, seed: int = 1) -> Answers:
    """Answers a minute apart, wrong at each of `rates` for `rows` rows."""
    random = np.random.default_rng(seed)
    wrong = np.concatenate([random.random(rows) < rate for rate in rates])
    label = (np.arange(len(wrong)) % 2).astype(float)
    score = np.where(wrong, 1 - label, label) * 0.8 + 0.1
    minutes = np.arange(len(wrong)) * np.timedelta64(1, "m")
    times = np.datetime64(START.replace(tzinfo=None), "us") + minutes
    return Answers(times.astype("datetime64[us]"), score, label)


def few_positives(*misses: float, rows: int = 2000) -> Answers:
    """One answer in twenty is positive, and missed at each of `misses`; 5 % of the others wrong."""
    n = rows * len(misses)
    label = (np.arange(n) % 20 == 0).astype(float)
    wrong = np.random.default_rng(1).random(n) < np.where(label == 1, np.repeat(misses, rows), 0.05)
    times = np.datetime64(START.replace(tzinfo=None), "us") + np.arange(n) * np.timedelta64(1, "m")
    return Answers(times, np.where(wrong, 1 - label, label) * 0.8 + 0.1, label)


def window_of_last(answers: Answers, rows: int = 1500) -> Window:
    end = START + timedelta(minutes=len(answers.score))
    return Window(end - timedelta(minutes=rows), end)


@pytest.mark.parametrize(
    ("detector", "rates", "has_risen"),
    [
        ("adwin", (0.2, 0.2), False),  # DDM calls a change in some even streams: see triggers.yaml
        ("adwin", (0.2, 0.4), True),
        ("ddm", (0.2, 0.4), True),
        ("adwin", (0.2, 0.4, 0.4), True),  # it rose before the window, and stayed up
    ],
)
def test_a_rise_is_seen_and_an_even_rate_is_not(detector, rates, has_risen):
    answers = stream(*rates)
    assert has_error_rate_risen(answers, window_of_last(answers), 0.5, detector) is has_risen


@pytest.mark.parametrize("rates", [(0.4, 0.2), (0.2, 0.4, 0.2)])
def test_a_rate_that_fell_is_no_rise(rates):
    answers = stream(*rates)
    assert not has_error_rate_risen(answers, window_of_last(answers), 0.5, "adwin")


@pytest.mark.parametrize("of_positive", [False, True])
def test_rows_without_labels_are_left_out(of_positive):
    answers = stream(0.2, 0.4)
    blind = Answers(answers.event_time, answers.score, np.full(len(answers.score), np.nan))
    window = window_of_last(answers)
    assert not has_error_rate_risen(blind, window, 0.5, "adwin", of_positive=of_positive)


def test_misses_of_a_small_positive_class_are_seen_among_its_own_rows_alone():
    answers = few_positives(0.2, 0.8)
    window = window_of_last(answers, 2000)
    assert not has_error_rate_risen(answers, window, 0.5, "adwin")
    assert has_error_rate_risen(answers, window, 0.5, "adwin", of_positive=True)


@pytest.mark.parametrize("misses", [(0.2, 0.2), (0.8, 0.2)])
def test_misses_that_stay_or_fall_are_no_rise(misses):
    answers = few_positives(*misses)
    window = window_of_last(answers, 2000)
    assert not has_error_rate_risen(answers, window, 0.5, "adwin", of_positive=True)


def test_what_comes_after_the_window_does_not_count():
    answers = stream(0.2, 0.4)
    early = Window(START, START + timedelta(minutes=1400))
    assert not has_error_rate_risen(answers, early, 0.5, "adwin")
