"""Any order of merges, looks, crashes, reverts and commands: the invariants of a rollout hold.

PERENNIAL_MACHINE_EXAMPLES and PERENNIAL_MACHINE_STEPS scale it: 2,000 examples of 60 steps are
more than 100,000 steps.
"""

from __future__ import annotations

import functools
import os
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pipeline.core.rollout.observation import Health, Routing, Stop
from pipeline.core.rollout.reconcile import reconcile
from pipeline.core.rollout.state import current_rollout
from pipeline.core.rollout.world import World
from pipeline.domain import Verdict
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Kind, Phase
from tests.rollouts import BAD, GOOD, HOUR, MINUTE, MODEL, START, samples, spec_of

EXAMPLES = int(os.environ.get("PERENNIAL_MACHINE_EXAMPLES", "60"))
STEPS = int(os.environ.get("PERENNIAL_MACHINE_STEPS", "50"))

LOOKS = st.sampled_from(
    ["good", "good", "good", "good", "bad", "both bad", "few", "nan", "inf", "none", "500",
     "stale", "other version"]
)  # fmt: skip
RUNNING = st.sampled_from(["good", "good", "good", "few", "both bad"])
HEALTH = st.sampled_from([True] * 18 + [False, None])
KILLS = st.sampled_from([None] * 8 + [0, 1, 2, 3, 4, 5])
VERBS = st.sampled_from([Verb.PAUSE, Verb.PROMOTE, Verb.PROMOTE, *[Verb.RESUME] * 4, Verb.ABORT])
WAITS = st.sampled_from([0 * MINUTE, MINUTE, 5 * MINUTE, HOUR, 7 * HOUR, timedelta(days=2)])
CHANGES = {
    "few": {"n": 12.0},
    "nan": {"value": float("nan")},
    "inf": {"value": float("-inf")},
    "500": {"error": "500"},
    "stale": {"sampled_at": START - HOUR},
    "other version": {"version": "2001-01-01-000000000000"},
}
STOPPED = (Phase.ROLLED_BACK, Phase.ABORTED)


def figures(spec, look, now):
    if spec is None or look == "none":
        return ()
    challenger = BAD if look in ("bad", "both bad") else GOOD
    champion = BAD if look == "both bad" else GOOD
    return samples(spec, now, challenger, champion, **CHANGES.get(look, {}))


@functools.cache
def _manifest(letter, serving, bake, limit):
    return spec_of(
        letter,
        serving,
        bake_after_promotion="1h" if bake else None,
        limits={"deadline": "6h", "failure_limit": limit, "inconclusive_limit": 40},
    )


class Rollouts(RuleBasedStateMachine):
    """One model's rollouts, and everything that may happen to them."""

    @initialize(bake=st.booleans(), limit=st.sampled_from([1, 3]), hours=st.integers(0, 4))
    def begin(self, bake: bool, limit: int, hours: int) -> None:
        self.now = START
        self.bake, self.limit = bake, limit
        self.world = World(MODEL, champion=f"sha256:{'a' * 64}")
        self.manifests = [None]
        self.letters = iter("bcdef0123456789")
        self.known = {self.world.champion}
        self.retried: set[tuple[str, int]] = set()
        self._merge_and_run(hours)

    # -------------------------------------------------------------- the reconciler

    @rule(look=LOOKS, champion=HEALTH, challenger=HEALTH, kill=KILLS, wait=WAITS)
    def reconcile(self, look, champion, challenger, kill, wait) -> None:
        self.now += wait
        world = self.world
        spec = world.in_force
        seen = figures(spec, look, self.now)
        observation = world.observe(seen, Health(champion), Health(challenger))
        before = (self._files(), world.routing, world.champion, world.alias)
        step = reconcile(spec, world.status, observation, self.now)
        assert step == reconcile(spec, world.status, observation, self.now)
        self._only_pass_advances(step, look)
        world.apply(step.effects[:kill], self.now)
        if kill and step.record is not None and step.record.phase.is_ended:
            self._is_stopped_for_good(step.record)
        if step.is_noop:
            assert before == (self._files(), world.routing, world.champion, world.alias)
        self._what_was_stopped_stays_stopped()

    @rule(
        look=st.sampled_from(["good", "good", "good", "few", "both bad"]), hours=st.integers(1, 3)
    )
    def run_on(self, look, hours) -> None:
        for _ in range(hours):
            self.reconcile(look, True, True, None, HOUR)

    # -------------------------------------------------------------- people

    @precondition(lambda self: not self._runs())
    @rule(hours=st.integers(0, 4))
    def merge_the_next(self, hours) -> None:
        self._merge_and_run(hours)

    @precondition(lambda self: not self._runs() and self.world.spec is not None)
    @rule()
    def merge_the_same_again(self) -> None:
        """Another manifest of a model that was stopped: the ledger refuses it."""
        again = self.world.spec.model_copy(update={"retrain": f"again-{len(self.manifests)}"})
        self.world.spec = again
        self.manifests.append(again)
        self.reconcile("good", True, True, None, HOUR)

    @precondition(lambda self: self._runs())
    @rule(really=st.sampled_from([True, False, False]), hours=st.integers(0, 1))
    def merge_on_top(self, really, hours) -> None:
        if really:
            self._merge_and_run(hours)

    @precondition(lambda self: self.world.spec is not None)
    @rule(really=st.sampled_from([True, False, False]))
    def revert_merge(self, really) -> None:
        if really:
            self.world.spec = self.manifests[self.manifests.index(self.world.spec) - 1]

    @precondition(lambda self: self.world.commits)
    @rule(data=st.data(), at_once=st.booleans())
    def revert(self, data, at_once) -> None:
        there = [c for c in self.world.commits if not c.is_reverted]
        if not there:
            return
        commit, before = data.draw(st.sampled_from(there[-6:])), current_rollout(self.world.status)
        self.world.revert(commit)
        if at_once and self.world.spec is not None:
            self.reconcile("good", True, True, None, 0 * MINUTE)
            self._answers_the_revert(commit.record, before.state)

    @precondition(lambda self: any(c.is_reverted for c in self.world.commits))
    @rule(data=st.data())
    def revert_the_revert(self, data) -> None:
        gone = [c for c in self.world.commits if c.is_reverted and c.record.kind is Kind.STAGE]
        if gone:
            data.draw(st.sampled_from(gone)).is_reverted = False

    @precondition(lambda self: self.world.commits)
    @rule(verb=VERBS)
    def command(self, verb) -> None:
        self._tell(verb)

    @precondition(lambda self: self.world.commits and not self._runs())
    @rule(hours=st.integers(0, 3))
    def retry(self, hours) -> None:
        """A person tries again what was stopped, and takes an abort of it back."""
        self._tell(Verb.RETRY)
        self.world.commands = {c for c in self.world.commands if c.verb is Verb.RETRY}
        for _ in range(hours):
            self.reconcile("good", True, True, None, HOUR)

    def _tell(self, verb) -> None:
        rollout = current_rollout(self.world.status)
        state = rollout.state
        number = {
            Verb.RESUME: state.pause_sequence or 1,
            Verb.PROMOTE: rollout.entered.sequence if rollout.entered else 1,
            Verb.RETRY: len(self.world.status.endings_of(state.challenger)) or 1,
        }.get(verb)
        self.world.commands.add(Command(verb, state.version, number))
        if verb is Verb.RETRY:
            self.retried.add((state.challenger, number))

    @precondition(lambda self: self.world.commands)
    @rule(data=st.data())
    def take_back_a_command(self, data) -> None:
        commands = sorted(self.world.commands, key=str)
        self.world.commands.discard(data.draw(st.sampled_from(commands)))

    # -------------------------------------------------------------- servers

    @precondition(lambda self: self.world.commits)
    @rule()
    def watchdog(self) -> None:
        state = current_rollout(self.world.status).state
        routing = self.world.routing
        if routing.challenger_percent and not state.phase.is_ended:
            self.world.routing = Routing(routing.champion)
            self.world.stop = Stop(state.version, state.attempt, "seen at the proxy", self.now)
            self._is_stopped_for_good(state)

    @rule(weight=st.sampled_from([0.0, 5.0, 50.0]))
    def the_provider_forgets(self, weight) -> None:
        """Restarted from an older file: other weights, and champion.yaml's champion."""
        state = current_rollout(self.world.status)
        if self.world.stop is None and state is not None and not state.state.phase.is_ended:
            challenger = state.state.challenger
            if challenger != self.world.champion:
                self.world.routing = Routing(self.world.champion, challenger, weight)

    # -------------------------------------------------------------- what must hold

    @invariant()
    def weights_sum_to_100_and_the_champion_is_defined(self) -> None:
        if not hasattr(self, "world"):
            return
        routing = self.world.routing
        assert routing.champion_percent + routing.challenger_percent == 100
        assert 0 <= routing.challenger_percent <= 100
        assert {routing.champion, self.world.champion, self.world.alias} <= self.known

    @invariant()
    def sequences_are_never_used_twice(self) -> None:
        if hasattr(self, "world"):
            numbers = [commit.record.sequence for commit in self.world.commits]
            assert numbers == sorted(set(numbers))

    def teardown(self) -> None:
        """Once nothing more happens, routing, alias and pointer agree with the state."""
        if not hasattr(self, "world"):
            return
        for _ in range(6):
            spec = self.world.in_force
            seen = figures(spec, "good", self.now)
            observation = self.world.observe(seen)
            step = reconcile(spec, self.world.status, observation, self.now)
            self.world.apply(step.effects, self.now)
        if "traffic stays as it is" in step.reason:  # champion.yaml names what was stopped
            assert self.world.alias == self.world.routing.champion != self.world.champion
            return
        assert self.world.alias == self.world.champion
        rollout = current_rollout(self.world.status)
        if rollout is None:
            return
        assert self.world.routing.champion == self.world.champion
        if rollout.state.phase.is_ended or rollout.state.phase.is_promoted:
            assert self.world.routing.agrees_with(Routing(self.world.champion))
        elif rollout.state.phase is not Phase.PENDING:
            assert self.world.routing.challenger_percent == rollout.state.weight_percent

    def _is_stopped_for_good(self, state) -> None:
        """Killed after its first effect, or stopped at the proxy: the next run ends it.

        A killed end need not be of the newest rollout: what was merged since may be refused.
        """
        self.reconcile("good", True, True, None, MINUTE)
        stops = self.world.status.endings_of(state.challenger)
        assert state.attempt in {record.attempt for record in stops}

    def _answers_the_revert(self, record, before) -> None:
        """What the table of reverts says, one reconcile later."""
        state = current_rollout(self.world.status).state
        same = {(one.spec, one.attempt) for one in (record, before, state)}
        if len(same) > 1:  # a commit of an earlier rollout, or a newer one has begun since
            return
        if record.kind is Kind.ENDED or before.phase.is_ended or record.kind is Kind.PROMOTED:
            if record.kind is not Kind.WAITING:
                assert state.phase.is_ended
        elif record.kind is Kind.STAGE:
            weights = {1: 0.0, 2: 5.0, 3: 50.0}
            assert state.phase.is_ended or state.phase is Phase.PAUSED
            assert self.world.routing.challenger_percent <= weights[record.stage]

    def _runs(self) -> bool:
        rollout = current_rollout(self.world.status)
        return rollout is not None and not rollout.state.phase.is_ended

    def _merge_and_run(self, hours) -> None:
        letter, serving = next(self.letters, None), self.world.champion[-1]
        if letter in (None, serving):
            return
        self.world.spec = _manifest(letter, serving, self.bake, self.limit)
        self.known.add(self.world.spec.challenger.digest)
        self.manifests.append(self.world.spec)
        for _ in range(hours + 1):
            self.reconcile("good", True, True, None, HOUR)

    def _only_pass_advances(self, step, look) -> None:
        record = step.record
        if record is None or record.kind not in (Kind.STAGE, Kind.PROMOTED, Kind.SETTLED):
            return
        is_first = record.kind is Kind.STAGE and record.stage == 1
        if not is_first:
            assert (record.verdict, look) == (Verdict.PASS, "good")

    def _what_was_stopped_stays_stopped(self) -> None:
        routing = self.world.routing
        digest = routing.challenger
        if digest is None or not routing.challenger_percent:
            return
        stops = self.world.status.endings_of(digest)
        last = current_rollout(self.world.status)
        if stops and stops[-1].phase in STOPPED and last.state.challenger == digest:
            is_stopped_now = last.state.attempt == stops[-1].attempt
            assert not is_stopped_now or last.state.phase is not Phase.PROGRESSING
            if last.state.attempt > stops[-1].attempt:
                assert (digest, len(stops)) in self.retried

    def _files(self):
        return [commit.record for commit in self.world.commits if not commit.is_reverted]


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
