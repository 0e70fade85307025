from datetime import UTC, datetime, timedelta

import pytest

from pipeline.config import parse_section
from pipeline.core.triggers.conceptdrift import assess_concept_drift
from pipeline.core.triggers.decision import Status
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules
from pipeline.core.triggers.windows import Window
from pipeline.trigger_config import ConceptDriftTrigger

START = datetime(2013, 7, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
HOLDOUT = {"accuracy": 0.85, "f1_weighted": 0.80}


def week(k=0, *, labelled=1_000, **metrics):
    window = Window(START + k * WEEK, START + (k + 1) * WEEK)
    return LabelledWindow(window, 1_000, labelled, metrics)


def assess(*windows, has_changed=True, holdout=HOLDOUT, at=START + 9 * WEEK, **changes):
    fields = {"accuracy_drop": 0.05, "f1_drop": 0.05, "window": "7d"} | changes
    rule = parse_section(ConceptDriftTrigger, fields, "test")
    return assess_concept_drift(
        rule,
        windows,
        LabelRules(at, timedelta(days=1), 0.9),
        holdout=holdout,
        has_error_rate_changed=has_changed,
    )


@pytest.mark.parametrize(
    ("accuracy", "f1", "status"),
    [
        (0.80, 0.80, Status.FIRED),  # 0.85 - 0.80 is 0.0499999… in floats: it is the limit
        (0.85, 0.75, Status.FIRED),
        (0.801, 0.751, Status.QUIET),
        (0.90, 0.90, Status.QUIET),
    ],
)
def test_a_drop_of_either_figure_by_its_limit_fires_and_less_does_not(accuracy, f1, status):
    assert assess(week(accuracy=accuracy, f1_weighted=f1)).status is status


@pytest.mark.parametrize(("f1", "status"), [(0.25, Status.FIRED), (0.26, Status.QUIET)])
def test_the_f1_of_the_positive_class_is_compared_where_the_rule_names_it(f1, status):
    blind = week(accuracy=0.85, f1_weighted=0.10, f1=f1)
    decision = assess(blind, f1_metric="f1", holdout=HOLDOUT | {"f1": 0.30})
    assert decision.status is status
    assert f"f1 0.3000 -> {f1:.4f}" in decision.reason


def test_a_champion_from_before_the_positive_class_was_measured_is_unknown_by_it():
    decision = assess(week(accuracy=0.85, f1_weighted=0.80, f1=0.1), f1_metric="f1")
    assert decision.status is Status.UNKNOWN
    assert decision.reason == "the champion's holdout has no f1"


@pytest.mark.parametrize("limit", ["accuracy_drop", "f1_drop"])
def test_both_limits_are_in_force(limit):
    low = week(accuracy=0.80, f1_weighted=0.75)
    other = {"accuracy_drop": "f1_drop", "f1_drop": "accuracy_drop"}[limit]
    assert assess(low, **{limit: 0.5}).status is Status.FIRED
    assert assess(low, **{limit: 0.5, other: 0.5}).status is Status.QUIET


@pytest.mark.parametrize(
    ("has_changed", "detector", "status"),
    [
        (True, "adwin", Status.FIRED),
        (False, "adwin", Status.WARN),
        (None, "ddm", Status.UNKNOWN),
        (None, "none", Status.FIRED),
    ],
)
def test_a_drop_fires_only_if_the_detector_says_so_too(has_changed, detector, status):
    low = week(accuracy=0.70, f1_weighted=0.70)
    assert assess(low, has_changed=has_changed, detector=detector).status is status


def test_the_detector_alone_fires_nothing():
    assert assess(week(accuracy=0.85, f1_weighted=0.80)).status is Status.QUIET


def test_the_newest_mature_window_decides():
    low, fine = week(0, accuracy=0.7, f1_weighted=0.7), week(1, accuracy=0.9, f1_weighted=0.9)
    assert assess(low, fine).status is Status.QUIET
    early = assess(low, fine, at=START + 2 * WEEK)  # the second week may still get labels
    assert (early.status, early.window) == (Status.FIRED, low.window.id)


def test_without_labels_it_warns_and_with_too_few_rows_it_does_not_know():
    assert assess(week(labelled=899, accuracy=0.1, f1_weighted=0.1)).status is Status.WARN
    thin = LabelledWindow(week().window, 299, 299, {"accuracy": 0.1, "f1_weighted": 0.1})
    assert assess(thin).status is Status.UNKNOWN
    assert assess().status is Status.UNKNOWN


@pytest.mark.parametrize(
    "holdout", [{}, {"accuracy": 0.9}, {"accuracy": 0.9, "f1_weighted": float("nan")}]
)
def test_a_champion_without_its_own_figures_is_unknown_never_a_drop_from_zero(holdout):
    decision = assess(week(accuracy=0.1, f1_weighted=0.1), holdout=holdout)
    assert decision.status is Status.UNKNOWN
    assert "f1_weighted" in decision.reason


def test_a_window_without_a_figure_is_unknown():
    assert assess(week(accuracy=0.1)).status is Status.UNKNOWN


def test_the_reason_shows_both_drops_and_their_limits():
    reason = assess(week(accuracy=0.70, f1_weighted=0.79)).reason
    assert "accuracy 0.8500 -> 0.7000 (drop +0.1500, limit 0.05)" in reason
    assert "f1_weighted 0.8000 -> 0.7900 (drop +0.0100, limit 0.05)" in reason
    assert "adwin sees the error rate change too" in reason


def test_every_answer_says_of_which_week_and_why():
    name = week().window.id
    unlabelled = assess(week(labelled=899, accuracy=0.1, f1_weighted=0.1))
    assert unlabelled.window == name
    assert unlabelled.reason.startswith(f"{name}: ")
    quiet = assess(week(accuracy=0.85, f1_weighted=0.80))
    assert quiet.window == name
    assert quiet.reason == (
        f"{name}: accuracy 0.8500 -> 0.8500 (drop +0.0000, limit 0.05), "
        "f1_weighted 0.8000 -> 0.8000 (drop +0.0000, limit 0.05)"
    )
    early = assess()
    assert (early.reason, early.window) == ("no mature window yet", None)
    alone = assess(week(accuracy=0.7, f1_weighted=0.7), detector="none")
    assert alone.reason.endswith("; no detector is asked")
    assert assess(week(), holdout={}).reason == (
        "the champion's holdout has no accuracy and no f1_weighted"
    )
