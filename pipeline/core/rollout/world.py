"""A world without servers: applies the effects of reconciles to values, for simulation and tests.

It does what git, the traffic layer and the registry promise: a record is there once its commit is,
weights and latch change together, and a revert takes back what one commit did and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.core.rollout.effects import (
    Alert,
    Commit,
    Effect,
    MoveAlias,
    SetWeights,
    WriteChampion,
    WriteRecord,
)
from pipeline.core.rollout.observation import Health, Observation, Routing, Stop
from pipeline.core.rollout.succession import spec_in_force
from pipeline.manifest import RolloutSpec
from pipeline.rollout_commands import Command
from pipeline.rollout_status import Record, RolloutStatus, Sample

ANSWERS = Health(True)


@dataclass
class WorldCommit:
    """One commit of the reconciler: its record, and champion.yaml before and after it.

    `reverted_at` is how many commits there were when it was reverted last.
    """

    record: Record
    champion_before: str
    champion_after: str
    message: str
    is_reverted: bool = False
    reverted_at: int = 0


@dataclass
class World:
    """What is true outside the reconciler. `model`'s champion is `champion`, by digest."""

    model: str
    champion: str
    spec: RolloutSpec | None = None
    alias: str | None = None
    routing: Routing | None = None
    routed_since: datetime | None = None
    stop: Stop | None = None
    commands: set[Command] = field(default_factory=set)
    commits: list[WorldCommit] = field(default_factory=list)
    alerts: dict[str, Alert] = field(default_factory=dict)
    manifests: dict[str, RolloutSpec] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Before any rollout the champion has all of the traffic."""
        self.routing = self.routing or Routing(self.champion)
        self.alias = self.alias or self.champion

    @property
    def in_force(self) -> RolloutSpec | None:
        """The manifest that a reconcile goes by now: `spec` waits while another model bakes."""
        return spec_in_force(self.spec, self.status, self.manifests.get)

    @property
    def status(self) -> RolloutStatus:
        """The records that are there, and those that were."""
        there = [c.record for c in self.commits if not c.is_reverted]
        gone = [c.record for c in self.commits if c.is_reverted]
        again = [c.record.sequence for c in self.commits if c.is_reverted and self._is_news(c)]
        return RolloutStatus(self.model, tuple(there), tuple(gone), frozenset(again))

    def _is_news(self, reverted: WorldCommit) -> bool:
        """Whether no record that came after the revert answers it."""
        later = [c.record for c in self.commits[reverted.reverted_at :] if not c.is_reverted]
        return not any(reverted.record.sequence in record.answers for record in later)

    def observe(
        self,
        samples: Sequence[Sample] = (),
        champion_health: Health = ANSWERS,
        challenger_health: Health = ANSWERS,
    ) -> Observation:
        """What a reconcile would see now."""
        return Observation(
            champion=self.champion,
            routing=self.routing,
            samples=tuple(samples),
            champion_health=champion_health,
            challenger_health=challenger_health,
            routed_since=self.routed_since,
            alias=self.alias,
            stop=self.stop,
            commands=frozenset(self.commands),
        )

    def apply(self, effects: Sequence[Effect], now: datetime) -> None:
        """Apply `effects` in order. A prefix of them is what a killed reconciler leaves.

        What was written and not committed is lost with the runner.
        """
        self._keep_manifest()
        record: Record | None = None
        champion = self.champion
        for effect in effects:
            match effect:
                case SetWeights(routing, stop):
                    self._route(routing, stop, now)
                case MoveAlias(digest):
                    self.alias = digest
                case WriteChampion():
                    champion = _written(effect)
                case WriteRecord(written):
                    record = written
                case Alert(key):
                    self.alerts.setdefault(key, effect)
                case Commit(message) if record is not None:
                    commit = WorldCommit(record, self.champion, champion, message)
                    self.commits.append(commit)
                    self.champion = champion

    def revert(self, commit: WorldCommit) -> None:
        """`git revert` of one commit: its record goes, and champion.yaml where it changed it."""
        commit.is_reverted, commit.reverted_at = True, len(self.commits)
        if self.champion == commit.champion_after:
            self.champion = commit.champion_before

    def _keep_manifest(self) -> None:
        """As git's history does, for when another one is there and waits."""
        if (spec := self.in_force) is not None:
            self.manifests[spec.challenger.digest] = spec

    def _route(self, routing: Routing, stop: Stop | None, now: datetime) -> None:
        if self.routing is None or not routing.agrees_with(self.routing):
            self.routed_since = now
        self.routing, self.stop = routing, stop


def _written(effect: WriteChampion) -> str:
    if effect.champion is not None:
        return effect.champion.digest
    assert effect.challenger is not None  # noqa: S101 (one of the two is always there)
    return effect.challenger.digest
