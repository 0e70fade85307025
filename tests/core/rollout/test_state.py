"""What the records of a rollout say of it, and what follows for its stage and its traffic."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.core.rollout.observation import Routing
from pipeline.core.rollout.state import (
    Rollout,
    Situation,
    current_rollout,
    stage_of,
    wanted_routing,
)
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_config import PlannedStage
from pipeline.rollout_status import Kind, PauseCause, Phase, Record, RolloutStatus
from tests.core.rollout_worlds import CHALLENGER, CHAMPION, commit_of, in_stage, promoted, started
from tests.rollouts import BAD, MINUTE, START, champion_of, samples, spec_of, tick

OTHER = f"sha256:{'f' * 64}"


def record_in(phase: Phase, **changes) -> Record:
    """The state of a rollout in `phase`, with 5 % of the traffic where it has not ended."""
    fields = {
        "model": "flight-delay",
        "sequence": 7,
        "at": START,
        "kind": Kind.STAGE,
        "phase": phase,
        "version": spec_of().version,
        "spec": spec_of().digest,
        "challenger": CHALLENGER,
        "champion": CHAMPION,
        "stage": 1,
        "weight_percent": 0.0 if phase.is_ended else 5.0,
        "stage_since": START,
        "reason": "as it was",
    }
    if phase.is_promoted:
        fields["champion_before"] = champion_of("a")
    if phase is Phase.PAUSED:
        fields |= {"pause": PauseCause.COMMAND, "pause_sequence": 7}
    return Record(**fields | changes)


# ---------------------------------------------------------------- the rollout of the records


def test_a_model_without_records_has_no_rollout() -> None:
    assert current_rollout(RolloutStatus("flight-delay")) is None


def test_the_state_is_the_newest_record_that_is_there() -> None:
    world, _, _ = in_stage(3)
    first, second, third = world.status.records
    assert current_rollout(world.status) == Rollout(state=third, entered=third)
    world.revert(commit_of(world, Kind.STAGE, 3))
    found = current_rollout(world.status)
    assert found == Rollout(state=second, entered=second, unanswered=(third,))
    world.revert(commit_of(world, Kind.STAGE, 1))
    assert current_rollout(world.status).unanswered == (first, third)


def test_a_reverted_record_that_another_one_answers_is_answered() -> None:
    world, _, now = in_stage(3)
    world.revert(commit_of(world, Kind.STAGE, 3))
    paused = tick(world, now).record
    found = current_rollout(world.status)
    assert (found.state, found.unanswered) == (paused, ())
    assert found.entered == commit_of(world, Kind.STAGE, 2).record


def test_the_stage_was_entered_by_the_newest_record_that_entered_it() -> None:
    world, spec, now = started()
    world.revert(commit_of(world, Kind.STAGE, 1))
    paused = tick(world, now + MINUTE).record
    assert current_rollout(world.status).entered is None
    world.commands.add(Command(Verb.RESUME, spec.version, paused.sequence))
    tick(world, now + 2 * MINUTE)
    again = tick(world, now + 3 * MINUTE).record
    assert (again.kind, again.stage) == (Kind.STAGE, 1)
    world.commits[0].is_reverted = False
    assert current_rollout(world.status).entered == again


def test_where_every_record_was_reverted_nothing_was_done_yet() -> None:
    world, _, _ = started()
    record = world.status.records[0]
    world.revert(world.commits[0])
    found = current_rollout(world.status)
    assert found.unanswered == (record,)
    assert found.state == record.model_copy(
        update={
            "kind": Kind.WAITING,
            "phase": Phase.PENDING,
            "stage": 0,
            "weight_percent": 0.0,
            "reason": "nothing was done yet",
            "gates": (),
            "samples": (),
            "verdict": None,
        }
    )


def test_a_promotion_is_known_with_the_champion_of_before_reverted_or_not() -> None:
    world, spec, _ = in_stage(2)
    assert current_rollout(world.status).champion_before is None
    world, spec, _ = promoted()
    promotion = commit_of(world, Kind.PROMOTED)
    for _ in range(2):
        found = current_rollout(world.status)
        assert (found.promotion, found.champion_before) == (promotion.record, spec.champion)
        world.revert(promotion)


def test_a_retry_is_a_rollout_of_its_own() -> None:
    world, spec, now = in_stage(2)
    tick(world, now, samples(spec, now, challenger=BAD))
    world.commands.add(Command(Verb.RETRY, spec.version, 1))
    retried = tick(world, now + MINUTE).record
    world.revert(commit_of(world, Kind.STAGE, 2))
    found = current_rollout(world.status)
    assert (found.state, found.state.attempt, found.unanswered) == (retried, 2, ())
    world.revert(world.commits[-1])
    nothing = current_rollout(world.status).state
    assert (nothing.phase, nothing.attempt) == (Phase.PENDING, 2)


def test_a_person_promotes_the_stage_that_is_entered_and_no_other_and_no_bake() -> None:
    def is_promoting(world, number):
        world.commands.add(Command(Verb.PROMOTE, spec_of().version, number))
        rollout = current_rollout(world.status)
        return Situation(world.spec, world.status, rollout, world.observe(), START).is_promoting()

    world, _, _ = in_stage(2)
    assert not is_promoting(world, 1)
    assert is_promoting(world, 2)
    world, _, _ = promoted()
    assert not is_promoting(world, 3)
    world, _, now = started()
    world.revert(world.commits[0])
    tick(world, now + MINUTE)
    assert not is_promoting(world, 1)


# ---------------------------------------------------------------- its stage


@pytest.mark.parametrize(("number", "weight"), [(1, 5), (2, 50), (3, 100)])
def test_the_stage_of_a_rollout_is_the_one_with_its_number(number: int, weight: float) -> None:
    stage = stage_of(spec_of(), record_in(Phase.PROGRESSING, stage=number))
    assert (stage.number, stage.weight_percent) == (number, weight)


@pytest.mark.parametrize("number", [0, 4])
def test_before_the_first_stage_and_after_the_last_one_there_is_none(number: int) -> None:
    assert stage_of(spec_of(), record_in(Phase.PROGRESSING, stage=number)) is None


@pytest.mark.parametrize(("bake", "lasts"), [("2h", 2), (None, 1)])
def test_a_bake_is_the_last_stage_with_everybody_for_as_long_as_the_plan_says(
    bake: str | None, lasts: int
) -> None:
    spec = spec_of(bake_after_promotion=bake)
    last = spec.plan.stages[-1]
    assert stage_of(spec, record_in(Phase.BAKING, stage=1)) == PlannedStage(
        number=3,
        weight_percent=100.0,
        duration=timedelta(hours=lasts),
        criteria=last.criteria,
        deadline=last.deadline,
    )


# ---------------------------------------------------------------- its traffic


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (Phase.PENDING, Routing(OTHER)),
        (Phase.PROGRESSING, Routing(CHAMPION, CHALLENGER, 5.0)),
        (Phase.PAUSED, Routing(CHAMPION, CHALLENGER, 5.0)),
        (Phase.BAKING, Routing(OTHER)),
        (Phase.PROMOTED, Routing(OTHER)),
        (Phase.ROLLED_BACK, Routing(OTHER)),
        (Phase.SUPERSEDED, Routing(OTHER)),
    ],
)
def test_both_share_the_traffic_while_it_goes_on_and_otherwise_the_champion_has_it(
    phase: Phase, expected: Routing
) -> None:
    assert wanted_routing(record_in(phase), OTHER) == expected


def test_in_a_mirror_stage_the_challenger_gets_copies() -> None:
    spec = spec_of(mirror={"duration": "1h", "success_criteria": {"error_rate_max": 0.02}})
    state = record_in(Phase.PROGRESSING, weight_percent=0.0)
    mirror, first = spec.plan.stages[:2]
    copies = [wanted_routing(state, OTHER, stage).is_mirrored for stage in (mirror, first, None)]
    assert copies == [True, False, False]


@pytest.mark.parametrize(
    ("other", "agrees"),
    [
        (Routing(CHAMPION, CHALLENGER, 5.0), True),
        (Routing(CHAMPION, OTHER, 5.0), False),
        (Routing(OTHER, CHALLENGER, 5.0), False),
        (Routing(CHAMPION, CHALLENGER, 6.0), False),
        (Routing(CHAMPION, CHALLENGER, 5.01), False),
        (Routing(CHAMPION, CHALLENGER, 5.000000000000001), True),  # one bucket is 0.01 %
        (Routing(CHAMPION, CHALLENGER, 5.0, is_mirrored=True), False),
    ],
)
def test_routings_agree_where_everybody_gets_the_same(other: Routing, agrees: bool) -> None:
    assert Routing(CHAMPION, CHALLENGER, 5.0).agrees_with(other) is agrees


def test_a_challenger_that_gets_nothing_makes_no_difference() -> None:
    assert Routing(CHAMPION).agrees_with(Routing(CHAMPION, OTHER))
    assert not Routing(CHAMPION).agrees_with(Routing(CHAMPION, OTHER, is_mirrored=True))
