"""The life of a retrain: pure steps on the ledger, each safe to take twice.

    PLANNED -> DISPATCHED -> RUNNING -> PROPOSED -> WON | LOST
       ^______________|__________|__________|
       | lost, tried again: `recover`       '-> ABANDONED (also after too many tries)
       '- the world moved on: `reopen` (from PROPOSED)

The order of the steps is what makes a killed runner harmless: the plan is in the ledger before
anything is dispatched, a dispatch carries the retrain's id, and of several runs of one id only the
first may claim it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipeline.core.triggers.ledger import (
    Ledger,
    Retrain,
    RetrainState,
    open_retrain,
    pending_events,
    supersede,
)
from pipeline.core.triggers.pacing import hold_reason
from pipeline.errors import ConfigurationError, GateRefused
from pipeline.trigger_config import Pacing, Recovery


@dataclass(frozen=True)
class RetrainPlan:
    """The ledger to save, and then: the retrain to dispatch (if any), or why none starts.

    `joined` is the open retrain that took the pending events instead of a new one.
    """

    ledger: Ledger
    dispatch: Retrain | None = None
    joined: Retrain | None = None
    held: str | None = None


def plan_retrain(
    ledger: Ledger,
    pacing: Pacing,
    *,
    model: str,
    champion: str,
    at: datetime,
    data_faults: Sequence[str] = (),
) -> RetrainPlan:
    """Turn all pending events of `model` into one retrain.

    They join an open retrain where there is one. Broken data holds everything. The pacing holds
    all but a manual request, which then takes the other causes along. What is held stays pending.
    """
    ledger = supersede(ledger, model, champion)
    pending = pending_events(ledger, model)
    if not pending:
        return RetrainPlan(ledger)
    if data_faults:
        return RetrainPlan(ledger, held=f"the data is broken: {'; '.join(data_faults)}")
    running = open_retrain(ledger, model)
    if running is not None:
        return RetrainPlan(_consume(ledger, model, running.id), joined=running)
    past = [retrain for retrain in ledger.retrains if retrain.model == model]
    held = hold_reason(pacing, past, at)
    if held is not None and not any(event.trigger == "manual_retrain" for event in pending):
        return RetrainPlan(ledger, held=held)
    name = f"{model}-{len(past) + 1:04d}"
    new = Retrain(name, model, champion, RetrainState.PLANNED, planned_at=at, changed_at=at)
    ledger = replace(ledger, retrains=(*ledger.retrains, new))
    return RetrainPlan(_consume(ledger, model, name), dispatch=new)


def mark_dispatched(ledger: Ledger, retrain: str, at: datetime) -> Ledger:
    """PLANNED becomes DISPATCHED; a retrain that is further already stays as it is."""
    found = find_retrain(ledger, retrain)
    if found.state is not RetrainState.PLANNED:
        return ledger
    return _put(ledger, replace(found, state=RetrainState.DISPATCHED, changed_at=at))


def claim_run(ledger: Ledger, retrain: str, run: str, at: datetime) -> tuple[Ledger, bool]:
    """The first step of a training run: whether `run` is the one that trains this retrain.

    Asking again gives the same answer. A second run of the same retrain is refused: it must stop.
    """
    found = find_retrain(ledger, retrain)
    if found.state in (RetrainState.PLANNED, RetrainState.DISPATCHED):
        found = replace(found, state=RetrainState.RUNNING, run=run, changed_at=at)
        return _put(ledger, found), True
    return ledger, found.state is RetrainState.RUNNING and found.run == run


def mark_proposed(ledger: Ledger, retrain: str, run: str, at: datetime) -> Ledger:
    """RUNNING becomes PROPOSED. Raises GateRefused for a run that has lost its claim."""
    found = find_retrain(ledger, retrain)
    if found.state is RetrainState.PROPOSED and found.run == run:
        return ledger
    if found.state is not RetrainState.RUNNING or found.run != run:
        raise _refusal(found, f"run {run} cannot propose it")
    return _put(ledger, replace(found, state=RetrainState.PROPOSED, changed_at=at))


def reopen(
    ledger: Ledger, retrain: str, at: datetime, note: str, *, champion: str | None = None
) -> Ledger:
    """PROPOSED becomes PLANNED: it is evaluated again, since the world has moved on.

    `recover` dispatches it, as its first attempt, against the `champion` that serves by then. One
    that is PLANNED or on its way already stays as it is. Raises GateRefused for one that has ended.
    """
    found = find_retrain(ledger, retrain)
    if not found.state.is_open:
        raise _refusal(found, "it cannot be evaluated again")
    if found.state is not RetrainState.PROPOSED:
        return ledger
    again = replace(
        found,
        champion=champion or found.champion,
        state=RetrainState.PLANNED,
        changed_at=at,
        attempt=0,
        run=None,
        note=note,
    )
    return _put(ledger, again)


def settle(
    ledger: Ledger,
    retrain: str,
    outcome: RetrainState,
    at: datetime,
    *,
    run: str | None = None,
    note: str = "",
) -> Ledger:
    """End a retrain as WON, LOST or ABANDONED; saying the same again changes nothing.

    A training run gives its `run` and must hold the claim; a merged or closed pull request gives
    none. Raises GateRefused for another outcome than the recorded one.
    """
    found = find_retrain(ledger, retrain)
    if found.state is outcome:
        return ledger
    if outcome.is_open or not found.state.is_open or (run is not None and run != found.run):
        raise _refusal(found, f"it cannot become {outcome} by run {run}")
    return _put(ledger, replace(found, state=outcome, changed_at=at, note=note))


def fail_run(ledger: Ledger, retrain: str, run: str, at: datetime, recovery: Recovery) -> Ledger:
    """A run reports that it crashed: try again, or give up after `max_attempts`.

    A run that does not hold the claim changes nothing.
    """
    found = find_retrain(ledger, retrain)
    if found.state is not RetrainState.RUNNING or found.run != run:
        return ledger
    return _put(ledger, _again(found, at, recovery, _failure_of(run)))


def is_left_by(retrain: Retrain, run: str) -> bool:
    """Whether `run` is the one that failed at it last, and it waits: that run may try again."""
    return retrain.state is RetrainState.PLANNED and retrain.note == _failure_of(run)


def is_asked_again(retrain: Retrain) -> bool:
    """Whether the world has moved on since its proposal, and no new evaluation is on its way."""
    return retrain.state is RetrainState.PLANNED and retrain.attempt == 0


def recover(
    ledger: Ledger, model: str, champion: str, at: datetime, recovery: Recovery
) -> tuple[Ledger, Retrain | None]:
    """The ledger without a retrain of `model` that hangs, and the one to dispatch (again), if any.

    A step counts as lost once it has lasted its timeout or longer. Each call may use up an attempt,
    so only who can dispatch what is returned should ask: the retrains of other models are left to
    the checks of those. One that is PLANNED uses none up: no dispatch of it was confirmed, and a
    run that one started all the same would have claimed it. So a GitHub that is down for days ends
    no retrain. What is tried again is compared with the `champion` that serves now.
    """
    found = open_retrain(ledger, model)
    if found is None:
        return ledger, None
    limit = _timeouts(recovery)[found.state]
    if at - found.changed_at < limit:
        return ledger, None
    lost = f"{found.state} for {limit} or longer (attempt {found.attempt})"
    if found.state is RetrainState.PROPOSED:
        given_up = replace(found, state=RetrainState.ABANDONED, changed_at=at, note=lost)
        return _put(ledger, given_up), None
    if found.state is RetrainState.PLANNED:
        tried = replace(found, changed_at=at, attempt=max(found.attempt, 1), note=lost)
    else:
        tried = _again(found, at, recovery, lost)
    tried = replace(tried, champion=champion)
    return _put(ledger, tried), tried if tried.state.is_open else None


def find_retrain(ledger: Ledger, retrain: str) -> Retrain:
    """The retrain with this id. Raises ConfigurationError where there is none."""
    for found in ledger.retrains:
        if found.id == retrain:
            return found
    known = ", ".join(found.id for found in ledger.retrains[-5:])
    expected = f"expected one such as {known}" if known else "and there is none yet"
    fault = f"no retrain {retrain!r}, {expected}. Fetch the newest ledger and run again"
    raise ConfigurationError("ledger", [fault])


def _timeouts(recovery: Recovery) -> dict[RetrainState, timedelta]:
    return {
        RetrainState.PLANNED: recovery.dispatch_timeout,
        RetrainState.DISPATCHED: recovery.start_timeout,
        RetrainState.RUNNING: recovery.run_timeout,
        RetrainState.PROPOSED: recovery.proposal_timeout,
    }


def _failure_of(run: str) -> str:
    return f"run {run} failed"


def _again(retrain: Retrain, at: datetime, recovery: Recovery, note: str) -> Retrain:
    if retrain.attempt >= recovery.max_attempts:
        return replace(retrain, state=RetrainState.ABANDONED, changed_at=at, run=None, note=note)
    return replace(
        retrain,
        state=RetrainState.PLANNED,
        changed_at=at,
        attempt=retrain.attempt + 1,
        run=None,
        note=note,
    )


def _consume(ledger: Ledger, model: str, retrain: str) -> Ledger:
    events = [
        replace(event, retrain=retrain) if event.model == model and event.is_pending else event
        for event in ledger.events
    ]
    return replace(ledger, events=tuple(events))


def _put(ledger: Ledger, changed: Retrain) -> Ledger:
    retrains = tuple(changed if r.id == changed.id else r for r in ledger.retrains)
    return replace(ledger, retrains=retrains)


def _refusal(found: Retrain, what: str) -> GateRefused:
    return GateRefused(
        f"ledger: {found.id} is {found.state} (run {found.run}): {what}. Stop this run: another "
        "one holds the retrain, or it has ended."
    )
