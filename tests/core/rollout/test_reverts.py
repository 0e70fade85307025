"""What people and the watchdog did: which rule applies, what is recorded of it, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.rollout.effects import Alert, MoveAlias, SetWeights, WriteChampion
from pipeline.core.rollout.observation import Routing, Stop
from pipeline.core.rollout.reconcile import reconcile
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Kind, PauseCause, Phase
from tests.core.rollout_worlds import (
    CHALLENGER,
    CHAMPION,
    commit_of,
    in_stage,
    is_back,
    promoted,
    started,
)
from tests.rollouts import (
    BAD,
    HOUR,
    MINUTE,
    PLAN,
    START,
    identity,
    run_until,
    samples,
    spec_of,
    tick,
)

BACK = "the champion of before serves everyone."


def kinds(step):
    return [type(effect) for effect in step.effects]


def ended(step):
    """The phase and the reason of a step that ended the rollout."""
    assert step.record.kind is Kind.ENDED
    assert step.reason == step.record.reason
    return step.record.phase, step.reason


# ---------------------------------------------------------------- what ends it, and why


def test_a_reverted_merge_says_what_became_of_the_manifest() -> None:
    world, _, now = in_stage(2)
    world.spec = None
    gone = f"The merge was reverted (rollout.yaml is gone): {BACK}"
    assert ended(tick(world, now, ())) == (Phase.ROLLED_BACK, gone)

    world, first, now = started()
    world.spec = spec_of("d")
    tick(world, now + MINUTE)
    tick(world, now + 2 * MINUTE)
    world.spec = first
    earlier = f"The merge was reverted (rollout.yaml is an earlier one again): {BACK}"
    assert ended(tick(world, now + 3 * MINUTE)) == (Phase.ROLLED_BACK, earlier)


@pytest.mark.parametrize(
    ("kind", "stage", "what"),
    [
        (Kind.PROMOTED, None, "The promotion"),
        (Kind.STAGE, 2, "A stage before the promotion"),
    ],
)
def test_a_reverted_promotion_says_which_step_was_reverted(kind, stage, what) -> None:
    world, _, now = promoted()
    world.revert(commit_of(world, kind, stage))
    assert ended(tick(world, now)) == (Phase.ROLLED_BACK, f"{what} was reverted: {BACK}")


def test_the_promotion_itself_is_named_where_a_stage_was_reverted_with_it() -> None:
    world, _, now = promoted()
    world.revert(commit_of(world, Kind.PROMOTED))
    world.revert(commit_of(world, Kind.STAGE, 3))
    assert tick(world, now).reason == f"The promotion was reverted: {BACK}"


@pytest.mark.parametrize("phase", [Phase.ROLLED_BACK, Phase.ABORTED])
def test_a_reverted_stop_stays_what_it_was_and_says_why_it_was_stopped(phase) -> None:
    world, spec, now = in_stage(2)
    if phase is Phase.ABORTED:
        world.commands.add(Command(Verb.ABORT, spec.version))
        stopped = tick(world, now).record
        world.commands.clear()
    else:
        stopped = tick(world, now, samples(spec, now, challenger=BAD)).record
    world.revert(world.commits[-1])
    reason = (
        f"{stopped.name} was reverted, but what was stopped comes back only with a retry. "
        f"It was stopped because: {stopped.reason}"
    )
    step = tick(world, now + MINUTE)
    assert ended(step) == (phase, reason)
    assert step.record.answers == (stopped.sequence,)


def test_a_stop_that_is_reverted_twice_is_told_by_its_newest_record() -> None:
    world, spec, now = in_stage(2)
    tick(world, now, samples(spec, now, challenger=BAD))
    first = world.commits[-1]
    world.revert(first)
    tick(world, now + MINUTE)
    second = world.commits[-1]
    world.revert(second)
    step = tick(world, now + 2 * MINUTE)
    assert step.reason.startswith(f"{second.record.name} was reverted")
    assert step.record.answers == (first.record.sequence, second.record.sequence)


def test_an_abort_says_that_a_person_did_it_and_holds_for_its_own_version_only() -> None:
    world, spec, now = in_stage(2)
    world.commands.add(Command(Verb.ABORT, identity("d").version))
    assert tick(world, now).is_noop
    world.commands.add(Command(Verb.ABORT, spec.version))
    assert ended(tick(world, now + MINUTE)) == (Phase.ABORTED, "A person said abort.")


@pytest.mark.parametrize("letter", ["f", "a"])
def test_a_champion_that_moved_ends_the_rollout_and_is_named(letter: str) -> None:
    """After a promotion the champion of before is a step back, any other model is a step on."""
    world, _, now = promoted()
    world.champion = identity(letter).digest
    phase, found = {
        "f": (Phase.SUPERSEDED, "another model (sha256:ffffffffffff)"),
        "a": (Phase.ROLLED_BACK, "the champion of before again"),
    }[letter]
    step = tick(world, now)
    assert ended(step) == (phase, f"champion.yaml names {found}: that one serves.")
    assert step.effects[0].routing == Routing(world.champion, CHALLENGER, 0.0)
    assert WriteChampion not in kinds(step)


def test_before_a_promotion_no_other_champion_is_the_one_of_before() -> None:
    world, _, now = in_stage(2)
    world.champion = CHALLENGER
    phase, reason = ended(tick(world, now))
    assert phase is Phase.SUPERSEDED
    assert "another model (sha256:cccccccccccc)" in reason


def test_a_newer_merge_names_the_version_that_comes_and_when_it_does() -> None:
    newer = spec_of("d")
    world, _, now = in_stage(2)
    world.spec = newer
    merged = f"A newer challenger was merged ({newer.version})"
    superseded = (Phase.SUPERSEDED, f"{merged}: it starts from the champion.")
    assert ended(tick(world, now)) == superseded


def test_an_edit_of_the_running_manifest_is_called_that() -> None:
    world, spec, now = in_stage(2)
    world.spec = spec.model_copy(update={"retrain": "flight-delay-9999"})
    superseded = f"Its manifest was edited ({spec.version}): it starts from the champion."
    assert ended(tick(world, now)) == (Phase.SUPERSEDED, superseded)


# ---------------------------------------------------------------- several at once


def after_an_abort():
    world, spec, now = in_stage(2)
    aborted(world)
    tick(world, now)
    world.commands.clear()
    return world, spec, now + MINUTE


def ending_reverted(world):
    world.revert(commit_of(world, Kind.ENDED))


def merge_reverted(world):
    world.spec = None


def promotion_reverted(world):
    world.revert(commit_of(world, Kind.PROMOTED))


def aborted(world):
    world.commands.add(Command(Verb.ABORT, spec_of().version))


def stopped(world):
    world.stop = Stop(spec_of().version, 1, "errors", START)


def champion_moved(world):
    world.champion = identity("f").digest


def newer_merged(world):
    world.spec = spec_of("d")


def stage_reverted(world):
    world.revert(commit_of(world, Kind.STAGE, 2))


@pytest.mark.parametrize(
    ("world_now", "first", "second", "reason"),
    [
        (after_an_abort, ending_reverted, merge_reverted, "0003-ended.yaml was reverted"),
        (promoted, merge_reverted, promotion_reverted, "The merge was reverted"),
        (promoted, promotion_reverted, aborted, "The promotion was reverted"),
        (lambda: in_stage(2), aborted, stopped, "A person said abort."),
        (lambda: in_stage(2), stopped, champion_moved, "Stopped at the traffic layer"),
        (lambda: in_stage(2), champion_moved, newer_merged, "champion.yaml names another model"),
        (lambda: in_stage(2), newer_merged, stage_reverted, "A newer challenger was merged"),
    ],
)
def test_of_two_things_at_once_the_first_rule_decides(world_now, first, second, reason) -> None:
    world, _, now = world_now()
    first(world)
    second(world)
    assert tick(world, now, ()).reason.startswith(reason)


# ---------------------------------------------------------------- the latch


@pytest.mark.parametrize("change", [{"attempt": 2}, {"version": "2001-01-01-000000000000"}])
def test_the_latch_of_another_attempt_or_version_stops_nothing(change) -> None:
    world, spec, now = in_stage(2)
    world.stop = replace(Stop(spec.version, 1, "errors", now), **change)
    assert tick(world, now + MINUTE).is_noop


@pytest.mark.parametrize("is_alarming", [True, False])
def test_a_stop_of_the_traffic_layer_alerts_where_the_plan_asks_for_it(is_alarming) -> None:
    world, spec, now = in_stage(2, monitoring={"alert_on_failure": is_alarming})
    world.stop = Stop(spec.version, 1, "errors\n" + "x" * 2_000, now)
    step = tick(world, now + MINUTE)
    phase, reason = ended(step)
    assert phase is Phase.ROLLED_BACK
    assert reason.startswith("Stopped at the traffic layer: errors\\nxxx")
    assert len(reason) == len("Stopped at the traffic layer: ") + 1_000
    assert (Alert in kinds(step)) is is_alarming


@pytest.mark.parametrize("champion", ["a", "c"])
def test_a_stop_of_the_champion_counts_whatever_was_merged_since(champion) -> None:
    """`a`: what was merged is refused, since it was compared with another champion. `c`: it runs.

    Who stopped the champion did not know of that.
    """
    world, spec, now = promoted()
    now = run_until(world, Phase.PROMOTED, now)
    world.spec = spec_of("d", champion)
    first = tick(world, now + MINUTE)
    assert first.record.phase is (Phase.REFUSED if champion == "a" else Phase.PROGRESSING)
    world.stop = Stop(spec.version, 1, "rolled back here", now)
    world.routing = Routing(CHAMPION)
    step = tick(world, now + 2 * MINUTE)
    assert ended(step) == (Phase.ROLLED_BACK, "Stopped at the traffic layer: rolled back here")
    assert step.record.challenger == CHALLENGER
    assert (world.champion, world.routing.champion, world.alias) == (CHAMPION, CHAMPION, CHAMPION)
    assert world.stop.version == spec.version
    assert tick(world, now + 3 * MINUTE).is_noop


def test_a_stop_that_was_recorded_ends_nothing_again_once_champion_yaml_names_that_model() -> None:
    world, spec, now = promoted()
    world.stop = Stop(spec.version, 1, "rolled back here", now)
    tick(world, now + MINUTE)
    world.spec = spec_of("d")
    tick(world, now + 2 * MINUTE)
    world.champion = CHALLENGER
    world.stop = Stop(spec.version, 1, "rolled back here", now)
    assert tick(world, now + 3 * MINUTE).record.challenger != CHALLENGER


def after_a_later_refusal(*, is_bad: bool = False):
    """`c` is promoted and settled, or fails while it bakes; `d` is refused."""
    world, _, now = promoted()
    if is_bad:
        tick(world, now, samples(world.spec, now, BAD))
    now = run_until(world, Phase.ROLLED_BACK if is_bad else Phase.PROMOTED, now) + MINUTE
    world.spec = spec_of("d", "b")
    assert tick(world, now).record.phase is Phase.REFUSED
    return world, now + MINUTE


def test_a_promotion_that_is_reverted_after_a_later_refusal_is_stopped_as_any_other() -> None:
    world, now = after_a_later_refusal()
    world.revert(commit_of(world, Kind.PROMOTED))
    world.revert(commit_of(world, Kind.STAGE))
    step = tick(world, now)
    assert ended(step) == (Phase.ROLLED_BACK, f"The promotion was reverted: {BACK}")
    assert (step.record.challenger, world.champion) == (CHALLENGER, CHAMPION)
    assert (world.routing.champion, world.alias) == (CHAMPION, CHAMPION)
    assert world.stop.version == step.record.version
    assert world.status.endings_of(CHALLENGER) == (step.record,)
    assert tick(world, now + MINUTE).is_noop


@pytest.mark.parametrize("is_bad", [True, False], ids=["stopped before", "another serves"])
def test_a_reverted_promotion_ends_nothing_where_it_is_over_or_another_serves(is_bad) -> None:
    world, now = after_a_later_refusal(is_bad=is_bad)
    world.revert(commit_of(world, Kind.PROMOTED))
    if not is_bad:
        world.champion = identity("e").digest
    assert tick(world, now).record is None


def merged_later(world, now):
    """Another challenger, which is refused."""
    world.spec = spec_of("d", "b")
    return tick(world, now)


def merged_again(world, now):
    """The same model once more, which the ledger refuses."""
    world.spec = world.spec.model_copy(update={"retrain": "again"})
    return tick(world, now)


def retried(world, now):
    """Attempt 2 of the same manifest, which a person ends."""
    world.commands = {Command(Verb.RETRY, world.spec.version, 1)}
    tick(world, now)
    world.commands.add(Command(Verb.ABORT, world.spec.version))
    return tick(world, now)


@pytest.mark.parametrize("later", [merged_later, merged_again, retried])
def test_a_reverted_rollback_brings_no_champion_back_whatever_was_tried_after_it(later) -> None:
    world, spec, now = promoted()
    rollback = tick(world, now, samples(spec, now, BAD)).record
    assert rollback.phase is Phase.ROLLED_BACK
    assert later(world, now + MINUTE).record.phase.is_ended
    world.revert(commit_with(world, rollback))
    assert world.champion == CHALLENGER  # as git has it
    step = tick(world, now + 2 * MINUTE)
    phase, reason = ended(step)
    assert (phase, step.record.challenger) == (Phase.ROLLED_BACK, CHALLENGER)
    assert reason.startswith(f"{rollback.name} was reverted, but what was stopped comes back only")
    assert is_back(world)
    assert tick(world, now + 3 * MINUTE).is_noop


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_reverted_rollback_ends_what_runs_and_sends_nobody_to_what_was_stopped(
    is_stopped,
) -> None:
    world, spec, now = promoted()
    rollback = tick(world, now, samples(spec, now, BAD)).record
    world.commands = {Command(Verb.RETRY, spec.version, 1)}
    assert tick(world, now + MINUTE).record.attempt == 2
    world.revert(commit_with(world, rollback))
    if is_stopped:  # by a watchdog, at that very moment
        world.stop = Stop(spec.version, 2, "errors", now)
    step = tick(world, now + 2 * MINUTE)
    phase, reason = ended(step)
    assert phase is (Phase.ROLLED_BACK if is_stopped else Phase.SUPERSEDED)
    named = (
        f"{rollback.name} was reverted, so champion.yaml named {spec.version}, which was stopped"
    )
    assert reason.startswith("Stopped at the traffic layer" if is_stopped else named)
    assert (step.record.attempt, world.stop.attempt) == (2, 2)
    assert is_back(world)
    assert tick(world, now + 3 * MINUTE).is_noop  # the retry was used up
    world.revert(commit_with(world, step.record))  # which had put champion.yaml right
    assert ended(tick(world, now + 4 * MINUTE))[0] is phase
    assert is_back(world)


def test_a_reverted_rollback_sends_nobody_back_where_its_promotion_was_reverted_too() -> None:
    world, spec, now = promoted()
    rollback = tick(world, now, samples(spec, now, BAD)).record
    world.revert(commit_of(world, Kind.PROMOTED))
    world.commands = {Command(Verb.RETRY, spec.version, 1)}
    tick(world, now + MINUTE)
    world.revert(commit_with(world, rollback))
    assert ended(tick(world, now + 2 * MINUTE))[0] is Phase.SUPERSEDED
    assert is_back(world)


def test_a_rollback_of_a_champion_that_was_promoted_anew_since_may_be_reverted() -> None:
    world, spec, now = promoted()
    rollback = tick(world, now, samples(spec, now, BAD)).record
    world.commands = {Command(Verb.RETRY, spec.version, 1)}
    tick(world, now)
    now = run_until(world, Phase.PROMOTED, now + MINUTE)
    world.revert(commit_with(world, rollback))
    assert tick(world, now + MINUTE).is_noop
    assert is_back(world, CHALLENGER)


def commit_with(world, record):
    return next(commit for commit in world.commits if commit.record == record)


# ---------------------------------------------------------------- a stage or a resume


def test_a_reverted_stage_is_recorded_as_a_pause_that_a_person_must_end() -> None:
    world, _, now = in_stage(3)
    reverted = commit_of(world, Kind.STAGE, 3).record
    world.revert(commit_of(world, Kind.STAGE, 3))
    step = tick(world, now)
    record = step.record
    assert (record.kind, record.phase, record.pause) == (
        Kind.PAUSED,
        Phase.PAUSED,
        PauseCause.REVERT,
    )
    assert (record.stage, record.weight_percent, record.stage_since) == (2, 50, now)
    assert (record.pause_sequence, record.is_released) == (record.sequence, False)
    assert record.answers == (reverted.sequence,)
    assert step.reason == (
        f"Reverted: {reverted.name}. The challenger has 50 % until a person resumes it."
    )
    assert step.effects[0] == SetWeights(Routing(CHAMPION, CHALLENGER, 50.0))


def test_a_stage_that_was_brought_back_and_reverted_once_more_is_taken_back_once_more() -> None:
    world, spec, now = in_stage(2)
    stage = commit_of(world, Kind.STAGE)
    for number in (1, 2):
        world.revert(stage)
        paused = tick(world, now).record
        assert (paused.phase, paused.weight_percent) == (Phase.PAUSED, 5.0)
        assert paused.answers == (stage.record.sequence,)
        assert tick(world, now).is_noop
        stage.is_reverted = False  # the revert is reverted, and a person goes on
        world.commands = {Command(Verb.RESUME, spec.version, paused.sequence)}
        assert tick(world, now).record.phase is Phase.PROGRESSING
        now = run_until(world, Phase.PROGRESSING, now + HOUR)
        assert len([c for c in world.commits if c.record.kind is Kind.PAUSED]) == number


def test_of_several_reverted_stages_the_earliest_decides_and_all_are_named() -> None:
    world, _, now = in_stage(3)
    records = [commit_of(world, Kind.STAGE, number).record for number in (2, 3)]
    for number in (3, 2):
        world.revert(commit_of(world, Kind.STAGE, number))
    step = tick(world, now)
    assert (step.record.stage, world.routing.challenger_percent) == (1, 5)
    names = ", ".join(record.name for record in records)
    assert step.reason.startswith(f"Reverted: {names}. The challenger has 5 %")
    assert step.record.answers == tuple(record.sequence for record in records)


def test_a_stage_that_was_reverted_behind_a_later_one_takes_that_back_as_well() -> None:
    world, _, now = in_stage(3)
    world.revert(commit_of(world, Kind.STAGE, 2))
    record = tick(world, now).record
    assert (record.stage, record.weight_percent) == (1, 5)


@pytest.mark.parametrize(("number", "weight"), [(2, 50), (3, 100)])
def test_a_reverted_resume_of_a_persons_pause_keeps_the_weight(number: int, weight: float) -> None:
    world, spec, now = in_stage(number)
    pause = Command(Verb.PAUSE, spec.version)
    world.commands.add(pause)
    tick(world, now)
    world.commands.remove(pause)
    assert tick(world, now + MINUTE).record.kind is Kind.RESUMED
    world.revert(world.commits[-1])
    record = tick(world, now + 2 * MINUTE).record
    assert (record.stage, record.weight_percent, record.pause) == (
        number,
        weight,
        PauseCause.REVERT,
    )


def test_a_hold_that_a_person_ended_before_the_revert_is_not_ended_any_more() -> None:
    stages = [
        {**stage, "hold": stage["traffic_percentage"] == 5} for stage in PLAN["canary_stages"]
    ]
    world, spec, now = started(canary_stages=stages)
    held = tick(world, now + HOUR).record
    world.commands.add(Command(Verb.RESUME, spec.version, held.sequence))
    assert tick(world, now + HOUR + MINUTE).record.is_released
    assert tick(world, now + HOUR + 2 * MINUTE).record.stage == 2
    world.revert(commit_of(world, Kind.STAGE, 2))
    record = tick(world, now + HOUR + 3 * MINUTE).record
    assert (record.stage, record.pause, record.is_released) == (1, PauseCause.REVERT, False)


def test_a_reverted_resume_pauses_again_at_the_same_weight() -> None:
    world, spec, now = in_stage(3)
    world.revert(commit_of(world, Kind.STAGE, 3))
    paused = tick(world, now).record
    world.commands.add(Command(Verb.RESUME, spec.version, paused.sequence))
    resumed = tick(world, now + MINUTE).record
    world.revert(world.commits[-1])
    again = tick(world, now + 2 * MINUTE).record
    assert (again.kind, again.stage, again.weight_percent) == (Kind.PAUSED, 2, 50)
    assert again.answers == (resumed.sequence,)
    assert tick(world, now + 5 * HOUR).is_noop


def test_trouble_is_over_once_a_revert_took_the_weight_back() -> None:
    world, spec, now = in_stage(2)
    assert tick(world, now, samples(spec, now, error="500")).record.trouble is not None
    world.revert(commit_of(world, Kind.STAGE, 2))
    assert tick(world, now + MINUTE).record.trouble is None


# ---------------------------------------------------------------- how a rollout ends


def test_an_ending_latches_the_attempt_with_its_reason_and_its_moment() -> None:
    world, spec, now = in_stage(2)
    world.commands.add(Command(Verb.ABORT, spec.version))
    step = tick(world, now)
    assert step.effects[0] == SetWeights(
        Routing(CHAMPION, CHALLENGER, 0.0), Stop(spec.version, 1, "A person said abort.", now)
    )
    assert (step.record.weight_percent, step.record.at) == (0, now)


def test_an_ending_moves_an_alias_and_writes_a_champion_only_where_they_are_wrong() -> None:
    world, spec, now = in_stage(2)
    world.commands.add(Command(Verb.ABORT, spec.version))
    assert not {MoveAlias, WriteChampion, Alert} & set(kinds(tick(world, now)))

    world, spec, now = promoted()
    world.commands.add(Command(Verb.ABORT, spec.version))
    step = tick(world, now)
    assert MoveAlias(CHAMPION) in step.effects
    assert WriteChampion(champion=spec.champion) in step.effects


def test_an_ending_of_what_was_paused_is_no_pause_any_more() -> None:
    world, spec, now = in_stage(2)
    world.commands.add(Command(Verb.PAUSE, spec.version))
    assert tick(world, now).record.pause is PauseCause.COMMAND
    world.commands.add(Command(Verb.ABORT, spec.version))
    record = tick(world, now + MINUTE).record
    assert (record.phase, record.pause, record.pause_sequence) == (Phase.ABORTED, None, None)


def test_a_reason_that_is_too_long_for_a_record_is_cut() -> None:
    world, spec, now = in_stage(2)
    step = tick(world, now, samples(spec, now, challenger=BAD))
    commit = world.commits[-1]
    commit.record = step.record.model_copy(update={"reason": "x" * 4_000})
    world.revert(commit)
    record = tick(world, now + MINUTE).record
    assert len(record.reason) == 4_000
    assert record.reason.startswith(f"{commit.record.name} was reverted")


def test_nothing_that_people_do_ends_a_rollout_twice() -> None:
    world, spec, now = in_stage(2)
    world.commands.add(Command(Verb.ABORT, spec.version))
    tick(world, now)
    world.champion = identity("f").digest
    world.stop = Stop(spec.version, 1, "errors", START)
    step = reconcile(world.spec, world.status, world.observe(()), now + MINUTE)
    assert step.record is None
