"""The watchdog's looks: traffic becomes what git says, and a challenger that fails is stopped.

It decides with the same pure core as the reconciler and takes of a step only what takes traffic
away, or what git has recorded already. It writes nothing in git: that something is due there is
reported. Metrics may be down, git and GitHub too: it goes on from what it knew last. So it does
where a model's newest files are refused, and then it gives no challenger more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pipeline.core.rollout.effects import Commit, RolloutStep, SetWeights
from pipeline.core.rollout.observation import Observation, Stop
from pipeline.core.rollout.state import current_rollout
from pipeline.errors import Bug, ConfigurationError, PipelineError
from pipeline.rolling.earlier import Readings
from pipeline.rolling.effects import Hands, decided_from, with_missed
from pipeline.rolling.giving import gives_more
from pipeline.rolling.idle import is_idle
from pipeline.rolling.judging import judged
from pipeline.rolling.latch import Beside, Decided, Latch
from pipeline.rolling.model_state import ModelState
from pipeline.rolling.observe import look_at
from pipeline.rolling.reports import CHECK, STOPPED, report_of
from pipeline.rolling.settings import Equipment
from pipeline.rolling.snapshot import ModelTree, Snapshot
from pipeline.rollout_status import Kind, Record, RolloutStatus, Trouble

REPEAT = timedelta(minutes=15)  # until git has recorded it, it is said again
IDLE_EVERY = timedelta(minutes=5)  # a latch is a file to read for each model that is idle
MODELS_AT_ONCE = 16

Report = Callable[[str, str, dict[str, Any]], None]  # id of 16 hex digits, event type, payload


@dataclass
class Watchdog:
    """Looks at every model whose traffic is set on this machine. `report` keeps what it is told."""

    equipment: Equipment
    report: Report
    is_applied: bool
    _readings: Readings = field(default_factory=Readings)
    _told: dict[str, list[str]] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)
    _done: dict[str, tuple[str, Beside | None]] = field(default_factory=dict)
    _asked_idle: datetime | None = None

    def look(self, snapshot: Snapshot, only: frozenset[str] = frozenset()) -> list[PipelineError]:
        """One look at each model, side by side. Returns what failed, which was told already."""
        known = snapshot.models.values()
        trees = [tree for tree in known if tree.name in only] if only else self._due(known)
        with ThreadPoolExecutor(MODELS_AT_ONCE) as pool:
            found = pool.map(lambda tree: self._one(snapshot, tree), trees)
            return [error for error in found if error is not None]

    def _due(self, trees: Iterable[ModelTree]) -> list[ModelTree]:
        """All but the idle ones; now and then also those that there is news of."""
        now = self.equipment.clock()
        is_time = self._asked_idle is None or abs(now - self._asked_idle) >= IDLE_EVERY
        if is_time:
            self._asked_idle = now
        return [
            tree for tree in trees if not is_idle(tree, now) or (is_time and self._is_news(tree))
        ]

    def _is_news(self, tree: ModelTree) -> bool:
        """Whether git or the latch of an idle model is not as in a look that left nothing to do.

        So a rollback that is known here alone is reported, and a machine that was off or cut off
        for days does what git has recorded meanwhile. Where no weights were ever set here there is
        no latch, and no server is asked; what cannot be read is looked at, which says why.
        """
        try:
            beside = Latch(self.equipment.folder(tree.name)).found()
        except ConfigurationError:
            return False  # no settings of it: it is served elsewhere
        if beside is None:
            return True
        return beside != Beside() and self._done.get(tree.name) != (tree.commit, beside)

    def _one(self, snapshot: Snapshot, tree: ModelTree) -> PipelineError | None:
        try:
            read = self._readings.of(snapshot, tree)
            self._say_once(f"{tree.name}/refused", read.refusal)
            if read.state is not None:
                self._watch(read.state, is_earlier=read.is_earlier)
            if read.error is not None:
                return self._failed(tree.name, read.error)
            self._say_once(f"{tree.name}/look", "")
        except PipelineError as error:
            return self._failed(tree.name, error)
        except Exception as error:  # noqa: BLE001 (what watches must outlive a bug of ours)
            return self._failed(tree.name, Bug.of(error))
        return None

    def _failed(self, model: str, error: PipelineError) -> PipelineError:
        self._say_once(f"{model}/look", f"{model}: {error}")
        return error

    def _say_once(self, subject: str, line: str) -> None:
        """What goes on for hours is told once, until it is over (an empty `line`) or changes."""
        if line and line != self._said.get(subject):
            self.equipment.tell(line)
        self._said[subject] = line

    def _watch(self, state: ModelState, *, is_earlier: bool) -> None:
        latch = Latch(self.equipment.folder(state.model))
        eyes, hands = self.equipment.equip(state, latch)
        if self.is_applied:
            followed = eyes.traffic.follow_addresses()
            self._say_once(
                f"{state.model}/addresses", f"{state.model}: {followed}" * bool(followed)
            )
        now = self.equipment.clock()
        beside = latch.found(lambda why: self._tell_latch(state.model, why))
        status = with_trouble(state.status, beside or Beside())
        seen = look_at(state, eyes, now, lambda why: self._tell_silence(state.model, why))
        step, bug = judged(state.spec, status, seen, now)
        look = _Look(state, seen, step, now, is_earlier)
        self._tell(state.model, step)
        if look.is_done:
            self._done[state.model] = (state.tree.commit, beside)
        if self.is_applied:
            self._act(look, latch, beside, hands)
        if bug is not None:
            raise bug  # once all is done that can be done without figures

    def _act(self, look: _Look, latch: Latch, beside: Beside | None, hands: Hands) -> None:
        step, state, missed = look.step, look.state, ""
        is_trouble = step.record is not None and step.record.kind in (Kind.HELD, Kind.CLEARED)
        try:
            if step.record is not None and is_trouble and beside is not None:
                _remember(latch, step.record, state.status)
            self._take_away(look, hands)
        except PipelineError as error:
            missed = str(error)
            raise
        finally:  # a traffic layer or a disk that does not answer is one more reason to tell git
            self._report(look, missed)

    def _tell(self, model: str, step: RolloutStep) -> None:
        """A step that is still due is not told at each look; its reason may count the seconds."""
        _, *due = str(step).splitlines()
        if step.effects and self._told.get(model) != due:
            self.equipment.tell(f"{model}: {step}")
        self._told[model] = due

    def _tell_latch(self, model: str, why: str) -> None:
        self._say_once(f"{model}/latch", f"{model}: {why}" if why else "")

    def _tell_silence(self, model: str, why: str) -> None:
        self._say_once(f"{model}/traffic", f"{model}: traffic: {why}" if why else "")

    def _take_away(self, look: _Look, hands: Hands) -> None:
        """The weights that a step sets before its commit: those never give a challenger more.

        Without a commit in the step, git has recorded them already; where that was earlier, it may
        have been taken back since.
        """
        for effect in look.step.effects:
            if isinstance(effect, Commit):
                return
            if isinstance(effect, SetWeights) and not (look.is_earlier and look.gives(effect)):
                kept = replace(effect, stop=look.stop) if look.step.record else effect
                hands.set_weights(kept, look.decided)

    def _report(self, look: _Look, missed: str) -> None:
        """Something is due in git: a stop with its reason, or just a look.

        What was `missed` here is told with the reason: a job elsewhere takes the traffic for moved.
        """
        record, model = look.step.record, look.state.model
        if record is None:
            return
        event = STOPPED if look.stop is not None else CHECK
        if look.is_earlier and event is CHECK:
            return  # a job would refuse the newest files as well
        bucket = int(look.now.timestamp() // REPEAT.total_seconds())
        what = f"{event}/{model}/{record.version}/{record.attempt}/{record.name}/{bucket}"
        event_id = hashlib.sha256(what.encode()).hexdigest()[:16]
        stop = look.stop and replace(look.stop, reason=with_missed(look.stop.reason, missed))
        self.report(event_id, event, report_of(model, stop))


@dataclass(frozen=True)
class _Look:
    """One look at one model: what was seen, and the step that the core made of it.

    `is_earlier`: `state` is not what git's newest files say, since they are refused.
    """

    state: ModelState
    seen: Observation
    step: RolloutStep
    now: datetime
    is_earlier: bool

    @property
    def decided(self) -> Decided:
        """The attempt is that of the step's record, and the newest record is the one in git."""
        known = decided_from(self.state.status, None)
        return replace(known, attempt=self.step.record.attempt) if self.step.record else known

    def gives(self, effect: SetWeights) -> bool:
        """Whether the challenger would get more than it has."""
        rollout = current_rollout(self.state.status)
        challenger = rollout.state.challenger if rollout else ""
        return gives_more(challenger, self.seen.routing, effect.routing)

    @property
    def is_done(self) -> bool:
        """Whether the traffic is as git says, and nothing is due in git."""
        is_due = any(isinstance(effect, SetWeights) for effect in self.step.effects)
        return not (is_due or self.step.record or self.is_earlier) and self.seen.routing is not None

    @property
    def stop(self) -> Stop | None:
        """The latch of an end by what was measured here. What people decided is in git anyway.

        One that is set already stays as it is, with its first reason and time.
        """
        record = self.step.record
        if record is None or record.kind is not Kind.ENDED:
            return None
        there = self.seen.stop
        if there is not None and (there.version, there.attempt) == (record.version, record.attempt):
            return there
        if self.step.verdict is None:
            return None
        return Stop(record.version, record.attempt, record.reason, self.now)


def with_trouble(status: RolloutStatus, beside: Beside) -> RolloutStatus:
    """`status` with the trouble that this watchdog has seen and git does not know yet."""
    rollout = current_rollout(status)
    if rollout is None or beside.trouble_of is None:
        return status
    record = rollout.state
    whose, _, sequence = beside.trouble_of.rpartition("/")
    if whose != _whose(record):
        return status
    is_newest = sequence == str(record.sequence)
    if not is_newest and (record.trouble is not None or beside.trouble is None):
        return status
    return _replaced(status, record, beside.trouble)


def _replaced(status: RolloutStatus, record: Record, trouble: Trouble | None) -> RolloutStatus:
    mended = record.model_copy(update={"trouble": trouble})
    records = tuple(mended if r.sequence == record.sequence else r for r in status.records)
    return replace(status, records=records)


def _remember(latch: Latch, record: Record, status: RolloutStatus) -> None:
    """Trouble that began or is over, so that its time is known after a restart too."""
    newest = current_rollout(status)
    sequence = newest.state.sequence if newest else 0
    with latch.held():
        told = f"{_whose(record)}/{sequence}"
        latch.save(replace(latch.load(), trouble=record.trouble, trouble_of=told))


def _whose(record: Record) -> str:
    return f"{record.version}/{record.attempt}"
