"""One check of the triggers as a step of the ledger: what to record, and what to dispatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from pipeline.core.triggers.retrains import plan_retrain, recover, settle
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


def plan_check(
    ledger: Ledger,
    decisions: Sequence[TriggerDecision],
    config: TriggerConfig,
    *,
    model: str,
    champion: str,
    at: datetime,
    data_faults: Sequence[str] = (),
    ended: Mapping[str, str] | None = None,
) -> CheckPlan:
    """Take what fired into the ledger and decide whether a retrain starts.

    Broken data speaks for itself alone: with `data_faults` only the events of triggers that do not
    look at data are recorded, and nothing starts: a retrain that hangs waits, with the attempts
    it has left, until the data is mended. A proposal whose challenger serves by now has won; one
    whose rollout is `ended` without that, by the retrain's id and in words, has lost.
    """
    ledger = _settle_merged(ledger, model, champion, at)
    ledger = _settle_ended(ledger, model, ended or {}, at)
    # Nothing is dispatched on broken data, so no attempt may be used up by it either.
    ledger, again = (ledger, None) if data_faults else recover(ledger, model, at, config.recovery)
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


def _settle_merged(ledger: Ledger, model: str, champion: str, at: datetime) -> Ledger:
    """The champion is another than when the open retrain was planned: its proposal was merged."""
    found = open_retrain(ledger, model)
    if found is None or found.state is not RetrainState.PROPOSED or found.champion == champion:
        return ledger
    return settle(ledger, found.id, RetrainState.WON, at, note=f"{champion} serves")


def _settle_ended(ledger: Ledger, model: str, ended: Mapping[str, str], at: datetime) -> Ledger:
    """The open proposal was merged and rolled back: else every trigger would join it for days."""
    found = open_retrain(ledger, model)
    if found is None or found.state is not RetrainState.PROPOSED or found.id not in ended:
        return ledger
    return settle(ledger, found.id, RetrainState.LOST, at, note=ended[found.id])
