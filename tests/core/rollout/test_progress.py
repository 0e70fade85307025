"""The way forward: what a look says while nothing moves, and what a promotion records."""

from __future__ import annotations

import pytest

from pipeline.core.rollout.effects import Alert, MoveAlias, SetWeights, WriteChampion
from pipeline.core.rollout.observation import Health, Routing
from pipeline.domain import Verdict
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Kind, PauseCause, Phase
from tests.core.rollout_worlds import CHALLENGER, CHAMPION, DEAD, in_stage, promoted, started
from tests.rollouts import GOOD, HOUR, MINUTE, PLAN, START, samples, spec_of, tick, world_of

BLIP = {**GOOD, "latency_p95": 400.0}


def held_in(stage: int) -> dict:
    """The plan with a hold in one of its stages."""
    stages = [dict(one) for one in PLAN["canary_stages"]]
    stages[stage - 1]["hold"] = True
    return {"canary_stages": stages}


# ---------------------------------------------------------------- what a look says


def test_a_pass_that_waits_says_for_how_long() -> None:
    world, _, now = started()
    step = tick(world, now + 20 * MINUTE)
    assert (step.verdict, step.reason) == (Verdict.PASS, "PASS: stage 1 has 40 min to go.")
    step = tick(world, now + HOUR)
    assert step.reason == "Stage 1 passed every criterion after 1 h."


def test_a_pass_that_waits_for_a_window_says_when_it_opens() -> None:
    windows = [{"days": ["wednesday"], "start": "09:00", "end": "09:30"}]
    world, _, now = started(deploy_windows=windows)
    step = tick(world, now + 2 * HOUR)
    assert step.reason == "PASS: waits for the deploy window, 2013-07-10 09:00 UTC."


def test_a_look_with_too_few_samples_says_of_what() -> None:
    world, spec, now = started()
    now += HOUR
    step = tick(world, now, samples(spec, now, n=10.0))
    assert step.verdict is Verdict.INCONCLUSIVE
    assert step.reason.startswith("Holds: error rate: 1 % of 10: fewer than 300 (at most 2 %)")


def test_a_bake_says_how_long_it_took() -> None:
    world, _, now = promoted()
    settled = tick(world, now + HOUR)
    assert settled.record.kind is Kind.SETTLED
    assert settled.reason == "Every criterion still passes 61 min after the promotion."


def test_a_stage_without_criteria_lasts_as_long_as_the_plan_says() -> None:
    switch = {"warm_up": "10m", "hold": "1h", "success_criteria": {"error_rate_max": 0.02}}
    world = world_of(spec_of(type="blue_green", canary_stages=[], blue_green=switch))
    tick(world, START)
    assert tick(world, START + 9 * MINUTE).is_noop
    assert tick(world, START + 10 * MINUTE).record.stage == 2


# ---------------------------------------------------------------- the start, and a stage


def test_a_rollout_starts_only_in_a_deploy_window() -> None:
    windows = [{"days": ["wednesday"], "start": "10:00", "end": "11:00"}]
    world = world_of(spec_of(deploy_windows=windows))
    step = tick(world, START)
    assert step.is_noop
    assert "the deploy window is closed" in step.reason
    assert tick(world, START + HOUR).record.stage == 1


@pytest.mark.parametrize(
    ("health", "why"), [(DEAD, "connection refused"), (Health(None), "no reason given")]
)
@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_a_rollout_that_cannot_start_says_who_does_not_answer(role, health, why) -> None:
    world = world_of(spec_of())
    step = tick(world, START, **{f"{role}_health": health})
    assert f"the {role} does not answer ({why})" in step.reason


def end_hold(world, spec, now):
    """The record of a person's word, two hours after `now`, that a held stage may go on."""
    held = tick(world, now + HOUR).record
    world.commands.add(Command(Verb.RESUME, spec.version, held.sequence))
    return tick(world, now + 2 * HOUR).record


def test_a_stage_counts_from_its_own_start_and_needs_a_person_of_its_own() -> None:
    world, spec, now = started(**held_in(1))
    resumed = end_hold(world, spec, now)
    assert resumed.is_released
    assert resumed.deadline_from is not None
    at = now + 2 * HOUR + MINUTE
    record = tick(world, at).record
    assert (record.stage, record.weight_percent, record.stage_since) == (2, 50, at)
    assert (record.is_released, record.deadline_from) == (False, None)


# ---------------------------------------------------------------- traffic that is not as recorded


@pytest.mark.parametrize(
    "found", [Routing(CHAMPION, CHALLENGER, 100.0), Routing(CHALLENGER, CHALLENGER, 50.0)]
)
def test_traffic_that_is_too_much_or_elsewhere_is_mended_even_while_blind(found: Routing) -> None:
    world, spec, now = in_stage(2)
    world.routing = found
    step = tick(world, now, samples(spec, now, error="500"))
    assert step.reason == "Traffic is not as recorded: the challenger gets 50 %."
    assert step.verdict is Verdict.ERROR
    assert world.routing == Routing(CHAMPION, CHALLENGER, 50.0)


# ---------------------------------------------------------------- trouble that passes


def test_trouble_is_held_without_an_alert_and_its_end_told_with_the_evidence() -> None:
    world, spec, now = in_stage(2, limits={"failure_limit": 2})
    held = tick(world, now, samples(spec, now, challenger=BLIP))
    assert held.record.kind is Kind.HELD
    assert not [effect for effect in held.effects if isinstance(effect, Alert)]
    cleared = tick(world, now + 3 * MINUTE)
    assert cleared.reason == "FAIL is over after 3 min: PASS now."
    assert cleared.record.verdict is Verdict.PASS
    assert {gate.verdict for gate in cleared.record.gates} == {Verdict.PASS}


def test_a_rollback_for_blindness_is_recorded_with_what_could_not_be_read() -> None:
    world, spec, now = started()
    blind = samples(spec, now, error="500")
    tick(world, now + MINUTE, blind)
    record = tick(world, now + 11 * MINUTE, blind).record
    assert (record.phase, record.verdict) == (Phase.ROLLED_BACK, Verdict.ERROR)
    gates = {gate.name: gate.verdict for gate in record.gates}
    assert gates["error rate"] is Verdict.ERROR


# ---------------------------------------------------------------- holds


def test_a_hold_ends_by_nothing_but_a_person() -> None:
    world, _, now = started(**held_in(1))
    assert tick(world, now + HOUR).record.pause is PauseCause.HOLD
    assert tick(world, now + 9 * HOUR).is_noop


def test_a_promote_ends_no_pause_that_a_person_asked_for() -> None:
    world, spec, now = started()
    world.commands.add(Command(Verb.PAUSE, spec.version))
    tick(world, now + MINUTE)
    world.commands.add(Command(Verb.PROMOTE, spec.version, 1))
    assert tick(world, now + 2 * HOUR).is_noop


# ---------------------------------------------------------------- the promotion


def test_a_promotion_names_both_models_and_starts_the_bake_anew() -> None:
    world, spec, now = in_stage(3, **held_in(3))
    resumed = end_hold(world, spec, now)
    assert resumed.is_released
    assert resumed.deadline_from is not None
    at = now + 2 * HOUR + MINUTE
    step = tick(world, at)
    record = step.record
    assert (record.kind, record.phase, record.champion_before) == (
        Kind.PROMOTED,
        Phase.BAKING,
        spec.champion,
    )
    assert (record.stage_since, record.deadline_from, record.is_released) == (at, None, False)
    assert step.effects[0] == WriteChampion(
        challenger=spec.challenger, before=spec.champion, evidence=spec.evidence.digest
    )
    assert step.effects[-2:] == (MoveAlias(CHALLENGER), SetWeights(Routing(CHALLENGER)))


def test_without_a_bake_the_promotion_is_the_end() -> None:
    world, _, now = in_stage(3, bake_after_promotion=None)
    assert tick(world, now + HOUR).record.phase is Phase.PROMOTED


def test_an_alias_that_a_promotion_could_not_make_is_made_by_the_next_look() -> None:
    world, _, now = promoted(bake_after_promotion="1h")
    tick(world, now + HOUR)
    world.alias = ""
    assert tick(world, now + 2 * HOUR).effects == (MoveAlias(CHALLENGER),)
