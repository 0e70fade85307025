"""How one model is, in a few lines: what the dashboard and nobody else asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pipeline.core.dashboard.facts import ModelFacts, OpenPull, RolloutState, Serving
from pipeline.core.pull.causes import finding_of, shortened, words
from pipeline.core.report.figures import short_digest
from pipeline.core.triggers.ledger import Event, Retrain, RetrainState, open_retrain, pending_events
from pipeline.core.triggers.pacing import hold_reason, lost_in_a_row
from pipeline.core.triggers.schedule import next_moment

T = TypeVar("T")

SHOWN_EVENTS = 5
SHOWN_RETRAINS = 5
MAX_REASON = 160
VOID = "void: another champion came"
INCIDENT = "incident"  # what a line of trouble is about that is no retrain
_MOVING = ("Pending", "Progressing", "Paused", "Baking")  # phases of a rollout under way
_STATES = {
    RetrainState.PLANNED: "is planned",
    RetrainState.DISPATCHED: "was dispatched and has not started yet",
    RetrainState.RUNNING: "is training",
    RetrainState.PROPOSED: "waits for people",
    RetrainState.WON: "won",
    RetrainState.LOST: "lost",
    RetrainState.ABANDONED: "was given up",
}


@dataclass(frozen=True)
class Line:
    """A dated line: `day`, what it is about, and the rest; `code` is an id, "" for none."""

    day: str
    about: str
    text: str
    code: str = ""


@dataclass(frozen=True)
class ModelView:
    """What the template shows; nothing in it is escaped yet. `icon` is of the template's own."""

    model: str
    icon: str
    state: str
    champion: str
    champion_line: str
    next_due: str
    held: str
    rollout: Line | None
    pulls: tuple[OpenPull, ...]
    triggers: tuple[Line, ...]
    lost: tuple[Line, ...]
    trouble: tuple[Line, ...]


def view_model(facts: ModelFacts, at: datetime) -> ModelView:
    """What the dashboard says of a model at `at` (with a zone)."""
    icon, state = _state(facts, at)
    serving = facts.serving
    return ModelView(
        model=facts.model,
        icon=icon,
        state=state,
        champion=short_digest(serving.digest) if serving else "",
        champion_line=_champion_line(serving),
        next_due=_next_due(facts, at),
        held=_held(facts, at) or "",
        rollout=_rollout_line(facts.rollout) if facts.rollout else None,
        pulls=facts.pulls,
        triggers=tuple(_trigger(event) for event in _last(_events(facts), SHOWN_EVENTS)),
        lost=_ended(_retrains(facts), RetrainState.LOST),
        trouble=(
            *(Line("", INCIDENT, shortened(text, MAX_REASON)) for text in facts.failures),
            *_ended(_since_won(_retrains(facts)), RetrainState.ABANDONED),
        ),
    )


def _state(facts: ModelFacts, at: datetime) -> tuple[str, str]:
    """A coloured sign and a sentence: the first of these that holds."""
    if facts.failures:
        return "bad", "Something is broken: see below."
    if facts.serving is None:
        return "none", "No champion yet: a person approves the first one."
    if facts.rollout is not None and facts.rollout.phase in _MOVING:
        return "busy", f"A rollout is under way, at {facts.rollout.weight_percent:g} % of traffic."
    return _retrain_state(facts, at)


def _retrain_state(facts: ModelFacts, at: datetime) -> tuple[str, str]:
    running = open_retrain(facts.ledger, facts.model)
    if facts.pulls:
        return "people", "A proposal waits for review."
    if running is not None:
        since = _day(running.changed_at)
        return "busy", f"Retrain {running.id} {_STATES[running.state]}, since {since}."
    if pending_events(facts.ledger, facts.model):
        return "waits", f"A retrain is due and waits: {_held(facts, at) or 'for the next check'}."
    return "good", "Nothing is due."


def _champion_line(serving: Serving | None) -> str:
    if serving is None:
        return ""
    since = f"serves since {_day(serving.since)}, " if serving.since else ""
    reason = shortened(serving.reason, MAX_REASON)
    known = f"knows the world as of {_day(serving.as_of)}"
    return f"{since}{known}, approved by {serving.approved_by}: {reason}"


def _next_due(facts: ModelFacts, at: datetime) -> str:
    rule = facts.config.retraining_triggers.scheduled_retrain if facts.config else None
    moment = next_moment(rule, at) if rule is not None and rule.enabled else None
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""


def _held(facts: ModelFacts, at: datetime) -> str | None:
    if facts.config is None:
        return None
    return hold_reason(facts.config.pacing, _retrains(facts), at)


def _rollout_line(rollout: RolloutState) -> Line:
    reason = shortened(rollout.reason, MAX_REASON)
    text = f"{rollout.phase} since {_day(rollout.at)}: {reason}"
    return Line(_day(rollout.at), "", text, rollout.version)


def _events(facts: ModelFacts) -> list[Event]:
    return [event for event in facts.ledger.events if event.model == facts.model]


def _trigger(event: Event) -> Line:
    about = f"{words(event.trigger)} ({event.priority})"
    finding = shortened(finding_of(event), MAX_REASON)
    return Line(_day(event.at), about, finding, event.retrain or _without_retrain(event))


def _without_retrain(event: Event) -> str:
    """An event speaks of one champion: what was not answered before the next came never is."""
    return VOID if event.superseded_by else "pending"


def _retrains(facts: ModelFacts) -> list[Retrain]:
    return [retrain for retrain in facts.ledger.retrains if retrain.model == facts.model]


def _since_won(retrains: Sequence[Retrain]) -> Sequence[Retrain]:
    """Those after the last one that won: what failed before has been overcome."""
    return retrains[len(retrains) - lost_in_a_row(retrains) :]


def _ended(retrains: Sequence[Retrain], state: RetrainState) -> tuple[Line, ...]:
    """The latest retrains that ended so, newest first."""
    found = [retrain for retrain in retrains if retrain.state is state]
    return tuple(_retrain(retrain) for retrain in _last(found, SHOWN_RETRAINS))


def _retrain(retrain: Retrain) -> Line:
    note = shortened(retrain.note or "no reason was noted", MAX_REASON)
    return Line(_day(retrain.changed_at), "", note, retrain.id)


def _last(found: Sequence[T], count: int) -> list[T]:
    return list(reversed(found[-count:]))


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
