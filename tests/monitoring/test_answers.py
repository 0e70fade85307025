"""The champion's answers as windows with figures, here answers of the test's own."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from pipeline.adapters.scores import Answers
from pipeline.core.triggers.decision import Status
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules
from pipeline.core.triggers.performance import assess_performance
from pipeline.core.triggers.windows import Window
from pipeline.monitoring.answers import labelled_windows
from pipeline.trigger_config import PerformanceTrigger

DAY = timedelta(days=1)
WINDOW = Window(datetime(2013, 6, 3, tzinfo=UTC), datetime(2013, 6, 4, tzinfo=UTC))
RULES = LabelRules(at=WINDOW.end + DAY, maturity=DAY, min_coverage=0.9)
POSITIVE = {"precision", "recall", "f1"}


def summarised(score: np.ndarray, label: np.ndarray) -> LabelledWindow:
    times = np.full(len(score), np.datetime64("2013-06-03T12:00", "us"))
    (found,) = labelled_windows(Answers(times, score, label), (WINDOW,), 0.5)
    return found


def few_positives() -> tuple[np.ndarray, np.ndarray]:
    """Scores (1000,), and labels of which one in twenty is positive."""
    label = (np.arange(1_000) % 20 == 0).astype(float)
    return np.random.default_rng(0).uniform(0, 0.7, 1_000) + 0.2 * label, label


def test_a_window_has_the_figures_of_the_positive_class_and_the_weighted_ones():
    score, label = few_positives()
    found = summarised(score, label).metrics
    for suffix, average in (("", "binary"), ("_weighted", "weighted")):
        *expected, _ = precision_recall_fscore_support(label, score >= 0.5, average=average)
        names = [f"{name}{suffix}" for name in ("precision", "recall", "f1")]
        assert [found[name] for name in names] == pytest.approx(expected)


def test_the_protocols_f1_score_is_the_weighted_one():
    found = summarised(*few_positives())
    assert found.metrics["f1_score"] == found.metrics["f1_weighted"] != found.metrics["f1"]
    assert found.estimates["f1_score"] == found.estimates["f1_weighted"] != found.estimates["f1"]


def test_rows_without_a_positive_say_nothing_about_the_positive_class():
    score, label = few_positives()
    found = summarised(score, 0 * label).metrics
    assert POSITIVE & set(found) == set()
    assert set(found) >= {"accuracy", "f1_weighted", "f1_score"}


def test_positives_are_counted_among_the_labelled_rows():
    score, label = few_positives()
    assert summarised(score, label).positives == 50
    assert summarised(score, np.where(label, np.nan, label)).positives == 0
    assert summarised(score, np.nan * label).positives == 0


def test_without_labels_the_positive_class_is_estimated_from_the_scores():
    score, label = few_positives()
    found = summarised(score, np.nan * label)
    assert found.metrics == {}
    assert set(found.estimates) >= POSITIVE


@pytest.mark.parametrize(
    ("metric", "status"),
    [("accuracy", Status.QUIET), ("recall_weighted", Status.QUIET), ("recall", Status.FIRED)],
)
def test_a_champion_that_flags_nobody_any_more_is_seen_by_its_recall_alone(metric, status):
    _, label = few_positives()
    window = summarised(np.full(len(label), 0.1), label)
    fields = {"metric": metric, "threshold": 0.3, "window": DAY, "consecutive_violations": 1}
    assert assess_performance(PerformanceTrigger(**fields), [window], RULES).status is status
