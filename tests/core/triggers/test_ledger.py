import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.ledger import (
    Event,
    Ledger,
    Retrain,
    RetrainState,
    calendar_since,
    event_id,
    events_of,
    pending_events,
    record,
    supersede,
    why_not_asked_for,
)
from pipeline.core.triggers.ledger_json import ledger_to_json, parse_ledger
from pipeline.errors import OutsideError
from pipeline.trigger_config import DEFAULT_PRIORITIES, TRIGGER_NAMES

AT = datetime(2013, 7, 2, 3, tzinfo=UTC)
DRIFT = Event("flight-delay", "sha256:a", "data_drift", "w1", "high", "3 features", AT)
MONTH = Event(
    "flight-delay", "sha256:a", "scheduled_retrain", "2013-07-01T02:00:00Z", "low", "due", AT
)
PLANNED = Retrain("flight-delay-0001", "flight-delay", "sha256:a", RetrainState.PLANNED, AT, AT)

texts = st.text(max_size=20)
events = st.builds(
    Event,
    model=texts,
    champion=texts,
    trigger=st.sampled_from(TRIGGER_NAMES),
    window=texts,
    priority=st.sampled_from(sorted(set(DEFAULT_PRIORITIES.values()))),
    reason=texts,
    at=st.datetimes(timezones=st.just(UTC)),
)


@given(st.lists(texts, min_size=4, max_size=4), st.lists(texts, min_size=4, max_size=4))
def test_only_equal_parts_have_equal_ids(one, other):
    assert (event_id(*one) == event_id(*other)) == (one == other)


def test_parts_that_run_together_are_told_apart():
    assert event_id("ab", "c", "t", "w") != event_id("a", "bc", "t", "w")


def test_an_id_is_the_same_on_every_machine_and_whatever_the_reason_or_time():
    assert DRIFT.id == "38b75f6c434e13fc"
    assert replace(DRIFT, reason="other", priority="low", at=AT + timedelta(1)).id == DRIFT.id


def test_only_what_fired_becomes_an_event():
    decisions = [
        TriggerDecision("data_drift", status, "high", "r", window)
        for status in Status
        for window in ("w", None)
    ]
    found = events_of(decisions, model="m", champion="c", at=AT)
    assert found == (Event("m", "c", "data_drift", "w", "high", "r", AT),)


@given(st.lists(events, max_size=6), st.integers(1, 3))
def test_recording_again_changes_nothing(found, times):
    once = record(Ledger(), found)
    assert record(once, found * times) is once
    assert len({e.id for e in once.events}) == len(once.events) == len({e.id for e in found})


def test_fifty_duplicates_are_one_event():
    assert record(Ledger(), [DRIFT] * 50).events == (DRIFT,)


def test_a_consumed_event_is_not_pending_again_when_it_is_seen_again():
    consumed = Ledger((replace(DRIFT, retrain=PLANNED.id),), (PLANNED,))
    assert pending_events(record(consumed, [DRIFT]), "flight-delay") == ()


def test_an_event_cannot_be_recorded_as_consumed():
    (event,) = record(Ledger(), [replace(DRIFT, retrain="forged", superseded_by="x")]).events
    assert event.is_pending


def test_events_about_a_past_champion_are_closed_and_those_about_none_are_kept():
    other = replace(DRIFT, model="other-model")
    ledger = record(Ledger(), [DRIFT, MONTH, other])
    changed = supersede(ledger, "flight-delay", "sha256:b")
    assert pending_events(changed, "flight-delay") == (MONTH,)
    assert pending_events(changed, "other-model") == (other,)
    assert changed.events[0].superseded_by == "sha256:b"
    assert supersede(ledger, "flight-delay", "sha256:a") is ledger


def test_the_calendar_is_served_by_its_last_period_under_whichever_champion():
    trained = datetime(2013, 6, 15, tzinfo=UTC)
    assert calendar_since(Ledger(), "flight-delay", trained) == trained
    ledger = record(Ledger(), [MONTH, replace(MONTH, window="2013-06-01T02:00:00Z")])
    assert calendar_since(ledger, "flight-delay", trained) == datetime(2013, 7, 1, 2, tzinfo=UTC)
    assert calendar_since(ledger, "other", trained) == trained


def test_a_ledger_survives_json_and_shows_ids():
    ledger = Ledger((replace(DRIFT, retrain=PLANNED.id), MONTH), (PLANNED,))
    value = json.loads(json.dumps(ledger_to_json(ledger)))
    assert parse_ledger(value, "ledger.json") == ledger
    assert value["events"][0]["id"] == DRIFT.id
    assert value["events"][0]["at"] == "2013-07-02T03:00:00Z"


@given(st.lists(events, max_size=5))
def test_any_recorded_ledger_survives_json(found):
    ledger = record(Ledger(), found)
    assert parse_ledger(json.loads(json.dumps(ledger_to_json(ledger))), "x") == ledger


def broken(change):
    value = ledger_to_json(Ledger((replace(DRIFT, retrain=PLANNED.id), MONTH), (PLANNED,)))
    change(value)
    with pytest.raises(OutsideError, match="Restore the file from git history") as caught:
        parse_ledger(value, "ledger.json")
    assert str(caught.value).startswith("ledger.json: not a ledger\n  - ")
    return str(caught.value)


def test_a_ledger_that_was_edited_is_refused_with_the_place():
    assert "events.0: id is not that of" in broken(lambda v: v["events"][0].update(window="w2"))
    assert "events.2: recorded twice" in broken(lambda v: v["events"].append(v["events"][0]))
    assert "events.0: retrain 'flight-delay-0001' is not in the ledger" in broken(
        lambda v: v["retrains"].clear()
    )
    assert "retrains.1: id" in broken(lambda v: v["retrains"].append(v["retrains"][0]))
    assert "events.0: time without a zone" in broken(
        lambda v: v["events"][0].update(at="2013-07-02T03:00:00")
    )
    assert "retrains.0: time without a zone" in broken(
        lambda v: v["retrains"][0].update(changed_at="2013-07-02T03:00:00")
    )
    assert "retrains.0.state" in broken(lambda v: v["retrains"][0].update(state="DONE"))
    assert "version 1" in broken(lambda v: v.update(version=2))
    assert "events.0.trigger" in broken(lambda v: v["events"][0].update(trigger="mood"))


def test_of_many_faults_the_first_twenty_are_shown():
    bad = [{"trigger": "mood"}] * 30
    with pytest.raises(OutsideError) as caught:
        parse_ledger({"version": 1, "events": bad}, "ledger.json")
    lines = str(caught.value).splitlines()
    assert lines[0] == "ledger.json: not a ledger"
    assert [line[:4] for line in lines[1:-1]] == ["  - "] * 20


@pytest.mark.parametrize("value", [None, {}, [], "x", {"version": 1, "events": 3}])
def test_what_is_no_ledger_is_refused_and_never_read_as_an_empty_one(value):
    with pytest.raises(OutsideError, match=r"ledger\.json: not a ledger"):
        parse_ledger(value, "ledger.json")


def of_state(state: RetrainState, **changes: str) -> Ledger:
    return Ledger(retrains=(replace(PLANNED, state=state, **changes),))


def why_not(ledger: Ledger, merged: datetime | None = None) -> str | None:
    return why_not_asked_for(ledger, "flight-delay", PLANNED.id, merged=merged)


@pytest.mark.parametrize("state", RetrainState)
def test_only_an_open_retrain_is_waited_for(state):
    said = f"flight-delay-0001 is {state} in the trigger ledger since 2013-07-02"
    assert why_not(of_state(state)) == (None if state.is_open else said)


def test_a_retrain_that_is_not_there_or_of_another_model_is_not_waited_for():
    said = "the trigger ledger has no retrain flight-delay-0001"
    others = (
        Ledger(),
        of_state(RetrainState.PROPOSED, id="flight-delay-0002"),
        of_state(RetrainState.PROPOSED, model="card-fraud"),
    )
    assert [why_not(ledger) for ledger in others] == [said] * 3


def test_a_merge_was_waited_for_until_the_end_that_came_at_its_moment_or_later():
    later = AT + timedelta(seconds=1)
    ended = (RetrainState.LOST, RetrainState.ABANDONED)
    assert [why_not(of_state(state), merged=AT) for state in ended] == [None, None]
    assert all(why_not(of_state(state), merged=later) for state in ended)
    assert why_not(of_state(RetrainState.WON), merged=later) is None
    assert why_not(of_state(RetrainState.PROPOSED), merged=later) is None
