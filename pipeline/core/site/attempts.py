"""The rollouts of a model and how each ended, from its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipeline.core.site.facts import Written
from pipeline.rollout_status import Kind, Phase


class Outcome(StrEnum):
    """COMPLETED: promoted, and not taken back since. STOPPED: rolled back or aborted."""

    RUNNING = "under way"
    COMPLETED = "completed"
    STOPPED = "rolled back"
    REPLACED = "made way"
    REFUSED = "refused"


_ENDS = {
    Phase.ROLLED_BACK: Outcome.STOPPED,
    Phase.ABORTED: Outcome.STOPPED,
    Phase.SUPERSEDED: Outcome.REPLACED,
    Phase.REFUSED: Outcome.REFUSED,
}


@dataclass(frozen=True)
class Attempt:
    """One start of one manifest, by its records in order, reverted ones among them."""

    spec: str
    version: str
    written: tuple[Written, ...]

    @property
    def newest(self) -> Written:
        """The record that is the state: the last one that is there, else the last there was."""
        present = [found for found in self.written if not found.is_reverted]
        return (present or self.written)[-1]

    @property
    def ending(self) -> Written | None:
        """The record that took its traffic away, reverted or not."""
        ended = [found for found in self.written if found.record.kind is Kind.ENDED]
        return ended[0] if ended else None

    @property
    def started(self) -> datetime:
        """The moment of its first record."""
        return self.written[0].record.at

    @property
    def outcome(self) -> Outcome:
        """A promotion that was taken back later is STOPPED; one that another followed is not."""
        was_settled = any(found.record.phase is Phase.PROMOTED for found in self.written)
        if self.ending is None:
            is_done = self.newest.record.phase is Phase.PROMOTED
            return Outcome.COMPLETED if is_done else Outcome.RUNNING
        found = _ENDS[self.ending.record.phase]
        return Outcome.COMPLETED if found is Outcome.REPLACED and was_settled else found


def attempts_of(written: Sequence[Written]) -> tuple[Attempt, ...]:
    """Every attempt, in the order of its first record."""
    groups: dict[tuple[str, int], list[Written]] = {}
    for found in sorted(written, key=lambda one: one.record.sequence):
        groups.setdefault((found.record.spec, found.record.attempt), []).append(found)
    return tuple(
        Attempt(spec, group[0].record.version, tuple(group)) for (spec, _), group in groups.items()
    )


def running(attempts: Sequence[Attempt]) -> Attempt | None:
    """The one under way: only the newest can be."""
    last = attempts[-1] if attempts else None
    return last if last is not None and last.outcome is Outcome.RUNNING else None
