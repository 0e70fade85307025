"""All models brought to where git says they should be: one after the other's commit, side by side.

Each model is by itself: its servers may hang and its files may be broken, and no other model waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from pipeline.core.rollout.effects import Alert, RolloutStep
from pipeline.core.rollout.state import current_rollout
from pipeline.core.rollout.succession import told_wait
from pipeline.errors import Bug, ConfigurationError, OutsideError, PipelineError
from pipeline.rolling.effects import Hands, apply_step
from pipeline.rolling.idle import is_idle
from pipeline.rolling.judging import judged
from pipeline.rolling.known import known_model, require_known
from pipeline.rolling.model_state import ModelState, load_model
from pipeline.rolling.observe import Eyes, look_at
from pipeline.rolling.repository import RolloutRepository
from pipeline.rolling.snapshot import Snapshot
from pipeline.rollout_status import Phase, RolloutStatus
from pipeline.wording import counted

MAX_STEPS = 10  # a newer merge takes two; the others are for races that were lost
MODELS_AT_ONCE = 16
UNCONFIRMED = (
    "nobody looks at the challenger any more, and whether the traffic is as recorded cannot be "
    "known: the traffic layer does not say. Mend or restart it; it begins with what was written."
)
TO_MEND = (
    "git records no step, also none that a watchdog asks for: it can take traffic away meanwhile, "
    "and gives none. Revert the commit that broke it, or mend the files (docs/runbook.md):"
)

Tell = Callable[[str], None]
Equip = Callable[[ModelState], tuple[Eyes, Hands]]


@dataclass(frozen=True)
class Result:
    """What became of one model. `steps` were taken, or would be; `failures` are what broke."""

    model: str
    steps: tuple[RolloutStep, ...] = ()
    failures: tuple[PipelineError, ...] = ()


@dataclass(frozen=True)
class Reconciler:
    """`equip` gives the eyes and hands for a model as git has it; `clock` the time in UTC.

    `stopped` are the models whose stop was reported: whatever git says of them, they are looked at.
    """

    repository: RolloutRepository
    equip: Equip
    clock: Callable[[], datetime]
    tell: Tell
    is_applied: bool
    stopped: Collection[str] = ()

    def run(self, models: Iterable[str] = ()) -> tuple[Result, ...]:
        """Every model, or those of `models`.

        Raises OutsideError where git does not answer, and ConfigurationError for an unknown name.
        """
        snapshot = self.repository.snapshot()
        now = self.clock()
        chosen = tuple(models)
        require_known(snapshot.models, chosen)
        names = chosen or due_models(snapshot, self.stopped, now)
        if not names:
            self.tell(f"{counted(len(snapshot.models), 'model')}, and nothing rolls out.")
            return ()
        with ThreadPoolExecutor(MODELS_AT_ONCE) as pool:
            return tuple(pool.map(lambda name: self._one(snapshot, name), names))

    def _one(self, snapshot: Snapshot, model: str) -> Result:
        """One model, to where nothing is left to do. Its failures are its own, bugs too."""
        steps: list[RolloutStep] = []
        failures: list[PipelineError] = []
        try:
            self._all_steps(snapshot, model, steps, failures)
        except PipelineError as error:
            failures.append(self._failed(model, error))
        except Exception as error:  # noqa: BLE001 (no model waits for another's bug)
            failures.append(self._failed(model, Bug.of(error)))
        return Result(model, tuple(steps), tuple(failures))

    def _all_steps(
        self,
        snapshot: Snapshot,
        model: str,
        steps: list[RolloutStep],
        failures: list[PipelineError],
    ) -> None:
        silence = _once(self.tell, f"{model}: traffic: ")
        for _ in range(MAX_STEPS):
            if not self._step(snapshot, model, steps, failures, silence):
                return
            snapshot = self.repository.snapshot()
        raise OutsideError(f"{model}: not done after {MAX_STEPS} steps. Run again.")

    def _failed(self, model: str, error: PipelineError) -> PipelineError:
        self.tell(f"{model}: {error}")
        return error

    def _remind(self, owed: Alert | None, hands: Hands, *, is_first: bool) -> list[PipelineError]:
        """Tell people what they may not know yet. Returns what failed: the next run tries again.

        Only before the first step of a run: GitHub's list may lack what a step has just told.
        """
        if owed is None or not is_first or not self.is_applied:
            return []
        try:
            hands.alert(owed)
        except PipelineError as error:
            return [self._failed(owed.title, error)]
        return []

    def _tell_step(self, state: ModelState, step: RolloutStep) -> None:
        self.tell(f"{state.model}: {step}")
        rollout = current_rollout(state.status)
        if step.is_noop and state.waiting and state.spec and rollout:
            self.tell(f"{state.model}: {told_wait(state.waiting, state.spec, rollout)}")

    def _load(self, snapshot: Snapshot, model: str) -> ModelState:
        tree = known_model(snapshot, model)
        try:
            return load_model(snapshot, tree)
        except ConfigurationError:
            self.tell(f"{model}: REFUSED as it is in {tree.commit[:12]}, so {TO_MEND}")
            raise

    def _step(
        self,
        snapshot: Snapshot,
        model: str,
        steps: list[RolloutStep],
        failures: list[PipelineError],
        silence: Tell,
    ) -> bool:
        """Look, decide, and do it. Returns whether to look again."""
        state = self._load(snapshot, model)
        if state.champion is None and state.spec is None and not state.status.ever:
            return False
        eyes, hands = self.equip(state)
        if self.is_applied and (followed := eyes.traffic.follow_addresses()):
            self.tell(f"{model}: {followed}")
        now = self.clock()
        seen = look_at(state, eyes, now, silence)
        step, bug = judged(state.spec, state.status, seen, now)
        if bug is not None:
            failures.append(self._failed(model, bug))
        self._tell_step(state, step)
        failures += self._remind(step.owed, hands, is_first=not steps)
        if step.is_noop:
            if seen.routing is None and is_over(state.status):
                failures.append(self._failed(model, OutsideError(UNCONFIRMED)))
            return False
        steps.append(step)
        if not self.is_applied:
            return False
        done = apply_step(state, step, hands, self.tell)
        failures += done.failures
        if done.is_lost:
            self.tell(f"{model}: somebody else came first. Deciding again.")
        # What failed now would fail again at once: the next run takes it up.
        return done.is_lost or not done.failures


def due_models(snapshot: Snapshot, stopped: Collection[str], now: datetime) -> list[str]:
    """The models that are not idle, and those of `stopped`; a name that git has not is nobody's."""
    found = snapshot.models.items()
    return [name for name, tree in found if name in stopped or not is_idle(tree, now)]


def is_over(status: RolloutStatus) -> bool:
    """Whether no look at the challenger judges the traffic: then its silence is no gate's ERROR."""
    rollout = current_rollout(status)
    return rollout is not None and (
        rollout.state.phase.is_ended or rollout.state.phase is Phase.PROMOTED
    )


def _once(tell: Tell, before: str) -> Tell:
    """Tells each text once, however many steps a run takes; what is empty is nothing to tell."""
    said = {""}

    def say(text: str) -> None:
        if text not in said:
            tell(before + text)
        said.add(text)

    return say
