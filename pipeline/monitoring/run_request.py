"""What a training run asks for, read from the event that started it, none of which is believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.approvers import load_approvers
from pipeline.config import parse_utc
from pipeline.core.report.escape import clean
from pipeline.core.triggers.admission import decision_of_alert
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.manual import Approval, ManualRequest, assess_manual
from pipeline.core.triggers.payload import RetrainPayload, parse_payload
from pipeline.errors import ConfigurationError
from pipeline.github_env import GitHubEvent, forge_of
from pipeline.trigger_config import PRIORITIES, Priority, TriggerConfig


@dataclass(frozen=True)
class RunRequest:
    """Run `run` asks to train `retrain`, a planned one, or brings its own reason in `decision`.

    With neither it was the calendar's tick, and the ledger knows whether that is due. `as_of` is
    a time in UTC that a person chose, or empty.
    """

    run: str
    retrain: str | None = None
    decision: TriggerDecision | None = None
    as_of: str = ""


def request_of(root: Path, event: GitHubEvent, config: TriggerConfig, model: str) -> RunRequest:
    """The request in `event`. Raises ConfigurationError for whatever is not exactly as expected.

    A manual one asks GitHub who is behind it; raises OutsideError where GitHub does not answer.
    """
    if event.name == "schedule":
        return RunRequest(event.run)
    if event.name == "repository_dispatch":
        return _dispatched(event, config, model)
    if event.name == "workflow_dispatch":
        as_of, request = _as_of(event.body), _manual(root, config, event)
        return RunRequest(event.run, decision=_decide(config, request), as_of=as_of)
    fault = f"found {event.name!r:.60}, expected one that .github/workflows/retrain.yml has"
    raise ConfigurationError("GITHUB_EVENT_NAME", [fault])


def _dispatched(event: GitHubEvent, config: TriggerConfig, model: str) -> RunRequest:
    body = event.body
    payload = parse_payload(body.get("action"), body.get("client_payload"), models={model})
    if isinstance(payload, RetrainPayload):
        return RunRequest(event.run, retrain=payload.retrain)
    return RunRequest(event.run, decision=decision_of_alert(payload, config))


def _manual(root: Path, config: TriggerConfig, event: GitHubEvent) -> ManualRequest:
    from pipeline.adapters.github import GitHub  # noqa: PLC0415 (slow, for manual runs alone)

    inputs = _inputs(event.body)
    priority = _priority(inputs, config)
    forge = forge_of()
    people = GitHub(forge.repository, forge.token, forge.api_url).run_people(int(event.run))
    # Running it again is agreeing to it: that is how a second person approves where the plan has
    # no environments with reviewers.
    agreed = {*people.approvers, people.triggering_actor}
    roles = load_approvers(root)
    approvals = tuple(
        Approval(person, role) for person in sorted(agreed) for role in roles.roles_of(person)
    )
    reason = clean(inputs.get("reason") or "no reason given")
    return ManualRequest(f"run/{event.run}", people.actor, reason, priority, approvals)


def _decide(config: TriggerConfig, request: ManualRequest) -> TriggerDecision:
    rule, priority = config.retraining_triggers.manual_retrain, config.priority_of("manual_retrain")
    if rule is None or not rule.enabled:
        off = "off: configs/triggers.yaml does not enable it"
        return TriggerDecision("manual_retrain", Status.QUIET, priority, off, request.id)
    return assess_manual(rule, request, priority)


def _priority(inputs: dict[str, Any], config: TriggerConfig) -> Priority:
    given = inputs.get("priority") or config.priority_of("manual_retrain")
    if given not in PRIORITIES:
        fault = f"found {str(given)[:40]!r}, expected one of {', '.join(PRIORITIES)}"
        raise ConfigurationError("input priority", [fault])
    return given  # type: ignore[no-any-return]


def _as_of(body: dict[str, Any]) -> str:
    text = _inputs(body).get("as_of") or ""
    return f"{parse_utc(str(text), 'input as_of'):%Y-%m-%dT%H:%M:%SZ}" if text else ""


def _inputs(body: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a workflow_dispatch; none given is an empty object."""
    inputs = body.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise ConfigurationError("workflow_dispatch", ["inputs: expected an object"])
    return inputs
