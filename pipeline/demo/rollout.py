"""A rollout in the demo's production: git is reconciled while users ask.

The reconciler is that of scripts/reconcile_rollouts.py, and looks twice a second instead of every
five minutes; beside it runs scripts/watch_rollout.py, as it would on a traffic machine.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipeline.adapters.metrics.file import FileMetrics
from pipeline.core.rollout.state import current_rollout, stage_of
from pipeline.core.rollout.succession import goes_by
from pipeline.demo.checkout import own_environment
from pipeline.demo.load import Load
from pipeline.demo.production import Production
from pipeline.demo.timeline import Event, Look, Timeline
from pipeline.errors import OutsideError
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.reconciler import Reconciler
from pipeline.rolling.repository import RolloutRepository
from pipeline.rolling.settings import Equipment, utc_now
from pipeline.rollout_metrics import DEFAULT_METRICS
from pipeline.serving_config import load_serving

EVERY_SECONDS = 0.5
PATIENCE_SECONDS = 600.0


@dataclass
class Act:
    """One rollout from its merge to its end; `load` are the users who ask meanwhile."""

    production: Production
    timeline: Timeline
    load: Load
    began: float = field(default_factory=time.monotonic)
    _offset: float = 0.0
    _counted: int = 0
    _looked: float = 0.0
    _said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Its time goes on from where the act before it ended; nobody has the challenger yet."""
        looks = self.timeline.looks
        self._offset = looks[-1].seconds + EVERY_SECONDS if looks else 0.0
        looks.append(Look(self._offset, 0.0, "", {}, {}, {}))

    @property
    def seconds(self) -> float:
        """The time of the timeline."""
        return self._offset + time.monotonic() - self.began

    def until(self, what: str, is_so: Callable[[ModelState], bool]) -> ModelState:
        """Reconcile until `is_so`. Raises OutsideError, with the last words, where it never is."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            for watcher in self.production.watchers:
                watcher.check_alive()
            state = self._reconcile()
            self._look(state)
            if is_so(state):
                return state
            if time.monotonic() > deadline:
                words = "\n".join(self._said[-5:])
                raise OutsideError(f"the demo's rollout was not {what} in time:\n{words}")
            time.sleep(EVERY_SECONDS)

    def mark(self, words: str) -> None:
        """A moment with a few words in the picture."""
        self.timeline.marks.append((self.seconds, words))

    def say(self, words: str) -> None:
        """A line of the timeline that is no commit."""
        event = Event(self.seconds, words)
        self.timeline.events.append(event)
        print(event, flush=True)

    def _reconcile(self) -> ModelState:
        production = self.production
        repository = RolloutRepository(production.repository, remote=None)
        equipment = Equipment(
            root=production.repository,
            repository=repository,
            serving=load_serving(production.repository),
            environment=own_environment(MLFLOW_TRACKING_URI=production.registry_url),
            tell=self._tell,
        )
        reconciler = Reconciler(repository, equipment.equip, utc_now, self._tell, is_applied=True)
        try:
            reconciler.run([production.model])
        except OutsideError as error:  # git was busy: the next look does it
            self._tell(str(error))
        snapshot = repository.snapshot()
        return load_model(snapshot, snapshot.models[production.model])

    def _tell(self, line: str) -> None:
        self._said.append(line)
        with (self.production.logs / "reconcile_rollouts.log").open("a") as log:
            log.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")

    def _look(self, state: ModelState) -> None:
        """Print what is new, and keep what the picture shows."""
        seconds = self.seconds
        new = self.timeline.add_commits(state, seconds)
        records = state.status.records
        look = Look(
            seconds=seconds,
            percent=self.percent(state),
            phase=str(records[-1].phase) if records else "",
            figures=self._figures(state),
            limits=limits_of(state),
            per_second=self._per_second(seconds),
        )
        self.timeline.looks.append(look)
        for event in new:
            _print(str(event))
        if sys.stdout.isatty():
            asked, lost = len(self.load.answers), len(self.load.lost)
            live = f"{seconds:>6.1f} s  {look.percent:>4g} %  {asked:,} answers, {lost} lost"
            print(f"\r{live}", end="", flush=True)

    def percent(self, state: ModelState) -> float:
        """The share of users that the version under rollout has, as Envoy's files say."""
        version = state.spec.version if state.spec else ""
        weights = self.production.envoy.written()
        if weights is None:
            return 0.0
        if weights.champion.name == version:
            return 100.0
        is_challenger = weights.challenger is not None and weights.challenger.name == version
        return weights.challenger_basis_points / 100 if is_challenger else 0.0

    def _figures(self, state: ModelState) -> dict[str, float | None]:
        """The challenger's newest figures; none where nothing was counted."""
        if state.spec is None:
            return {}
        plan, version, now = state.spec.plan, state.spec.version, datetime.now(UTC)
        samples = FileMetrics(self.production.folder / "samples.jsonl", plan.monitoring.max_age)
        found = {}
        for name in DEFAULT_METRICS:
            try:
                sample = samples.query(name, version, plan.metrics.queries[name].window, now)
            except OutsideError:
                continue
            found[name] = sample.value if sample.n else None
        return found

    def _per_second(self, seconds: float) -> dict[str, float]:
        answers = self.load.answers[self._counted :]
        length = seconds - (self._looked or self._offset)
        self._counted, self._looked = self._counted + len(answers), seconds
        counts = Counter(answer.version for answer in answers)
        return {version: count / length for version, count in counts.items()} if length else {}


@contextmanager
def act(production: Production, timeline: Timeline, load: Load) -> Iterator[Act]:
    """Users ask and the watchers run, for as long as the block lasts."""
    with production.watched(), load.running():
        yield Act(production, timeline, load)


def limits_of(state: ModelState) -> dict[str, float]:
    """Metric -> the limit of the stage that the rollout is in."""
    rollout = current_rollout(state.status)
    if rollout is None or state.spec is None or not goes_by(state.spec, rollout):
        return {}
    stage = stage_of(state.spec, rollout.state)
    is_over = rollout.state.phase.is_ended
    return {c.metric: c.limit for c in stage.criteria} if stage and not is_over else {}


def _print(line: str) -> None:
    """Over the live line, where there is one."""
    start = "\r\x1b[K" if sys.stdout.isatty() else ""
    print(f"{start}{line}", flush=True)
