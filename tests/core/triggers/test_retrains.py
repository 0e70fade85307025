"""The life of a retrain, and a storm: many events, two runners, one killed between its steps."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.triggers.ledger import (
    Event,
    Ledger,
    Retrain,
    RetrainState,
    causes_of,
    pending_events,
    record,
)
from pipeline.core.triggers.retrains import (
    claim_run,
    fail_run,
    find_retrain,
    is_asked_again,
    mark_dispatched,
    mark_proposed,
    plan_retrain,
    recover,
    reopen,
    settle,
)
from pipeline.errors import ConfigurationError, GateRefused
from pipeline.trigger_config import DEFAULT_PRIORITIES, TRIGGER_NAMES, Pacing, Recovery

MODEL, CHAMPION = "flight-delay", "sha256:a"
AT = datetime(2013, 7, 2, 3, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PACING = Pacing()
RECOVERY = Recovery()
SIX = [
    Event(MODEL, CHAMPION, name, "2013-07-01T02:00:00Z", DEFAULT_PRIORITIES[name], name, AT)
    for name in TRIGGER_NAMES
]
DRIFT = SIX[2]
STATES = RetrainState


def plan(ledger, at=AT, champion=CHAMPION, **more):
    return plan_retrain(ledger, PACING, model=MODEL, champion=champion, at=at, **more)


def ledger_with(*events):
    return record(Ledger(), events)


def in_state(state):
    """A ledger whose only retrain is in `state`, reached by the steps themselves."""
    ledger = plan(ledger_with(*SIX)).ledger
    name = ledger.retrains[0].id
    if state is not STATES.PLANNED:
        ledger = mark_dispatched(ledger, name, AT)
    if state not in (STATES.PLANNED, STATES.DISPATCHED):
        ledger, _ = claim_run(ledger, name, "run-1", AT)
    if state not in (STATES.PLANNED, STATES.DISPATCHED, STATES.RUNNING):
        ledger = mark_proposed(ledger, name, "run-1", AT)
    if not state.is_open:
        ledger = settle(ledger, name, state, AT)
    return ledger, name


def test_all_pending_events_become_one_retrain_with_the_highest_priority_first():
    found = plan(ledger_with(*reversed(SIX)))
    assert found.dispatch is not None
    assert found.dispatch.id == "flight-delay-0001"
    causes = causes_of(found.ledger, found.dispatch.id)
    assert [c.trigger for c in causes][:3] == [
        "performance_degradation",
        "concept_drift",
        "data_drift",
    ]
    assert causes[-1].trigger == "scheduled_retrain"
    assert len(causes) == 6


def test_planning_again_plans_nothing():
    once = plan(ledger_with(*SIX)).ledger
    again = plan(record(once, SIX))
    assert again.dispatch is again.joined is again.held is None
    assert again.ledger == once


@pytest.mark.parametrize("state", [s for s in STATES if s.is_open])
def test_a_new_event_joins_the_retrain_that_is_open(state):
    ledger, name = in_state(state)
    found = plan(record(ledger, [replace(DRIFT, window="later")]), at=AT + HOUR)
    assert found.dispatch is None
    assert found.joined.id == name
    assert len(causes_of(found.ledger, name)) == 7


def test_held_events_stay_pending_and_start_one_retrain_when_the_time_is_up():
    ledger, _ = in_state(STATES.WON)
    ledger = record(ledger, [replace(DRIFT, window=f"day {k}") for k in range(5)])
    held = plan(ledger, at=AT + HOUR)
    assert "cooldown" in held.held
    assert len(pending_events(held.ledger, MODEL)) == 5
    started = plan(held.ledger, at=AT + DAY)
    assert started.dispatch.id == "flight-delay-0002"
    assert len(causes_of(started.ledger, started.dispatch.id)) == 5


def test_a_manual_request_is_not_held_and_takes_the_other_causes_along():
    ledger, _ = in_state(STATES.LOST)
    ask = replace(SIX[5], window="run-9")
    started = plan(record(ledger, [replace(DRIFT, window="later"), ask]), at=AT + HOUR)
    assert started.held is None
    assert len(causes_of(started.ledger, started.dispatch.id)) == 2


def test_broken_data_train_nothing_not_even_on_request():
    found = plan(ledger_with(*SIX), data_faults=("distance: 80% missing",))
    assert found.dispatch is None
    assert found.held == "the data is broken: distance: 80% missing"
    assert len(pending_events(found.ledger, MODEL)) == 6


def test_events_about_a_past_champion_start_nothing():
    found = plan(ledger_with(DRIFT), champion="sha256:b")
    assert found.dispatch is None
    assert found.ledger.events[0].superseded_by == "sha256:b"


def test_models_do_not_touch_each_other():
    ledger, _ = in_state(STATES.RUNNING)
    other = replace(DRIFT, model="other", champion="sha256:z")
    found = plan_retrain(record(ledger, [other]), PACING, model="other", champion="sha256:z", at=AT)
    assert (found.dispatch.id, found.dispatch.champion) == ("other-0001", "sha256:z")


def test_only_the_first_run_of_a_retrain_may_train():
    ledger, name = in_state(STATES.DISPATCHED)
    ledger, first = claim_run(ledger, name, "run-1", AT)
    same, again = claim_run(ledger, name, "run-1", AT + HOUR)
    _, second = claim_run(ledger, name, "run-2", AT + HOUR)
    assert (first, again, second) == (True, True, False)
    assert same == ledger


@pytest.mark.parametrize("state", [s for s in STATES if not s.is_open] + [STATES.PROPOSED])
def test_a_retrain_that_is_past_training_cannot_be_claimed(state):
    ledger, name = in_state(state)
    assert claim_run(ledger, name, "run-2", AT) == (ledger, False)


def test_every_step_taken_twice_changes_nothing():
    ledger, name = in_state(STATES.PLANNED)
    steps = [
        lambda x: mark_dispatched(x, name, AT),
        lambda x: claim_run(x, name, "run-1", AT)[0],
        lambda x: mark_proposed(x, name, "run-1", AT),
        lambda x: settle(x, name, STATES.WON, AT),
    ]
    for step in steps:
        changed = step(ledger)
        assert changed != ledger
        assert step(changed) == changed
        ledger = changed
    assert mark_dispatched(ledger, name, AT) == ledger


def test_every_step_notes_its_moment_and_keeps_what_was_known():
    ledger, name = in_state(STATES.PLANNED)
    moments = [AT + k * MINUTE for k in range(1, 5)]
    steps = [
        lambda x, at: mark_dispatched(x, name, at),
        lambda x, at: claim_run(x, name, "run-1", at)[0],
        lambda x, at: mark_proposed(x, name, "run-1", at),
        lambda x, at: settle(x, name, STATES.WON, at),
    ]
    for step, at in zip(steps, moments, strict=True):
        ledger = step(ledger, at)
        found = find_retrain(ledger, name)
        assert (found.changed_at, found.planned_at, found.note) == (at, AT, "")
    assert (found.run, found.attempt) == ("run-1", 1)


def test_a_step_of_one_retrain_leaves_every_other_as_it_is():
    ledger, first = in_state(STATES.WON)
    ledger = plan(record(ledger, [replace(DRIFT, window="later")]), at=AT + DAY).ledger
    before, second = ledger.retrains
    ledger = mark_dispatched(ledger, second.id, AT + DAY)
    assert ledger.retrains[0] == before == find_retrain(ledger, first)
    assert ledger.retrains[1] == replace(second, state=STATES.DISPATCHED)


@pytest.mark.parametrize("state", [STATES.RUNNING, STATES.PROPOSED])
def test_a_retrain_that_is_given_up_says_when_and_after_what(state):
    ledger, name = in_state(state)
    late = AT + 30 * DAY
    given_up = Recovery(max_attempts=1)
    found = find_retrain(recover(ledger, MODEL, CHAMPION, late, given_up)[0], name)
    assert (found.state, found.changed_at) == (STATES.ABANDONED, late)
    assert found.note.startswith(f"{state} for ")
    assert found.run == (None if state is STATES.RUNNING else "run-1")


def test_a_run_that_failed_leaves_the_retrain_free_with_the_reason():
    ledger, name = in_state(STATES.RUNNING)
    found = find_retrain(fail_run(ledger, name, "run-1", AT + HOUR, RECOVERY), name)
    assert (found.changed_at, found.run, found.note) == (AT + HOUR, None, "run run-1 failed")


def test_a_refusal_says_who_holds_the_retrain_and_why_not():
    ledger, name = in_state(STATES.RUNNING)
    with pytest.raises(GateRefused) as refused:
        mark_proposed(ledger, name, "run-2", AT)
    assert str(refused.value) == (
        f"ledger: {name} is RUNNING (run run-1): run run-2 cannot propose it. Stop this run: "
        "another one holds the retrain, or it has ended."
    )
    with pytest.raises(GateRefused, match="it cannot be evaluated again"):
        reopen(in_state(STATES.LOST)[0], name, AT, "the champion moved on")


def test_a_run_that_lost_its_claim_can_neither_propose_nor_settle_nor_fail_the_retrain():
    ledger, name = in_state(STATES.RUNNING)
    late = AT + RECOVERY.run_timeout
    ledger, _ = recover(ledger, MODEL, CHAMPION, late, RECOVERY)
    ledger, is_mine = claim_run(ledger, name, "run-2", late + HOUR)
    assert is_mine
    with pytest.raises(GateRefused, match="Stop this run"):
        mark_proposed(ledger, name, "run-1", AT)
    with pytest.raises(GateRefused, match="Stop this run"):
        settle(ledger, name, STATES.LOST, AT, run="run-1")
    assert fail_run(ledger, name, "run-1", AT, RECOVERY) == ledger


def test_an_outcome_is_final():
    ledger, name = in_state(STATES.WON)
    with pytest.raises(GateRefused, match="cannot become LOST"):
        settle(ledger, name, STATES.LOST, AT)
    with pytest.raises(GateRefused, match="cannot become PLANNED"):
        settle(in_state(STATES.RUNNING)[0], name, STATES.PLANNED, AT)


def test_an_unknown_retrain_is_an_error_that_says_what_to_do():
    with pytest.raises(ConfigurationError, match="there is none yet"):
        find_retrain(Ledger(), "flight-delay-0009")


def test_an_unknown_retrain_is_told_with_the_newest_five_that_are_known():
    known = [Retrain(f"m-{k}", "m", CHAMPION, STATES.WON, AT, AT) for k in range(7)]
    with pytest.raises(ConfigurationError) as refused:
        find_retrain(Ledger(retrains=tuple(known)), "m-9")
    assert "expected one such as m-2, m-3, m-4, m-5, m-6. " in str(refused.value)


@pytest.mark.parametrize(
    ("state", "limit", "attempt"),
    [
        (STATES.PLANNED, RECOVERY.dispatch_timeout, 1),  # never dispatched, as far as is known
        (STATES.DISPATCHED, RECOVERY.start_timeout, 2),
        (STATES.RUNNING, RECOVERY.run_timeout, 2),
    ],
)
def test_a_step_that_hangs_is_tried_again_from_its_timeout_on(state, limit, attempt):
    ledger, name = in_state(state)
    assert recover(ledger, MODEL, CHAMPION, AT + limit - timedelta(seconds=1), RECOVERY) == (
        ledger,
        None,
    )
    changed, again = recover(ledger, MODEL, CHAMPION, AT + limit, RECOVERY)
    assert again == find_retrain(changed, name)
    assert (again.state, again.attempt, again.run) == (STATES.PLANNED, attempt, None)
    assert len(causes_of(changed, name)) == 6


def test_only_the_models_own_retrain_is_recovered_whatever_stands_before_it():
    def hanging(model, state):
        return Retrain(f"{model}-0001", model, CHAMPION, state, AT, AT)

    retrains = (
        hanging("one", STATES.WON),
        hanging("waiting", STATES.PROPOSED),
        hanging("two", STATES.RUNNING),
        replace(hanging("one", STATES.PLANNED), id="one-0002"),
    )
    ledger, again = recover(Ledger(retrains=retrains), "one", CHAMPION, AT + 30 * DAY, RECOVERY)
    assert again == ledger.retrains[3]
    assert (again.id, again.attempt) == ("one-0002", 1)
    assert ledger.retrains[:3] == retrains[:3]
    assert recover(ledger, "none", CHAMPION, AT + 30 * DAY, RECOVERY) == (ledger, None)


def test_after_too_many_tries_it_is_given_up():
    ledger, name = in_state(STATES.DISPATCHED)
    for k in range(1, RECOVERY.max_attempts + 1):
        ledger, again = recover(ledger, MODEL, CHAMPION, AT + k * DAY, RECOVERY)
        assert bool(again) == (k < RECOVERY.max_attempts)
        ledger = mark_dispatched(ledger, name, AT + k * DAY)
    assert find_retrain(ledger, name).state is STATES.ABANDONED
    assert "attempt 3" in find_retrain(ledger, name).note


def test_a_dispatch_that_fails_for_days_uses_up_no_attempt():
    ledger, name = in_state(STATES.PLANNED)
    for hour in range(1, 100):
        ledger, again = recover(ledger, MODEL, CHAMPION, AT + hour * HOUR, RECOVERY)
        assert (again.id, again.attempt, again.changed_at) == (name, 1, AT + hour * HOUR)
        assert recover(ledger, MODEL, CHAMPION, AT + hour * HOUR, RECOVERY) == (ledger, None)


def test_as_many_runs_crash_as_there_are_attempts_before_it_is_given_up():
    ledger, name = in_state(STATES.RUNNING)
    for k in range(1, RECOVERY.max_attempts):
        ledger = fail_run(ledger, name, f"run-{k}", AT + k * HOUR, RECOVERY)
        ledger, again = recover(ledger, MODEL, CHAMPION, AT + (k + 0.5) * HOUR, RECOVERY)
        assert again.attempt == k + 1
        ledger, is_ours = claim_run(ledger, name, f"run-{k + 1}", AT + (k + 0.5) * HOUR)
        assert is_ours
    ledger = fail_run(ledger, name, f"run-{RECOVERY.max_attempts}", AT + DAY, RECOVERY)
    assert find_retrain(ledger, name).state is STATES.ABANDONED


def test_a_run_that_reports_its_crash_is_tried_again_at_once():
    ledger, name = in_state(STATES.RUNNING)
    ledger = fail_run(ledger, name, "run-1", AT + HOUR, RECOVERY)
    assert (find_retrain(ledger, name).state, find_retrain(ledger, name).attempt) == (
        STATES.PLANNED,
        2,
    )


def test_a_proposal_waits_for_people_and_is_given_up_in_the_end():
    ledger, name = in_state(STATES.PROPOSED)
    assert recover(ledger, MODEL, CHAMPION, AT + 13 * DAY, RECOVERY) == (ledger, None)
    ledger, again = recover(ledger, MODEL, CHAMPION, AT + 14 * DAY, RECOVERY)
    assert again is None
    assert find_retrain(ledger, name).state is STATES.ABANDONED


class Store:
    """A ledger in git: a write succeeds only on the version that was read."""

    def __init__(self):
        self.ledger, self.version = Ledger(), 0

    def push(self, read_version, ledger):
        if read_version != self.version:
            return False
        self.ledger, self.version = ledger, self.version + 1
        return True


def change(store, step):
    """Read, change, push; on rejection again. Yields between any two steps, to be killed there."""
    while True:
        version, ledger = store.version, store.ledger
        yield
        changed = step(ledger)
        yield
        if store.push(version, changed):
            return


def monitor(store, dispatches, at, events):
    """One run of the monitor: record, plan, push; dispatch; mark. Killed by not being resumed."""
    outbox = []

    def step(ledger):
        outbox.clear()
        ledger, again = recover(ledger, MODEL, CHAMPION, at, RECOVERY)
        found = plan(record(ledger, events), at=at)
        outbox.extend([again] if again else [])
        outbox.extend([found.dispatch] if found.dispatch else [])
        return found.ledger

    yield from change(store, step)
    for retrain in outbox:
        yield
        dispatches.append(retrain.id)
        yield
        yield from change(store, lambda x, name=retrain.id: mark_dispatched(x, name, at))


def finish(runner):
    for _ in runner:
        pass


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from("AB"), min_size=1, max_size=40),
    st.integers(0, 14),
    st.sampled_from("AB"),
    st.lists(st.sampled_from(SIX), min_size=0, max_size=44),
)
def test_a_storm_with_two_runners_and_one_killed_makes_one_retrain_with_all_causes(
    order, killed_after, victim, duplicates
):
    store, dispatches = Store(), []
    storm = [*SIX, *duplicates]  # up to fifty, in any order
    runners = {
        name: monitor(store, dispatches, AT, storm[::step]) for name, step in (("A", 1), ("B", -1))
    }
    taken = {"A": 0, "B": 0}
    for name in order:
        if name == victim and taken[name] >= killed_after:
            continue
        taken[name] += 1
        next(runners[name], None)
    finish(runners["B" if victim == "A" else "A"])  # the other one lives; the victim never returns
    for hours in (1, 2, 4, 5):  # and the monitor runs again, as it does every hour
        finish(monitor(store, dispatches, AT + hours * HOUR, SIX))
        if dispatches:
            break
    trained = set()
    for run, name in enumerate(dispatches):  # each dispatch starts a run; only one may train
        ledger, is_mine = claim_run(store.ledger, name, f"run-{run}", AT + 5 * HOUR)
        store.ledger = ledger
        trained |= {run} if is_mine else set()
    assert len(store.ledger.retrains) == 1
    assert len(trained) == 1
    causes = causes_of(store.ledger, store.ledger.retrains[0].id)
    assert {c.id for c in causes} == {event.id for event in SIX}
    assert pending_events(store.ledger, MODEL) == ()


def test_a_runner_may_be_killed_after_any_of_its_steps():
    """Every step at which one lone runner can die, one after the other, then the next tick."""
    steps = sum(1 for _ in monitor(Store(), [], AT, SIX))
    assert steps >= 6
    for killed_after in range(steps + 1):
        store, dispatches = Store(), []
        for _ in itertools.islice(monitor(store, dispatches, AT, SIX * 8), killed_after):
            pass
        finish(monitor(store, dispatches, AT + 20 * MINUTE, SIX))
        assert set(dispatches) == {"flight-delay-0001"}
        assert len(causes_of(store.ledger, "flight-delay-0001")) == 6


def test_a_proposal_that_is_out_of_date_is_dispatched_again_as_a_first_attempt():
    ledger, name = in_state(STATES.PROPOSED)
    stale = reopen(ledger, name, AT + DAY, "the champion changed")
    reopened = find_retrain(stale, name)
    assert (reopened.note, reopened.run) == ("the champion changed", None)
    assert is_asked_again(reopened)
    assert not is_asked_again(find_retrain(ledger, name))
    assert reopen(stale, name, AT + 2 * DAY, "again", champion="sha256:b") == stale
    moved = reopen(ledger, name, AT + DAY, "the champion changed", champion="sha256:b")
    assert find_retrain(moved, name) == replace(reopened, champion="sha256:b")
    _, none_yet = recover(stale, MODEL, CHAMPION, AT + DAY, RECOVERY)
    assert none_yet is None
    late = AT + DAY + RECOVERY.dispatch_timeout
    ledger, again = recover(stale, MODEL, "sha256:b", late, RECOVERY)
    assert (again.id, again.attempt, again.champion) == (name, 1, "sha256:b")
    assert not is_asked_again(again)
    ledger = mark_dispatched(ledger, name, AT + DAY)
    assert claim_run(ledger, name, "run-2", AT + DAY)[1]


@pytest.mark.parametrize("state", [STATES.PLANNED, STATES.DISPATCHED, STATES.RUNNING])
def test_a_retrain_on_its_way_is_not_reopened(state):
    ledger, name = in_state(state)
    assert reopen(ledger, name, AT + DAY, "note") == ledger


@pytest.mark.parametrize("state", [STATES.WON, STATES.LOST, STATES.ABANDONED])
def test_a_retrain_that_has_ended_is_never_reopened(state):
    ledger, name = in_state(state)
    with pytest.raises(GateRefused, match="cannot be evaluated again"):
        reopen(ledger, name, AT + DAY, "note")
