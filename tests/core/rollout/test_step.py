"""The parts of a step: what a record carries on, its evidence, its alert, and their order."""

from __future__ import annotations

import pytest

from pipeline.core.rollout.assess import Assessment
from pipeline.core.rollout.effects import Alert, Commit, MoveAlias, SetWeights, WriteRecord
from pipeline.core.rollout.observation import Routing
from pipeline.core.rollout.state import Rollout, Situation, current_rollout
from pipeline.core.rollout.step import alert_of, end_rollout, make_record, transition
from pipeline.domain import Gate, Verdict
from pipeline.rollout_status import GateEvidence, Kind, PauseCause, Phase, Trouble
from tests.core.rollout_worlds import CHALLENGER, CHAMPION, in_stage
from tests.rollouts import HOUR, MINUTE, START, champion_of, samples


def gate(name: str, verdict: Verdict = Verdict.PASS) -> Gate:
    return Gate(name, verdict, f"the rule of {name}", f"the reason of {name}")


def situation_in(stage: int) -> tuple[Situation, Rollout]:
    world, spec, now = in_stage(stage)
    rollout = current_rollout(world.status)
    seen = world.observe(samples(spec, now))
    return Situation(spec, world.status, rollout, seen, now), rollout


def test_a_record_carries_on_all_that_its_step_does_not_change() -> None:
    situation, rollout = situation_in(2)
    carried = {
        "attempt": 3,
        "deadline_from": START + HOUR,
        "is_released": True,
        "pause": PauseCause.HOLD,
        "pause_sequence": 9,
        "trouble": Trouble(verdict=Verdict.ERROR, since=START),
        "phase": Phase.PAUSED,
    }
    state = rollout.state.model_copy(update=carried)
    record = make_record(situation, state, Kind.HELD, Phase.PAUSED, "why", stage_since=START)
    assert record == state.model_copy(
        update={
            "sequence": 3,
            "at": situation.now,
            "kind": Kind.HELD,
            "reason": "why",
            "stage_since": START,
            "verdict": None,
            "gates": (),
            "samples": (),
        }
    )


def test_a_record_of_what_was_promoted_keeps_the_champion_of_before() -> None:
    situation, rollout = situation_in(3)
    before = champion_of("a")
    state = rollout.state.model_copy(update={"phase": Phase.BAKING, "champion_before": before})
    record = make_record(situation, state, Kind.SETTLED, Phase.PROMOTED, "why")
    assert record.champion_before == before


def test_the_evidence_has_the_gates_that_decide_then_those_of_a_dry_run() -> None:
    situation, rollout = situation_in(2)
    look = Assessment(
        gates=(gate("health"), gate("errors")),
        dry_run=(gate("latency", Verdict.FAIL),),
        conditions=(gate("spike", Verdict.INCONCLUSIVE),),
    )
    record = make_record(
        situation, rollout.state, Kind.CLEARED, Phase.PROGRESSING, "why", assessment=look
    )
    assert (record.verdict, record.samples) == (Verdict.PASS, situation.observation.samples)
    assert record.gates == tuple(
        GateEvidence(
            name=name,
            verdict=verdict,
            rule=f"the rule of {name}",
            reason=f"the reason of {name}",
            decides=decides,
        )
        for name, verdict, decides in (
            ("health", Verdict.PASS, True),
            ("errors", Verdict.PASS, True),
            ("spike", Verdict.INCONCLUSIVE, True),
            ("latency", Verdict.FAIL, False),
        )
    )


def test_traffic_is_taken_before_the_commit_and_given_after_it() -> None:
    situation, rollout = situation_in(2)
    record = make_record(situation, rollout.state, Kind.CLEARED, Phase.PROGRESSING, "why")
    taken, given = SetWeights(Routing(CHAMPION)), SetWeights(Routing(CHALLENGER))
    step = transition(situation, record, before=(taken,), after=(given,))
    assert [type(effect) for effect in step.effects] == [
        SetWeights,
        WriteRecord,
        Commit,
        SetWeights,
    ]
    assert (step.effects[0], step.effects[-1]) == (taken, given)
    assert (step.reason, step.record) == ("why", record)
    assert transition(situation, record).effects == step.effects[1:3]


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        (Phase.ROLLED_BACK, "was rolled back"),
        (Phase.REFUSED, "was refused"),
        (Phase.ABORTED, "was aborted"),
        (Phase.SUPERSEDED, "was superseded"),
    ],
)
def test_the_alert_of_an_ending_says_what_became_of_which_version(phase: Phase, said: str) -> None:
    situation, rollout = situation_in(2)
    version = rollout.state.version
    step = end_rollout(situation, rollout, phase, "too many errors", is_alarming=True)
    (alert,) = (effect for effect in step.effects if isinstance(effect, Alert))
    assert alert == Alert(
        key=f"flight-delay/{version}/1/{phase}/2",
        title=f"flight-delay: {version} {said}",
        text="too many errors",
    )
    quiet = end_rollout(situation, rollout, phase, "too many errors")
    assert not [effect for effect in quiet.effects if isinstance(effect, Alert)]


def test_the_alert_of_a_hold_asks_for_a_person_once_a_stage() -> None:
    _, rollout = situation_in(2)
    state = rollout.state
    assert alert_of(state) == Alert(
        key=f"flight-delay/{state.version}/1/holds/2",
        title=f"flight-delay: {state.version} holds, and needs a person",
        text=state.reason,
    )


def test_an_ending_keeps_the_evidence_of_the_look_that_led_to_it() -> None:
    situation, rollout = situation_in(2)
    look = Assessment(gates=(gate("errors", Verdict.FAIL),))
    step = end_rollout(situation, rollout, Phase.ROLLED_BACK, "errors", assessment=look)
    assert (step.verdict, step.record.verdict) == (Verdict.FAIL, Verdict.FAIL)
    assert [each.name for each in step.record.gates] == ["errors"]


def test_an_ending_clears_what_was_in_trouble_or_paused() -> None:
    situation, rollout = situation_in(2)
    unwell = {"trouble": Trouble(verdict=Verdict.ERROR, since=START)}
    paused = {"phase": Phase.PAUSED, "pause": PauseCause.HOLD, "pause_sequence": 9}
    state = rollout.state.model_copy(update=unwell | paused)
    record = end_rollout(situation, Rollout(state), Phase.ABORTED, "no").record
    assert (record.trouble, record.pause, record.pause_sequence) == (None, None, None)
    assert (record.kind, record.weight_percent) == (Kind.ENDED, 0)


def test_an_alias_that_nobody_knows_is_not_moved_by_an_ending() -> None:
    world, spec, now = in_stage(2)
    for alias, expected in ((None, []), ("", []), (CHALLENGER, [MoveAlias(CHAMPION)])):
        world.alias = alias
        rollout = current_rollout(world.status)
        situation = Situation(spec, world.status, rollout, world.observe(()), now + MINUTE)
        step = end_rollout(situation, rollout, Phase.ABORTED, "no")
        assert [e for e in step.effects if isinstance(e, MoveAlias)] == expected
