"""Of many runs one trains, and only for a reason that the ledger knows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.triggers.admission import (
    Admission,
    admit_decided,
    admit_planned,
    decision_of_alert,
)
from pipeline.core.triggers.check import plan_check
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.ledger import Ledger, RetrainState
from pipeline.core.triggers.payload import AlertPayload
from pipeline.core.triggers.retrains import fail_run, settle
from pipeline.errors import ConfigurationError
from pipeline.trigger_config import DataDriftTrigger, Recovery, TriggerConfig, Triggers

AT = datetime(2013, 6, 3, 12, tzinfo=UTC)
DRIFT = DataDriftTrigger(psi_threshold=0.2, affected_features_threshold=3, window=timedelta(days=1))
CONFIG = TriggerConfig(retraining_triggers=Triggers(data_drift=DRIFT))
WORLD = {"model": "flights", "champion": "sha256:" + "a" * 64}
ALERT = AlertPayload("flights", "data_drift", "alert/0123456789abcdef", "PSI 0.4 in 5", AT)


def manual(window: str = "run/7", status: Status = Status.FIRED) -> TriggerDecision:
    return TriggerDecision("manual_retrain", status, "high", "alice asks", window)


def ask(
    ledger: Ledger, *decisions: TriggerDecision, run: str = "7", at: datetime = AT
) -> Admission:
    return admit_decided(ledger, decisions, CONFIG, run=run, at=at, **WORLD)


def planned() -> Ledger:
    return plan_check(Ledger(), [manual()], CONFIG, at=AT, **WORLD).ledger


def test_the_first_of_two_runs_of_one_retrain_trains() -> None:
    first = admit_planned(planned(), "flights-0001", "7", AT)
    assert first.retrain == "flights-0001"
    assert [event.trigger for event in first.causes] == ["manual_retrain"]
    second = admit_planned(first.ledger, "flights-0001", "8", AT)
    assert second.retrain is None
    assert second.reason == "flights-0001 is RUNNING: run 7 has it"
    assert second.ledger == first.ledger
    assert admit_planned(first.ledger, "flights-0001", "7", AT) == first  # a re-run of run 7


def test_a_retrain_that_nobody_planned_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no retrain 'flights-0009'"):
        admit_planned(planned(), "flights-0009", "7", AT)


def test_a_retrain_that_has_ended_is_not_trained_again() -> None:
    ledger = admit_planned(planned(), "flights-0001", "7", AT).ledger
    ended = settle(ledger, "flights-0001", RetrainState.LOST, AT, run="7")
    answer = admit_planned(ended, "flights-0001", "7", AT)
    assert (answer.retrain, answer.reason) == (None, "flights-0001 is LOST: it has ended")


def test_a_person_s_request_is_recorded_and_claimed_in_one_step() -> None:
    answer = ask(Ledger(), manual())
    assert answer.retrain == "flights-0001"
    assert answer.ledger.retrains[0].run == "7"
    again = ask(answer.ledger, manual())
    assert (again.retrain, again.ledger) == (answer.retrain, answer.ledger)


def test_a_run_that_failed_claims_its_retrain_again_and_no_other_run_does() -> None:
    first = ask(Ledger(), manual())
    failed = fail_run(first.ledger, "flights-0001", "7", AT, Recovery())
    assert ask(failed, manual("run/8", Status.QUIET), run="8").retrain is None
    again = ask(failed, manual())
    assert (again.retrain, again.causes) == (first.retrain, first.causes)
    assert again.ledger.retrains[0].state is RetrainState.RUNNING
    given_up = fail_run(failed, "flights-0001", "7", AT, Recovery(max_attempts=1))
    assert given_up == failed  # it holds no claim
    over = fail_run(again.ledger, "flights-0001", "7", AT, Recovery(max_attempts=2))
    assert ask(over, manual()).retrain is None


def test_a_request_without_its_approvals_leaves_no_trace() -> None:
    answer = ask(Ledger(), manual(status=Status.QUIET))
    assert (answer.retrain, answer.ledger) == (None, Ledger())
    assert "alice asks" in answer.reason


def test_an_alert_is_one_event_however_often_it_comes() -> None:
    decision = decision_of_alert(ALERT, CONFIG)
    first = ask(Ledger(), decision)
    assert first.retrain == "flights-0001"
    assert "alert since 2013-06-03 12:00Z: PSI 0.4 in 5" in first.causes[0].reason
    repeat = ask(first.ledger, decision, run="8")
    assert repeat.retrain is None
    assert repeat.ledger == first.ledger
    other = decision_of_alert(replace(ALERT, window="alert/fedcba9876543210"), CONFIG)
    joined = ask(first.ledger, other, run="9")
    assert joined.retrain is None
    assert "join retrain flights-0001" in joined.reason


def test_an_alert_for_a_trigger_that_is_off_does_nothing() -> None:
    off = decision_of_alert(replace(ALERT, trigger="concept_drift"), CONFIG)
    answer = ask(Ledger(), off)
    assert (answer.retrain, answer.ledger) == (None, Ledger())
    assert "off: configs/triggers.yaml does not enable it" in answer.reason


def test_an_alert_waits_out_the_cooldown_and_keeps_its_event() -> None:
    ledger = ask(Ledger(), manual()).ledger
    ledger = settle(ledger, "flights-0001", RetrainState.LOST, AT, run="7")
    early = ask(ledger, decision_of_alert(ALERT, CONFIG), run="8", at=AT + timedelta(hours=1))
    assert early.retrain is None
    assert "cooldown" in early.reason
    later = ask(early.ledger, run="9", at=AT + timedelta(days=2))
    assert later.retrain == "flights-0002"
