"""The trigger ledger as a value: which events happened, and which retrain each one went into.

An event is (model, champion digest, trigger, window); whoever sees it gives it the same id, so it
is recorded once and consumed once. Every function here returns a new ledger. Keeping it safe
against two writers is the store's part: fetch, change, push, and on rejection change again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.trigger_config import PRIORITIES, TRIGGER_NAMES, Priority, TriggerName

# What these say stays true whichever model serves; the others speak of one champion.
CHAMPION_FREE: frozenset[TriggerName] = frozenset({"scheduled_retrain", "manual_retrain"})


@dataclass(frozen=True)
class Event:
    """One firing of a trigger. `retrain` names what consumed it; until then it is pending.

    `superseded_by` is the digest of a later champion: the event says nothing about that one.
    """

    model: str
    champion: str
    trigger: TriggerName
    window: str
    priority: Priority
    reason: str
    at: datetime
    retrain: str | None = None
    superseded_by: str | None = None

    @property
    def id(self) -> str:
        """16 hex digits that the model, the champion, the trigger and the window determine."""
        return event_id(self.model, self.champion, self.trigger, self.window)

    @property
    def is_pending(self) -> bool:
        """Whether the event still waits for a retrain."""
        return self.retrain is None and self.superseded_by is None


class RetrainState(StrEnum):
    """PLANNED, DISPATCHED, RUNNING and PROPOSED are open; the others are how a retrain ends.

    PROPOSED: its pull request waits for people. WON: merged. LOST: the champion stays.
    ABANDONED: tried too often, or nobody decided.
    """

    PLANNED = "PLANNED"
    DISPATCHED = "DISPATCHED"
    RUNNING = "RUNNING"
    PROPOSED = "PROPOSED"
    WON = "WON"
    LOST = "LOST"
    ABANDONED = "ABANDONED"

    @property
    def is_open(self) -> bool:
        """Whether the retrain has yet to end."""
        return self not in (RetrainState.WON, RetrainState.LOST, RetrainState.ABANDONED)


@dataclass(frozen=True)
class Retrain:
    """One retrain: `changed_at` is when it came into `state`, `run` who trains it now."""

    id: str
    model: str
    champion: str
    state: RetrainState
    planned_at: datetime
    changed_at: datetime
    attempt: int = 1
    run: str | None = None
    note: str = ""


@dataclass(frozen=True)
class Ledger:
    """Events and retrains of all models, each in the order in which they were recorded."""

    events: tuple[Event, ...] = ()
    retrains: tuple[Retrain, ...] = ()


def event_id(model: str, champion: str, trigger: str, window: str) -> str:
    """The id of an event: a hash of its four parts, told apart by their JSON quotes."""
    parts = json.dumps([model, champion, trigger, window])
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def events_of(
    decisions: Iterable[TriggerDecision], *, model: str, champion: str, at: datetime
) -> tuple[Event, ...]:
    """An event for each decision that FIRED."""
    return tuple(
        Event(model, champion, d.trigger, d.window, d.priority, d.reason, at)
        for d in decisions
        if d.status is Status.FIRED and d.window is not None
    )


def record(ledger: Ledger, events: Iterable[Event]) -> Ledger:
    """The ledger with `events` in it; one whose id it holds already changes nothing."""
    known = {event.id for event in ledger.events}
    added: dict[str, Event] = {}
    for event in events:
        if event.id not in known:
            added.setdefault(event.id, replace(event, retrain=None, superseded_by=None))
    return replace(ledger, events=(*ledger.events, *added.values())) if added else ledger


def supersede(ledger: Ledger, model: str, champion: str) -> Ledger:
    """Close the pending events that speak of another champion of `model` than `champion`."""

    def is_past(event: Event) -> bool:
        is_of_another = event.model == model and event.champion != champion
        return event.is_pending and is_of_another and event.trigger not in CHAMPION_FREE

    if not any(is_past(event) for event in ledger.events):
        return ledger
    events = [replace(e, superseded_by=champion) if is_past(e) else e for e in ledger.events]
    return replace(ledger, events=tuple(events))


def pending_events(ledger: Ledger, model: str) -> tuple[Event, ...]:
    """The events of `model` that wait for a retrain, highest priority first."""
    return _ranked(e for e in ledger.events if e.model == model and e.is_pending)


def causes_of(ledger: Ledger, retrain: str) -> tuple[Event, ...]:
    """Every event that the retrain with this id answers, highest priority first."""
    return _ranked(event for event in ledger.events if event.retrain == retrain)


def open_retrain(ledger: Ledger, model: str) -> Retrain | None:
    """The retrain of `model` that has yet to end: there is at most one."""
    return next((r for r in ledger.retrains if r.model == model and r.state.is_open), None)


def why_not_asked_for(
    ledger: Ledger, model: str, retrain: str, *, merged: datetime | None = None
) -> str | None:
    """Why the proposal of `retrain` is not one that the ledger waits for; None where it is.

    Of one that was `merged` then, whether it was one just before: WON says so, and so does an end
    at that moment or later.
    """
    found = next((r for r in ledger.retrains if (r.model, r.id) == (model, retrain)), None)
    if found is None:
        return f"the trigger ledger has no retrain {retrain}"
    is_won = merged is not None and found.state is RetrainState.WON
    if found.state.is_open or is_won or (merged is not None and found.changed_at >= merged):
        return None
    return f"{retrain} is {found.state} in the trigger ledger since {found.changed_at:%Y-%m-%d}"


def calendar_since(ledger: Ledger, model: str, trained_at: datetime) -> datetime:
    """Until when the calendar has been served: its last recorded period, or the training.

    Whichever champion the period was recorded under: a new champion makes no period due again.
    """
    periods = [
        datetime.fromisoformat(event.window)
        for event in ledger.events
        if event.model == model and event.trigger == "scheduled_retrain"
    ]
    return max([trained_at, *periods])


def _ranked(events: Iterable[Event]) -> tuple[Event, ...]:
    def rank(event: Event) -> tuple[int, int, str]:
        urgency = PRIORITIES.index(event.priority)
        return urgency, TRIGGER_NAMES.index(event.trigger), event.window

    return tuple(sorted(events, key=rank))
