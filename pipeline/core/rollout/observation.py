"""The world as a reconcile sees it: plain values, that adapters fill in and a recording replays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pipeline.rollout_commands import Command
from pipeline.rollout_status import Sample

Role = Literal["champion", "challenger"]


@dataclass(frozen=True)
class Routing:
    """Who gets the traffic: model digests, and the challenger's percent. The champion has the rest.

    With `is_mirrored` the challenger gets a copy as well, and its answers are thrown away.
    """

    champion: str
    challenger: str | None = None
    challenger_percent: float = 0.0
    is_mirrored: bool = False

    @property
    def champion_percent(self) -> float:
        """What the champion gets: both always make 100."""
        return 100.0 - self.challenger_percent

    @property
    def reaches_challenger(self) -> bool:
        """Whether the challenger gets users, or copies of their requests."""
        return self.challenger_percent > 0 or self.is_mirrored

    def agrees_with(self, other: Routing) -> bool:
        """Whether both give everyone the same: a challenger without traffic makes no difference.

        Shares are compared in steps of 0.01 %: users are hashed into 10,000 buckets, so nobody
        notices less, and a record of 42.900000000000006 % could be waited for without end.
        """
        mine, theirs = (
            (r.champion, r.challenger if r.reaches_challenger else None) for r in (self, other)
        )
        shares = round(100 * self.challenger_percent) == round(100 * other.challenger_percent)
        return mine == theirs and shares and self.is_mirrored == other.is_mirrored


@dataclass(frozen=True)
class Health:
    """Whether a model server answers for its version; None where nobody could ask."""

    is_answering: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Stop:
    """The latch that the traffic layer keeps: this attempt of `version` gets no traffic any more.

    Whoever stops a challenger sets it together with weight 0, in one step.
    """

    version: str
    attempt: int
    reason: str
    at: datetime


UNKNOWN_HEALTH = Health(None, "nobody asked")


@dataclass(frozen=True)
class Observation:
    """What is true outside the spec and the status.

    `champion` is the digest in champion.yaml. `routing` is what the traffic provider does, None
    where it does not say; `routed_since` when its weights last changed. `alias` is the digest that
    the registry calls champion, "" where no version has that alias yet, and None without a
    registry. The health is that of the two models of the spec. `samples` are of both versions,
    over the same minutes.
    """

    champion: str
    routing: Routing | None
    samples: Sequence[Sample] = ()
    champion_health: Health = UNKNOWN_HEALTH
    challenger_health: Health = UNKNOWN_HEALTH
    routed_since: datetime | None = None
    alias: str | None = None
    stop: Stop | None = None
    commands: frozenset[Command] = field(default_factory=frozenset)

    def sample(self, metric: str, role: Role) -> Sample | None:
        """The sample of `metric` for `role`, None where the provider gave none."""
        found = [s for s in self.samples if (s.metric, s.role) == (metric, role)]
        return found[0] if len(found) == 1 else None
