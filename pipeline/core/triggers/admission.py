"""May this run train? The first step of every training run, whoever started it.

A run is admitted if it is the first to claim a retrain of the ledger. What a dispatch, an alert,
the calendar or a person says is only ever a reason to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.core.triggers.check import Fate, plan_check
from pipeline.core.triggers.check_report import outcome
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.ledger import Event, Ledger, causes_of, open_retrain
from pipeline.core.triggers.payload import AlertPayload
from pipeline.core.triggers.retrains import claim_run, find_retrain, is_left_by
from pipeline.trigger_config import TriggerConfig


@dataclass(frozen=True)
class Admission:
    """The ledger to save, and the retrain that the run trains: None where it must stop.

    `reason` is a sentence; `causes` are what the retrain answers, highest priority first.
    """

    ledger: Ledger
    retrain: str | None
    reason: str
    causes: tuple[Event, ...] = ()


def admit_planned(ledger: Ledger, retrain: str, run: str, at: datetime) -> Admission:
    """A run that was dispatched for the retrain with this id.

    Raises ConfigurationError for an id that the ledger does not have.
    """
    found = find_retrain(ledger, retrain)
    ledger, is_ours = claim_run(ledger, retrain, run, at)
    if is_ours:
        return Admission(ledger, retrain, f"{retrain} is ours", causes_of(ledger, retrain))
    holder = f"run {found.run} has it" if found.state.is_open else "it has ended"
    return Admission(ledger, None, f"{retrain} is {found.state}: {holder}")


def admit_decided(
    ledger: Ledger,
    decisions: Sequence[TriggerDecision],
    config: TriggerConfig,
    *,
    model: str,
    champion: str,
    run: str,
    at: datetime,
    fate: Fate | None = None,
) -> Admission:
    """A run that brings its own reason: the calendar's, a person's or an alert's answer.

    Recorded and paced like any other event. Asking again for the same run gives the same answer,
    also after it failed: somebody runs all of its jobs again.
    """
    mine = open_retrain(ledger, model)
    if mine is not None and (mine.run == run or is_left_by(mine, run)):
        return admit_planned(ledger, mine.id, run, at)
    plan = plan_check(ledger, decisions, config, model=model, champion=champion, at=at, fate=fate)
    if plan.dispatch is not None:
        return admit_planned(plan.ledger, plan.dispatch.id, run, at)
    quiet = "; ".join(f"{d.trigger}: {d.reason}" for d in decisions if d.status != Status.FIRED)
    has_more_to_say = plan.joined is not None or plan.held is not None
    return Admission(plan.ledger, None, outcome(plan) if has_more_to_say or not quiet else quiet)


def decision_of_alert(alert: AlertPayload, config: TriggerConfig) -> TriggerDecision:
    """A monitor's alert as a trigger's answer: QUIET where configs/triggers.yaml has it off."""
    rule = getattr(config.retraining_triggers, alert.trigger)
    priority = alert.priority or config.priority_of(alert.trigger)
    if rule is None or not rule.enabled:
        off = "off: configs/triggers.yaml does not enable it"
        return TriggerDecision(alert.trigger, Status.QUIET, priority, off, alert.window)
    reason = f"alert since {alert.starts_at:%Y-%m-%d %H:%M}Z: {alert.reason}"
    return TriggerDecision(alert.trigger, Status.FIRED, priority, reason, alert.window)
