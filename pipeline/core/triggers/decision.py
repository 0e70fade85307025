"""What a trigger says about one look at the world."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pipeline.trigger_config import PRIORITIES, TRIGGER_NAMES, Priority, TriggerName


class Status(StrEnum):
    """FIRED asks for a retrain. QUIET: judged, nothing found.

    UNKNOWN: could not be judged. WARN: not judged or not confirmed, yet a person should look.
    """

    FIRED = "FIRED"
    QUIET = "QUIET"
    UNKNOWN = "UNKNOWN"
    WARN = "WARN"


@dataclass(frozen=True)
class TriggerDecision:
    """One trigger's answer: `reason` is a sentence with the numbers that decided.

    `window` names what was judged, as the ledger knows it; None where nothing was.
    """

    trigger: TriggerName
    status: Status
    priority: Priority
    reason: str
    window: str | None = None


def by_priority(decisions: Iterable[TriggerDecision]) -> tuple[TriggerDecision, ...]:
    """Highest priority first; within one, in the order of the triggers' names in the protocol."""
    return tuple(sorted(decisions, key=rank))


def rank(decision: TriggerDecision) -> tuple[int, int, str]:
    """What `by_priority` sorts by."""
    return (
        PRIORITIES.index(decision.priority),
        TRIGGER_NAMES.index(decision.trigger),
        decision.window or "",
    )
