"""A whole rollout on a fake clock: the real reconcile, a world of values, a script of events.

What the metrics say is drawn from the scenario's behaviours, or was recorded once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from pipeline.core.rollout.effects import RolloutStep
from pipeline.core.rollout.observation import Health, Role, Routing, Stop
from pipeline.core.rollout.reconcile import reconcile
from pipeline.core.rollout.recording import Recording
from pipeline.core.rollout.state import current_rollout
from pipeline.core.rollout.traffic import Traffic
from pipeline.core.rollout.world import World
from pipeline.manifest import RolloutSpec
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_scenario import Behaviour, Event, Scenario
from pipeline.rollout_status import Kind, Phase, Record, Sample

AFTERWARDS = 12  # of its length is shown after the end of a rollout
ROLES: tuple[Role, Role] = ("champion", "challenger")


@dataclass(frozen=True)
class Moment:
    """One tick: who had how much, the phase, and what the look said of the challenger."""

    at: datetime
    challenger_percent: float
    phase: str
    verdict: str | None
    figures: dict[str, float | None]


@dataclass
class Simulation:
    """A simulation as it goes. `moments` are all ticks, `steps` those with an effect."""

    spec: RolloutSpec
    scenario: Scenario
    start: datetime
    recording: Recording | None = None
    world: World = field(init=False)
    moments: list[Moment] = field(default_factory=list)
    steps: list[tuple[datetime, RolloutStep]] = field(default_factory=list)
    said: list[tuple[datetime, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The champion serves everyone, and the manifest was merged just now."""
        rng = np.random.default_rng(self.scenario.seed)
        self.world = World(self.spec.model, self.spec.champion.digest, self.spec)
        self._behaviour = {role: getattr(self.scenario, role) for role in ROLES}
        self._traffic = {role: Traffic(self.scenario, self.spec, role, rng) for role in ROLES}
        self._metrics = "there"
        self._over_since = self.start
        self._waiting = sorted(self.scenario.events, key=lambda event: event.at)

    def run(self) -> Simulation:
        """All ticks from the merge to the scenario's end, or a little after nothing can happen."""
        now, last = self.start, self.start + self.scenario.end
        if self.recording is not None:
            last = min(last, self.recording.end)
        while now <= last:
            self.tick(now)
            if not self._waiting and self._is_over():
                last = min(last, self._over_since + (self._over_since - self.start) / AFTERWARDS)
            else:
                self._over_since = now
            now += self.scenario.tick
        return self

    def tick(self, now: datetime) -> RolloutStep:
        """What happens by `now`, one tick of traffic, and one reconcile with its effects."""
        self.pass_time(now)
        return self.look(now, self.samples(now))

    def pass_time(self, now: datetime) -> None:
        """What happens by `now`, and one tick of traffic."""
        while self._waiting and self.start + self._waiting[0].at <= now:
            self._happen(self._waiting.pop(0), now)
        for role in ROLES:
            self._traffic[role].serve(self._behaviour[role], self._share(role), now)

    def look(self, now: datetime, samples: tuple[Sample, ...]) -> RolloutStep:
        """One reconcile that sees `samples`, with its effects."""
        healths = {f"{role}_health": self._health(role) for role in ROLES}
        observation = self.world.observe(samples, **healths)
        step = reconcile(self.world.spec, self.world.status, observation, now)
        self.world.apply(step.effects, now)
        if not step.is_noop:
            self.steps.append((now, step))
        self._note(now, step, samples)
        return step

    def _share(self, role: Role) -> float:
        """Which part of the requests this model answers; a mirrored challenger sees them all."""
        routing = self.world.routing
        if routing is None:
            return 0.0
        is_promoted = routing.champion == self.spec.challenger.digest
        percent = 100.0 if is_promoted else routing.challenger_percent
        if role == "champion":
            return 1 - percent / 100
        return 1.0 if routing.is_mirrored else percent / 100

    def samples(self, now: datetime) -> tuple[Sample, ...]:
        """What the metrics say now; of a p95 each asking draws anew."""
        spec = self.spec
        used = {c.metric for stage in spec.plan.stages for c in stage.criteria}
        names = sorted(used | {"error_rate", "latency_p95", "accuracy"})
        found = [self._sample(name, role, now) for name in names for role in ROLES]
        return tuple(found if self._metrics == "there" else map(self._broken, found))

    def _sample(self, name: str, role: Role, now: datetime) -> Sample:
        if self.recording is not None:
            return self.recording.sample(self.spec, name, role, now)
        return self._traffic[role].sample(name, self._behaviour[role], now)

    def _broken(self, sample: Sample) -> Sample:
        """The sample as the metrics server gives it today."""
        spoilt: dict[str, dict[str, object]] = {
            "there": {},
            "gone": {"value": None, "n": None, "error": "connection refused"},
            "nan": {"value": float("nan")},
            "stale": {"sampled_at": self.start},
            "other version": {"version": "2001-01-01-000000000000"},
        }
        return sample.model_copy(update=spoilt[self._metrics])

    def _health(self, role: Role) -> Health:
        is_answering = self._behaviour[role].is_answering
        return Health(is_answering is not False, "" if is_answering is not False else "refused")

    def _happen(self, event: Event, now: datetime) -> None:
        for role in ROLES:
            change = getattr(event, role)
            if change is not None:
                self._behaviour[role] = _changed(self._behaviour[role], change)
        self._metrics = event.metrics or self._metrics
        if event.person is not None:
            self._obey(event.person)
        if event.watchdog is not None:
            self._stop(event.watchdog, now)
        self.said.append((now, event.says or _words(event)))

    def _stop(self, reason: str, now: datetime) -> None:
        routing, state = self.world.routing, self._state()
        if routing is not None and state is not None:
            self.world.stop = Stop(state.version, state.attempt, reason, now)
            self.world.routing = Routing(routing.champion)

    def _obey(self, person: str) -> None:
        state, version = self._state(), self.spec.version
        if person == "revert merge":
            self.world.spec = None
        elif person.startswith("revert"):
            kind = Kind.STAGE if person == "revert stage" else Kind.PROMOTED
            commits = [c for c in self.world.commits if c.record.kind is kind and not c.is_reverted]
            if commits:
                self.world.revert(commits[-1])
        elif person == "unpause":
            self.world.commands.discard(Command(Verb.PAUSE, version))
        else:
            self.world.commands.add(Command(Verb(person), version, self._number(person, state)))

    def _number(self, person: str, state: Record | None) -> int | None:
        if person == "resume":
            return state.pause_sequence if state else 1
        rollout = current_rollout(self.world.status)
        entered = rollout.entered if rollout else None
        return (entered.sequence if entered else 1) if person == "promote" else None

    def _state(self) -> Record | None:
        rollout = current_rollout(self.world.status)
        return rollout.state if rollout else None

    def _is_over(self) -> bool:
        state = self._state()
        return state is not None and (state.phase.is_ended or state.phase is Phase.PROMOTED)

    def _note(self, now: datetime, step: RolloutStep, samples: tuple[Sample, ...]) -> None:
        state = self._state()
        figures = {s.metric: s.value for s in samples if s.role == "challenger"}
        self.moments.append(
            Moment(
                at=now,
                challenger_percent=100 * self._share("challenger"),
                phase=str(state.phase) if state else "Pending",
                verdict=str(step.verdict) if step.verdict else None,
                figures=figures,
            )
        )


def _changed(before: Behaviour, change: Behaviour) -> Behaviour:
    """What `change` leaves out stays, also each metric of one's own."""
    given = change.model_dump(exclude_none=True, exclude_unset=True)
    other = {**before.other, **change.other}
    return Behaviour(**{**dict(before), **given, "other": other})


def _words(event: Event) -> str:
    """What an event is, where the scenario does not say it."""
    parts = []
    for role in ROLES:
        if (change := getattr(event, role)) is not None:
            values = change.model_dump(exclude_defaults=True)
            parts.append(f"{role}: {', '.join(f'{key} {value}' for key, value in values.items())}")
    parts += [f"metrics {event.metrics}"] if event.metrics else []
    parts += [f"a person: {event.person}"] if event.person else []
    parts += [f"watchdog: {event.watchdog}"] if event.watchdog else []
    return "; ".join(parts)
