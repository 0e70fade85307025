"""What the dashboard is made of: all that is known of one model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.core.triggers.ledger import Ledger
from pipeline.trigger_config import TriggerConfig


@dataclass(frozen=True)
class Serving:
    """The champion; `since` is when it was committed, None where history does not reach."""

    digest: str
    as_of: datetime
    approved_by: str
    reason: str
    since: datetime | None = None


@dataclass(frozen=True)
class OpenPull:
    """An open proposal of ours."""

    number: int
    title: str


@dataclass(frozen=True)
class RolloutState:
    """Where the newest rollout is: `phase` in the reconciler's words, when and why it got there."""

    version: str
    phase: str
    weight_percent: float
    at: datetime
    reason: str


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model. `failures` are open troubles that others found, as sentences.

    `config` is None where the folder's model is not the one that configs/ speaks of.
    """

    model: str
    serving: Serving | None
    ledger: Ledger
    config: TriggerConfig | None = None
    pulls: tuple[OpenPull, ...] = ()
    rollout: RolloutState | None = None
    failures: tuple[str, ...] = ()
