"""A replay of the past: what the triggers would have fired, and the retrains that would follow.

What was seen at each moment is the caller's; the rules, the ledger and the pacing are those of a
live check. Simulated is only how a retrain ends: it lasts `Terms.takes`, review included, and
then its challenger wins or loses as `Terms.wins` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from pipeline.core.triggers.check import CheckPlan, plan_check
from pipeline.core.triggers.decision import TriggerDecision
from pipeline.core.triggers.ledger import (
    Event,
    Ledger,
    Retrain,
    RetrainState,
    calendar_since,
    open_retrain,
)
from pipeline.core.triggers.retrains import claim_run, mark_dispatched, mark_proposed, settle
from pipeline.core.triggers.rules import Observation, assess_triggers
from pipeline.core.triggers.thresholds import at_thresholds
from pipeline.trigger_config import TriggerConfig

Wins = Literal["always", "never", "alternate"]


@dataclass(frozen=True)
class Serving:
    """The champion at a moment: it knows the world as of `trained_at`."""

    digest: str
    trained_at: datetime
    is_simulated: bool = False


@dataclass(frozen=True)
class Seen:
    """What one look at the world found: see monitoring/observe.py, which looks."""

    observation: Observation
    data_faults: tuple[str, ...] = ()


Look = Callable[[Serving, datetime], Seen]


@dataclass(frozen=True)
class Terms:
    """What is simulated: how long a retrain takes until it is decided, and who wins.

    `alternate`: the first challenger wins, the second one loses, and so on.
    """

    takes: timedelta
    wins: Wins


@dataclass(frozen=True)
class Check:
    """One check of the replay. `events` are those that it recorded first.

    `started` is the retrain that it dispatched, because of `causes`; `joined` and `held` as in
    check.CheckPlan.
    """

    at: datetime
    serving: Serving
    seen: Seen
    decisions: tuple[TriggerDecision, ...]
    events: tuple[Event, ...]
    started: Retrain | None = None
    causes: tuple[Event, ...] = ()
    joined: str | None = None
    held: str | None = None


@dataclass(frozen=True)
class Replay:
    """Every check, in the order of time, and the ledger after the last one."""

    checks: tuple[Check, ...]
    ledger: Ledger


def replay(
    look: Look,
    config: TriggerConfig,
    *,
    model: str,
    first: Serving,
    moments: Sequence[datetime],
    terms: Terms,
) -> Replay:
    """Check at each of the ascending `moments`, beginning with the champion `first`.

    `look` is asked once for each moment. A retrain still open after the last moment stays open.
    `terms.takes` must be shorter than recovery.proposal_timeout, or every retrain is given up.
    """
    ledger, serving = Ledger(), first
    checks: list[Check] = []
    for at in moments:
        ledger, serving = _settle_due(ledger, serving, model, terms, at)
        seen = look(serving, at)
        plan = _plan(ledger, serving, seen, config, model=model, at=at)
        checks.append(_check(ledger, serving, seen, plan, at))
        ledger = _start(plan, at)
    return Replay(tuple(checks), ledger)


def moments_between(start: datetime, end: datetime, every: timedelta) -> tuple[datetime, ...]:
    """The moments start, start + every, ... before `end`; none where start is not before end."""
    count = max(0, -((start - end) // every))
    return tuple(start + i * every for i in range(count))


def _settle_due(
    ledger: Ledger, serving: Serving, model: str, terms: Terms, at: datetime
) -> tuple[Ledger, Serving]:
    """End the open retrain if its time is over; a winner serves and knows what it was given."""
    found = open_retrain(ledger, model)
    if found is None or found.planned_at + terms.takes > at:
        return ledger, serving
    has_won = terms.wins == "always" or (terms.wins == "alternate" and _number(ledger) % 2 == 1)
    outcome = RetrainState.WON if has_won else RetrainState.LOST
    ended = settle(ledger, found.id, outcome, found.planned_at + terms.takes, note="simulated")
    if not has_won:
        return ended, serving
    return ended, Serving(f"simulated:{found.id}", found.planned_at, is_simulated=True)


def _number(ledger: Ledger) -> int:
    return len(ledger.retrains)


def _plan(
    ledger: Ledger,
    serving: Serving,
    seen: Seen,
    config: TriggerConfig,
    *,
    model: str,
    at: datetime,
) -> CheckPlan:
    since = calendar_since(ledger, model, serving.trained_at)
    observation = replace(at_thresholds(config, seen.observation), calendar_since=since)
    return plan_check(
        ledger,
        assess_triggers(config, observation),
        config,
        model=model,
        champion=serving.digest,
        at=at,
        data_faults=seen.data_faults,
    )


def _check(ledger: Ledger, serving: Serving, seen: Seen, plan: CheckPlan, at: datetime) -> Check:
    return Check(
        at=at,
        serving=serving,
        seen=seen,
        decisions=plan.decisions,
        events=plan.ledger.events[len(ledger.events) :],
        started=plan.dispatch,
        causes=plan.causes,
        joined=plan.joined.id if plan.joined else None,
        held=plan.held,
    )


def _start(plan: CheckPlan, at: datetime) -> Ledger:
    """The ledger with the dispatched retrain under way, and nothing of it lost."""
    if plan.dispatch is None:
        return plan.ledger
    name, run = plan.dispatch.id, "replay"
    ledger, _ = claim_run(mark_dispatched(plan.ledger, name, at), name, run, at)
    return mark_proposed(ledger, name, run, at)
