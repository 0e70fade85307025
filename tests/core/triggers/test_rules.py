from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.config import parse_section
from pipeline.core.drift import psi
from pipeline.core.profile import profile_column
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.labelled import LabelledWindow, LabelRules
from pipeline.core.triggers.manual import Approval, ManualRequest
from pipeline.core.triggers.rules import (
    Observation,
    assess_schedule,
    assess_triggers,
    assess_volume,
)
from pipeline.core.triggers.windows import closed_windows
from pipeline.trigger_config import TRIGGER_NAMES, ScheduledTrigger, TriggerConfig, VolumeTrigger

AT = datetime(2013, 7, 2, 3, tzinfo=UTC)
RULES = LabelRules(AT, timedelta(hours=24), 0.9)
MANY = "10,000 new labelled rows of 10,000"
VOLUME = VolumeTrigger(min_new_samples=10_000, quality_threshold=0.95)
FIELDS = {
    "performance_degradation": {"metric": "accuracy", "threshold": 0.85, "window": "7d"}
    | {"consecutive_violations": 3},
    "data_drift": {"psi_threshold": 0.2, "affected_features_threshold": 3, "window": "24h"},
    "concept_drift": {"accuracy_drop": 0.05, "f1_drop": 0.05, "window": "7d"},
    "scheduled_retrain": {"frequency": "monthly", "day_of_month": 1, "time": "02:00"},
    "new_data_volume": {"min_new_samples": 10_000, "quality_threshold": 0.95},
    "manual_retrain": {"requires_approval": True, "approvers": ("ml_lead",)},
}


def config(off=(), **sections):
    rules = {name: fields | {"enabled": name not in off} for name, fields in FIELDS.items()}
    return parse_section(TriggerConfig, {"retraining_triggers": rules, **sections}, "test")


def everything_is_wrong():
    weeks = closed_windows(AT, timedelta(days=7), count=3, maturity=timedelta(hours=24))
    bad = [LabelledWindow(w, 1_000, 1_000, {"accuracy": 0.7, "f1_weighted": 0.7}) for w in weeks]
    rng = np.random.default_rng(0)
    shifted = psi(profile_column(rng.normal(size=900), kind="number"), rng.normal(2, size=900))
    return Observation(
        RULES,
        performance=tuple(bad),
        concept=tuple(bad),
        holdout={"accuracy": 0.9, "f1_weighted": 0.9},
        has_error_rate_changed=True,
        drift_window=closed_windows(AT, timedelta(days=1), count=1)[0],
        drifts={"a": shifted, "b": shifted, "c": shifted},
        new_rows=12_000,
        quality=0.99,
        calendar_since=datetime(2013, 6, 1, 2, tzinfo=UTC),
        requests=(ManualRequest("1", "ann", "please", None, (Approval("lea", "ml_lead"),)),),
    )


def test_all_six_fire_highest_priority_first():
    decisions = assess_triggers(config(), everything_is_wrong())
    assert [(d.trigger, d.priority) for d in decisions] == [
        ("performance_degradation", "critical"),
        ("concept_drift", "critical"),
        ("data_drift", "high"),
        ("new_data_volume", "medium"),
        ("manual_retrain", "medium"),
        ("scheduled_retrain", "low"),
    ]
    assert {d.status for d in decisions} == {Status.FIRED}
    assert all(d.window and d.reason for d in decisions)


@pytest.mark.parametrize("name", TRIGGER_NAMES)
def test_a_trigger_that_is_off_says_so_and_the_others_still_fire(name):
    decisions = assess_triggers(config(off=(name,)), everything_is_wrong())
    assert {d.trigger for d in decisions if d.status is not Status.FIRED} == {name}
    assert "does not enable it" in next(d.reason for d in decisions if d.trigger == name)


def test_a_trigger_that_is_off_is_quiet_at_its_own_priority():
    decisions = assess_triggers(config(off=("concept_drift",)), everything_is_wrong())
    off = "off: configs/triggers.yaml does not enable it"
    assert TriggerDecision("concept_drift", Status.QUIET, "critical", off) in decisions


def test_knowing_nothing_fires_nothing():
    decisions = assess_triggers(config(), Observation(RULES))
    assert {d.trigger: d.status for d in decisions} == dict.fromkeys(
        TRIGGER_NAMES, Status.UNKNOWN
    ) | {"manual_retrain": Status.QUIET}


def test_configured_priorities_decide_the_order():
    decisions = assess_triggers(
        config(trigger_priorities={"critical": ("scheduled_retrain",), "low": ("concept_drift",)}),
        everything_is_wrong(),
    )
    assert decisions[0].trigger == "performance_degradation"
    assert decisions[1].trigger == "scheduled_retrain"
    assert decisions[-1].trigger == "concept_drift"


@pytest.mark.parametrize("name", TRIGGER_NAMES)
def test_every_answer_carries_the_configured_priority(name):
    urgent = config(trigger_priorities={"critical": (name,)})
    lowly = config(trigger_priorities={"low": (name,)})
    for rules, priority in ((urgent, "critical"), (lowly, "low")):
        for seen in (everything_is_wrong(), Observation(RULES)):
            answers = [d for d in assess_triggers(rules, seen) if d.trigger == name]
            assert {answer.priority for answer in answers} == {priority}


def test_each_request_has_its_own_answer():
    requests = (ManualRequest("1", "ann", "a"), ManualRequest("2", "bob", "b", "high"))
    decisions = assess_triggers(config(), Observation(RULES, requests=requests))
    answers = [d for d in decisions if d.trigger == "manual_retrain"]
    assert [(d.window, d.priority) for d in answers] == [("2", "high"), ("1", "medium")]


def test_without_a_request_it_is_said_that_nobody_asks():
    expected = TriggerDecision("manual_retrain", Status.QUIET, "medium", "nobody asks")
    assert expected in assess_triggers(config(), Observation(RULES))


@pytest.mark.parametrize(
    ("rows", "quality", "status", "reason"),
    [
        (9_999, 1.0, Status.QUIET, "9,999 new labelled rows, 10,000 would fire"),
        (0, None, Status.QUIET, "0 new labelled rows, 10,000 would fire"),
        (None, 1.0, Status.UNKNOWN, "nothing counted the rows since the champion's training"),
        (10_000, 0.95, Status.FIRED, f"{MANY}, quality 0.9500 against 0.95"),
        (10_000, 0.9499, Status.WARN, f"{MANY}, quality 0.9499 against 0.95"),
        (10_000, None, Status.UNKNOWN, f"{MANY}, but nothing measured their quality"),
        (10_000, float("nan"), Status.UNKNOWN, f"{MANY}, but nothing measured their quality"),
    ],
)
def test_volume_needs_enough_rows_of_enough_quality(rows, quality, status, reason):
    window = "1x10000" if reason.startswith(MANY) else None
    expected = TriggerDecision("new_data_volume", status, "medium", reason, window)
    assert assess_volume(VOLUME, rows, quality) == expected


def test_volume_is_one_event_until_the_next_multiple():
    first, still, second = (assess_volume(VOLUME, n, 1.0) for n in (10_000, 19_999, 20_000))
    assert first.window == still.window != second.window


def test_the_calendar_says_when_it_is_due_next():
    rule = parse_section(ScheduledTrigger, FIELDS["scheduled_retrain"], "test")
    due = assess_schedule(rule, AT, datetime(2013, 6, 1, 2, tzinfo=UTC))
    july = "2013-07-01T02:00:00Z"

    def answer(status, reason, window):
        return TriggerDecision("scheduled_retrain", status, "low", reason, window)

    assert due == answer(Status.FIRED, f"due since {july} (monthly, UTC)", july)
    quiet = assess_schedule(rule, AT, datetime(2013, 7, 1, 2, tzinfo=UTC))
    assert quiet == answer(Status.QUIET, "next due 2013-08-01T02:00:00Z", july)
    unknown = "it is not known when the calendar was last served"
    assert assess_schedule(rule, AT, None) == answer(Status.UNKNOWN, unknown, None)
