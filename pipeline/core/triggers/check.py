"""One check of the triggers as a step of the ledger: what to record, and what to dispatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.ledger import (
    CHAMPION_FREE,
    Event,
    Ledger,
    Retrain,
    RetrainState,
    causes_of,
    events_of,
    open_retrain,
    record,
)
from pipeline.core.triggers.retrains import plan_retrain, recover, reopen, settle
from pipeline.trigger_config import TriggerConfig


@dataclass(frozen=True)
class CheckPlan:
    """The ledger to save and, once it is saved, the retrain to dispatch (again) if there is one.

    `decisions` are what the triggers answered. `causes` are the events that this retrain answers.
    `joined` is an open retrain that took new events along; `held` says why events wait.
    """

    decisions: tuple[TriggerDecision, ...]
    ledger: Ledger
    dispatch: Retrain | None = None
    causes: tuple[Event, ...] = ()
    joined: Retrain | None = None
    held: str | None = None


@dataclass(frozen=True)
class Fate:
    """What git and the forge know of proposals, each by its retrain's id.

    `ended` says in words how one ended without serving. `merged` is the digest of the challenger
    that a merged manifest names for it; None where nobody looked, or where it cannot be read.
    """

    ended: Mapping[str, str] = field(default_factory=dict)
    merged: Mapping[str, str] | None = None


def plan_check(
    ledger: Ledger,
    decisions: Sequence[TriggerDecision],
    config: TriggerConfig,
    *,
    model: str,
    champion: str,
    at: datetime,
    data_faults: Sequence[str] = (),
    fate: Fate | None = None,
) -> CheckPlan:
    """Take what fired into the ledger and decide whether a retrain starts.

    Broken data speaks for itself alone: with `data_faults` only the events of triggers that do not
    look at data are recorded, and nothing starts: a retrain that hangs waits, with the attempts
    it has left, until the data is mended. An open proposal whose challenger serves has won; one
    that has `ended` without that has lost; one that lies open while another champion came to serve
    is evaluated again, since it was judged against the one before.
    """
    fate = fate or Fate()
    ledger = _settle_merged(ledger, model, champion, fate, at)
    ledger = _settle_ended(ledger, model, fate, at)
    ledger = _reopen_outdated(ledger, model, champion, fate, at)
    # Nothing is dispatched on broken data, so no attempt may be used up by it either.
    ledger, again = (
        (ledger, None) if data_faults else recover(ledger, model, champion, at, config.recovery)
    )
    fired = [d for d in decisions if d.status is Status.FIRED]
    if data_faults:
        fired = [d for d in fired if d.trigger in CHAMPION_FREE]
    ledger = record(ledger, events_of(fired, model=model, champion=champion, at=at))
    plan = plan_retrain(
        ledger, config.pacing, model=model, champion=champion, at=at, data_faults=data_faults
    )
    dispatch = plan.dispatch or again
    causes = causes_of(plan.ledger, dispatch.id) if dispatch else ()
    return CheckPlan(tuple(decisions), plan.ledger, dispatch, causes, plan.joined, plan.held)


def _open_proposal(ledger: Ledger, model: str) -> Retrain | None:
    found = open_retrain(ledger, model)
    return found if found is not None and found.state is RetrainState.PROPOSED else None


def _settle_merged(ledger: Ledger, model: str, champion: str, fate: Fate, at: datetime) -> Ledger:
    """The champion is the open proposal's challenger.

    That the champion is another than before does not say so: a person may have put a former one
    back.
    """
    found = _open_proposal(ledger, model)
    if found is None or (fate.merged or {}).get(found.id) != champion:
        return ledger
    return settle(ledger, found.id, RetrainState.WON, at, note=f"{champion} serves")


def _settle_ended(ledger: Ledger, model: str, fate: Fate, at: datetime) -> Ledger:
    """The open proposal was merged and rolled back: else every trigger would join it for days."""
    found = _open_proposal(ledger, model)
    if found is None or found.id not in fate.ended:
        return ledger
    return settle(ledger, found.id, RetrainState.LOST, at, note=fate.ended[found.id])


def _reopen_outdated(ledger: Ledger, model: str, champion: str, fate: Fate, at: datetime) -> Ledger:
    """Another champion serves than the one that the open proposal was compared with.

    One that is merged is left alone: it is being rolled out, and how that ends git will say.
    """
    found = _open_proposal(ledger, model)
    if found is None or found.champion == champion or fate.merged is None:
        return ledger
    if found.id in fate.merged:
        return ledger
    return reopen(ledger, found.id, at, f"{champion} serves by now", champion=champion)
