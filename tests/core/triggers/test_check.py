"""A check as a step of the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.drift import Drift
from pipeline.core.triggers.check import Fate, plan_check
from pipeline.core.triggers.check_report import (
    check_json,
    outcome,
    render_check,
    render_check_markdown,
)
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.labelled import LabelRules
from pipeline.core.triggers.ledger import Ledger, RetrainState
from pipeline.core.triggers.retrains import claim_run, mark_dispatched, mark_proposed
from pipeline.core.triggers.rules import Observation
from pipeline.trigger_config import TriggerConfig, TriggerName, Triggers

AT = datetime(2013, 6, 3, 12, tzinfo=UTC)
CONFIG = TriggerConfig(retraining_triggers=Triggers())
OLD, NEW, OTHER = ("sha256:" + letter * 64 for letter in "abc")


def fired(trigger: TriggerName = "data_drift", window: str = "w1") -> TriggerDecision:
    return TriggerDecision(trigger, Status.FIRED, "high", f"{trigger} fired", window)


def quiet() -> TriggerDecision:
    return TriggerDecision("concept_drift", Status.QUIET, "critical", "nothing", "w1")


def check(ledger: Ledger, *decisions: TriggerDecision, **changes):
    options = {"model": "flights", "champion": OLD, "at": AT} | changes
    return plan_check(ledger, decisions, CONFIG, **options)


def test_what_fired_becomes_one_retrain_with_its_causes() -> None:
    plan = check(Ledger(), quiet(), fired("data_drift"), fired("new_data_volume", "1x1000"))
    assert plan.dispatch is not None
    assert plan.dispatch.id == "flights-0001"
    assert [event.trigger for event in plan.causes] == ["data_drift", "new_data_volume"]
    assert "flights-0001 is due (attempt 1): data_drift, new_data_volume." in outcome(plan)


def test_the_same_check_again_changes_nothing() -> None:
    first = check(Ledger(), fired())
    again = check(first.ledger, fired(), at=AT + timedelta(minutes=1))
    assert again.ledger == first.ledger
    assert again.dispatch is None
    assert outcome(again) == "No retrain is due."


def test_programs_are_told_what_was_seen_and_decided() -> None:
    plan = check(Ledger(), fired())
    drift = Drift(0.3, 0.2, 9_000.0, 900.0, True, (), 0.25, 0.125)
    seen = Observation(LabelRules(AT, timedelta(0), 0.9), drifts={"temp": drift}, new_rows=7)
    value = check_json(plan, seen, model="flights", champion=OLD, data_faults=["stale feed"])
    assert value["outcome"] == outcome(plan)
    assert (value["retrain"], value["at"]) == ("flights-0001", AT)
    assert [cause["trigger"] for cause in value["causes"]] == ["data_drift"]
    told = {"psi": 0.3, "limit": 0.2, "is_drifted": True, "ks": 0.25, "js": 0.125, "n": 900.0}
    assert value["drift"] == {"temp": {**told, "bins": []}}
    assert (value["new_rows"], value["data_faults"]) == (7, ["stale feed"])


def test_broken_data_records_no_drift_but_the_calendar_waits() -> None:
    faults = ("temp: 80.0% missing, 1.0% in the reference",)
    calendar = fired("scheduled_retrain", "2013-06-02T06:00:00Z")
    held = check(Ledger(), fired(), calendar, data_faults=faults)
    assert held.dispatch is None
    assert [event.trigger for event in held.ledger.events] == ["scheduled_retrain"]
    assert "waits: the data is broken: temp" in outcome(held)
    mended = check(held.ledger, quiet())
    assert mended.dispatch is not None
    assert [event.trigger for event in mended.causes] == ["scheduled_retrain"]


def test_a_dispatch_that_was_lost_is_dispatched_again_and_not_while_data_is_broken() -> None:
    planned = check(Ledger(), fired()).ledger
    late = AT + CONFIG.recovery.dispatch_timeout
    again = check(planned, quiet(), at=late)
    assert again.dispatch is not None
    assert (again.dispatch.id, again.dispatch.attempt) == ("flights-0001", 1)
    assert [event.trigger for event in again.causes] == ["data_drift"]
    assert check(planned, quiet(), at=late, data_faults=("stale feed",)).dispatch is None


def test_broken_data_uses_up_no_attempt_of_a_retrain_that_hangs() -> None:
    ledger = check(Ledger(), fired()).ledger
    for hours in range(1, 50):
        late = AT + timedelta(hours=hours)
        plan = check(ledger, quiet(), at=late, data_faults=("stale feed",))
        assert (plan.ledger, plan.dispatch) == (ledger, None)
    mended = check(ledger, quiet(), at=AT + timedelta(hours=50))
    assert mended.dispatch is not None
    assert mended.dispatch.attempt == 1
    assert [event.trigger for event in mended.causes] == ["data_drift"]


def test_the_check_of_another_model_leaves_a_retrain_that_hangs_to_its_own_check() -> None:
    ledger = mark_dispatched(check(Ledger(), fired()).ledger, "flights-0001", AT)
    late = AT + CONFIG.recovery.start_timeout
    other = check(ledger, quiet(), model="trains", at=late)
    assert (other.ledger, other.dispatch) == (ledger, None)
    own = check(other.ledger, quiet(), at=late)
    assert own.dispatch is not None
    assert (own.dispatch.id, own.dispatch.attempt) == ("flights-0001", 2)


def proposed() -> Ledger:
    ledger = mark_dispatched(check(Ledger(), fired()).ledger, "flights-0001", AT)
    ledger = claim_run(ledger, "flights-0001", "7", AT)[0]
    return mark_proposed(ledger, "flights-0001", "7", AT)


def test_a_proposal_has_won_once_its_challenger_serves() -> None:
    merged = Fate(merged={"flights-0001": NEW})
    rolling = check(proposed(), quiet(), fate=merged).ledger.retrains[0]
    assert rolling.state is RetrainState.PROPOSED
    (won,) = check(proposed(), quiet(), champion=NEW, fate=merged).ledger.retrains
    assert (won.state, won.note) == (RetrainState.WON, f"{NEW} serves")


def test_a_proposal_is_evaluated_again_when_another_champion_serves_than_its_challenger() -> None:
    back = check(proposed(), quiet(), champion=NEW, fate=Fate(merged={"flights-0000": NEW}))
    (again,) = back.ledger.retrains
    assert (again.state, again.attempt) == (RetrainState.PLANNED, 0)
    assert (again.champion, again.note) == (NEW, f"{NEW} serves by now")
    late = AT + CONFIG.recovery.dispatch_timeout
    due = check(back.ledger, quiet(), champion=NEW, at=late, fate=Fate(merged={}))
    assert due.dispatch is not None
    assert (due.dispatch.id, due.dispatch.attempt) == ("flights-0001", 1)
    ledger = claim_run(due.ledger, "flights-0001", "8", late)[0]
    ledger = mark_proposed(ledger, "flights-0001", "8", late)
    assert check(ledger, quiet(), champion=NEW, at=late, fate=Fate(merged={})).ledger == ledger


@pytest.mark.parametrize("merged", [{"flights-0001": OTHER}, None])
def test_a_proposal_that_is_being_rolled_out_or_not_looked_at_waits(merged) -> None:
    ledger = proposed()
    assert check(ledger, quiet(), champion=NEW, fate=Fate(merged=merged)).ledger == ledger


def test_a_proposal_that_was_rolled_back_has_lost_and_the_next_news_starts_a_retrain() -> None:
    ledger = mark_dispatched(check(Ledger(), fired()).ledger, "flights-0001", AT)
    ledger = claim_run(ledger, "flights-0001", "7", AT)[0]
    ended = Fate(ended={"flights-0001": "RolledBack: error rate"})
    assert check(ledger, quiet(), fate=ended).ledger == ledger  # it still trains
    ledger = mark_proposed(ledger, "flights-0001", "7", AT)
    assert check(ledger, quiet(), fate=Fate(ended={"flights-0000": "Aborted"})).ledger == ledger
    settled = check(ledger, quiet(), at=AT + timedelta(days=1), fate=ended).ledger
    (lost,) = settled.retrains
    assert (lost.state, lost.note) == (RetrainState.LOST, ended.ended["flights-0001"])
    plan = check(settled, fired(window="w9"), at=AT + timedelta(days=9), fate=ended)
    assert plan.dispatch == plan.ledger.retrains[1]


def test_another_champion_while_a_run_trains_settles_nothing() -> None:
    ledger = claim_run(check(Ledger(), fired()).ledger, "flights-0001", "7", AT)[0]
    assert check(ledger, quiet(), champion=NEW).ledger.retrains[0].state is RetrainState.RUNNING


def test_news_joins_an_open_retrain() -> None:
    ledger = check(Ledger(), fired()).ledger
    plan = check(ledger, fired("concept_drift", "w9"))
    assert plan.dispatch is None
    assert outcome(plan) == "The causes join retrain flights-0001, which is PLANNED."


@pytest.mark.parametrize("hostile", ["| a |\n# x", "@all <img src=x>", "${{ secrets.X }}"])
def test_reasons_are_shown_and_never_obeyed(hostile: str) -> None:
    plan = check(Ledger(), replace(quiet(), reason=hostile))
    markdown = render_check_markdown(plan, model="flights", at=AT)
    assert hostile not in markdown
    assert markdown.count("\n|") == 3  # the head, the rule and one row
    assert len(render_check(plan).splitlines()) == 3
