"""manual_retrain: a person asks, and where the rules want it another person agrees."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.trigger_config import ManualTrigger, Priority


@dataclass(frozen=True)
class Approval:
    """`person` approves in the name of `role`."""

    person: str
    role: str


@dataclass(frozen=True)
class ManualRequest:
    """One request: `id` is unique (a workflow run's, say); no priority means the configured one."""

    id: str
    requested_by: str
    reason: str
    priority: Priority | None = None
    approvals: tuple[Approval, ...] = ()


def assess_manual(
    rule: ManualTrigger, request: ManualRequest, priority: Priority = "medium"
) -> TriggerDecision:
    """Fires if no approval is required or `min_approvals` people of the right roles gave theirs.

    Nobody approves a request of their own; a person counts once, whatever their roles.
    """
    asked = request.priority or priority
    words = f'{request.requested_by} asks: "{request.reason}"'
    if not rule.requires_approval:
        return TriggerDecision("manual_retrain", Status.FIRED, asked, words, request.id)
    given = approvers_of(rule, request)
    if len(given) >= rule.min_approvals:
        reason = f"{words}; approved by {', '.join(given)}"
        return TriggerDecision("manual_retrain", Status.FIRED, asked, reason, request.id)
    reason = (
        f"{words}; {len(given)} of {rule.min_approvals} approvals by someone else with the role "
        f"{' or '.join(rule.approvers)}"
    )
    return TriggerDecision("manual_retrain", Status.QUIET, asked, reason, request.id)


def approvers_of(rule: ManualTrigger, request: ManualRequest) -> tuple[str, ...]:
    """The people whose approval counts, by name. Names are compared without regard to case."""
    author = request.requested_by.casefold()
    people = {a.person.casefold() for a in request.approvals if a.role in rule.approvers}
    return tuple(sorted(people - {author}))
