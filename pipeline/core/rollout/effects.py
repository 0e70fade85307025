"""What a reconcile wants done, as values: who applies them decides nothing.

Their order is what makes a killed reconciler harmless. Traffic is taken away before anything is
written, together with a latch that outlives the reconciler; traffic is given only after the commit
that says so was pushed, so of two reconcilers the one that lost the push has moved nothing. Each
effect may be applied twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.champion import Champion
from pipeline.core.rollout.observation import Routing, Stop
from pipeline.domain import Verdict
from pipeline.manifest import ModelIdentity
from pipeline.rollout_status import Record


@dataclass(frozen=True)
class SetWeights:
    """Make the traffic provider route so.

    With `stop` the challenger is latched at 0 % until weights without a stop are set.
    """

    routing: Routing
    stop: Stop | None = None


@dataclass(frozen=True)
class MoveAlias:
    """Make the registry call the model with this digest the champion."""

    digest: str


@dataclass(frozen=True)
class WriteChampion:
    """Write champion.yaml, and reference.json beside it.

    Forward: the `challenger` becomes champion after `before`. Back: `champion` is put back as it
    was, byte for byte.
    """

    champion: Champion | None = None
    challenger: ModelIdentity | None = None
    before: Champion | None = None
    evidence: str = ""


@dataclass(frozen=True)
class WriteRecord:
    """Add the file of `record`: what the next reconcile will take as the state."""

    record: Record


@dataclass(frozen=True)
class Alert:
    """Tell people. Alerts of one `key` are one incident: whoever sends them sends each key once.

    With `is_again` it was sent before, and people may not have been reached.
    """

    key: str
    title: str
    text: str
    is_again: bool = False


@dataclass(frozen=True)
class Commit:
    """Commit what was written, and push it. If the push is refused, plan again from the newest."""

    message: str


Effect = SetWeights | MoveAlias | WriteChampion | WriteRecord | Alert | Commit


@dataclass(frozen=True)
class RolloutStep:
    """One step: the effects in the order to apply them, and why. No effects: nothing to do.

    `verdict` is that of the look at the challenger, None where nobody looked. `owed` is what an
    earlier step told people and what still stands: no effect, since nothing of it is due again
    where they know.
    """

    reason: str
    effects: tuple[Effect, ...] = ()
    verdict: Verdict | None = None
    owed: Alert | None = None

    @property
    def record(self) -> Record | None:
        """The transition, if this step is one."""
        return next((e.record for e in self.effects if isinstance(e, WriteRecord)), None)

    @property
    def is_noop(self) -> bool:
        """Whether nothing at all is to be done."""
        return not self.effects

    def __str__(self) -> str:
        lines = [self.reason, *(f"  - {_line(effect)}" for effect in self.effects)]
        return "\n".join(lines if self.effects else [*lines, "  nothing to do"])


def _line(effect: Effect) -> str:
    match effect:
        case SetWeights(routing, stop):
            latch = ", and keep it there" if stop else ""
            latch += " and a copy of all requests" if routing.is_mirrored else ""
            return (
                f"traffic: champion {routing.champion_percent:g} %, "
                f"challenger {routing.challenger_percent:g} %{latch}"
            )
        case MoveAlias(digest):
            return f"registry: champion is {digest[:19]}"
        case WriteChampion():
            return "champion.yaml: " + ("back to before" if effect.champion else "the challenger")
        case WriteRecord(record):
            return f"status: {record.name} ({record.phase})"
        case Alert(_, title):
            return f"alert: {title}"
    return f"commit: {effect.message.partition(chr(10))[0]}"
