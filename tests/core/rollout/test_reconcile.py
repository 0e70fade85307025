"""Reconcile: every row of the table of reverts, and every rule of what is not a PASS."""

import math
from dataclasses import replace

import pytest

from pipeline.core.rollout.conditions import UNJUDGED
from pipeline.core.rollout.effects import Commit, MoveAlias, SetWeights, WriteChampion, WriteRecord
from pipeline.core.rollout.observation import Health, Routing, Stop
from pipeline.core.rollout.reconcile import reconcile
from pipeline.domain import Verdict
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Kind, Phase
from tests.core.rollout_worlds import (
    CHALLENGER,
    CHAMPION,
    DEAD,
    commit_of,
    in_stage,
    is_back,
    phase_of,
    promoted,
    started,
)
from tests.rollouts import (
    BAD,
    DAY,
    GOOD,
    HOUR,
    MINUTE,
    PLAN,
    START,
    identity,
    run_until,
    sample,
    samples,
    spec_of,
    tick,
    world_of,
)

# ---------------------------------------------------------------- the way forward


def test_a_merge_starts_stage_1_with_the_commit_before_the_traffic() -> None:
    world = world_of(spec_of())
    step = tick(world, START)
    assert [type(effect) for effect in step.effects] == [WriteRecord, Commit, SetWeights]
    assert (world.routing.challenger_percent, phase_of(world)) == (5, Phase.PROGRESSING)
    assert "stage 1 of 3" in world.commits[0].message


def test_stages_follow_one_another_and_end_in_the_promotion() -> None:
    world = world_of(spec_of())
    run_until(world, Phase.PROMOTED, START)
    kinds = [(c.record.kind, c.record.stage) for c in world.commits]
    assert kinds == [
        (Kind.STAGE, 1),
        (Kind.STAGE, 2),
        (Kind.STAGE, 3),
        (Kind.PROMOTED, 3),
        (Kind.SETTLED, 3),
    ]
    assert is_back(world, CHALLENGER)


def test_an_alias_that_is_there_already_is_not_moved_again() -> None:
    world, _, now = in_stage(3)
    world.alias = CHALLENGER
    step = tick(world, now + HOUR)
    assert step.record.kind is Kind.PROMOTED
    assert not [effect for effect in step.effects if isinstance(effect, MoveAlias)]


def test_a_stage_lasts_as_long_as_it_must_and_no_longer() -> None:
    world, _, now = started()
    assert tick(world, now + HOUR - MINUTE).is_noop
    assert tick(world, now + HOUR).record.stage == 2


def test_nothing_happened_means_no_effect_and_no_commit() -> None:
    world, _, now = started()
    before = world.status
    step = tick(world, now + 5 * MINUTE)
    assert step.effects == ()
    assert world.status == before
    assert "nothing to do" in str(step)


def test_a_step_lists_its_effects_in_their_order() -> None:
    world, spec, now = promoted()
    step = tick(world, now, samples(spec, now, challenger=BAD))
    reason, *lines = str(step).splitlines()
    assert reason == step.reason
    kinds = [line.partition(":")[0].removeprefix("  - ") for line in lines]
    assert kinds == ["traffic", "registry", "alert", "champion.yaml", "status", "commit"]
    assert lines[0] == "  - traffic: champion 100 %, challenger 0 %, and keep it there"
    assert lines[1] == f"  - registry: champion is {CHAMPION[:19]}"
    assert lines[3].endswith(": back to before")
    assert lines[5] == f"  - commit: {world.commits[-1].message.splitlines()[0]}"
    assert lines[4].endswith(f"{step.record.name} (RolledBack)")


def test_a_mirror_and_a_promotion_are_told_as_such() -> None:
    mirror = {"duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    copied = tick(world_of(spec_of(mirror=mirror)), START)
    assert "challenger 0 % and a copy of all requests" in str(copied)
    world, _, now = in_stage(3)
    assert "champion.yaml: the challenger" in str(tick(world, now + HOUR))


def test_without_a_manifest_nothing_rolls_out() -> None:
    step = tick(world_of(None), START)
    assert step.is_noop
    assert step.reason == "Nothing rolls out."


def test_the_time_counts_from_when_the_weight_was_there() -> None:
    world, _, now = started()
    world.routed_since = now + 30 * MINUTE
    assert tick(world, now + HOUR).is_noop
    assert tick(world, now + HOUR + 30 * MINUTE).record.stage == 2


@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_a_rollout_starts_only_when_both_servers_answer(role: str) -> None:
    world = world_of(spec_of())
    step = tick(world, START, **{f"{role}_health": DEAD})
    assert (step.record.phase, world.routing.challenger_percent) == (Phase.PENDING, 0)
    assert tick(world, START + MINUTE, **{f"{role}_health": DEAD}).is_noop
    assert tick(world, START + 2 * MINUTE).record.stage == 1


def test_a_challenger_that_never_answers_is_refused_after_the_deadline() -> None:
    world = world_of(spec_of())
    tick(world, START, challenger_health=DEAD)
    step = tick(world, START + 6 * HOUR, challenger_health=DEAD)
    assert step.record.phase is Phase.REFUSED
    assert len(world.alerts) == 2


def test_how_long_a_rollout_waits_to_start_is_the_deadline_of_its_first_stage() -> None:
    stages = [
        {**stage, "deadline": f"{hours}h"}
        for stage, hours in zip(PLAN["canary_stages"], (2, 9, 9), strict=True)
    ]
    world = world_of(spec_of(canary_stages=stages))
    tick(world, START, challenger_health=DEAD)
    waits = tick(world, START + 2 * HOUR - MINUTE, challenger_health=DEAD)
    assert waits.is_noop
    assert waits.reason.startswith(f"Waits to start {world.spec.version}: the challenger does not")
    step = tick(world, START + 2 * HOUR, challenger_health=DEAD)
    assert step.record.phase is Phase.REFUSED


def test_nothing_starts_while_the_traffic_provider_does_not_say_who_gets_what() -> None:
    world = world_of(spec_of())
    unknown = replace(world.observe(), routing=None)
    step = reconcile(world.spec, world.status, unknown, START)
    assert step.record.phase is Phase.PENDING
    assert "the traffic provider does not say who gets what" in step.reason


def test_a_challenger_that_met_another_champion_is_refused_once() -> None:
    world = world_of(spec_of(champion="b"))
    step = tick(world, START)
    assert step.record.phase is Phase.REFUSED
    assert step.reason.endswith(f" {CHAMPION[:19]}: compare it with that one first.")
    assert len(world.alerts) == 1
    assert "compare it with that one first" in world.commits[0].message
    assert tick(world, START + MINUTE).is_noop
    assert is_back(world)


# ---------------------------------------------------------------- what is not a PASS


@pytest.mark.parametrize("metric", ["error_rate", "latency_p95"])
def test_harm_takes_all_traffic_away_before_anything_is_written(metric: str) -> None:
    world, spec, now = in_stage(2)
    found = samples(spec, now, challenger={**GOOD, metric: BAD[metric]})
    step = tick(world, now, found)
    assert isinstance(step.effects[0], SetWeights)
    assert step.effects[0].stop.reason == step.reason
    assert metric.replace("_", " ").partition(" p95")[0] in step.reason
    assert phase_of(world) is Phase.ROLLED_BACK
    assert is_back(world)
    assert len(world.alerts) == 1


def test_a_rollback_is_recorded_with_the_gates_that_it_rests_on() -> None:
    world, spec, now = in_stage(2)
    found = samples(spec, now, challenger={**GOOD, "error_rate": 0.2})
    gates = {gate.name: gate.verdict for gate in tick(world, now, found).record.gates}
    assert gates["error rate"] is Verdict.FAIL
    assert gates["latency p95"] is Verdict.PASS


def test_the_commit_of_a_rollback_shows_the_limits_of_figures_and_none_of_servers() -> None:
    world, spec, now = in_stage(2)
    tick(world, now, samples(spec, now, challenger=BAD))
    lines = world.commits[-1].message.splitlines()
    assert [line.split()[1:] for line in lines if "answers" in line] == [
        ["challenger", "answers"],
        ["champion", "answers"],
    ]
    assert any(line.endswith("as recorded") for line in lines)
    assert any(line.endswith("20 % of 2,000 (at most 2 %)") for line in lines)


def test_a_dead_challenger_is_rolled_back_at_once() -> None:
    world, _, now = in_stage(3)
    step = tick(world, now, challenger_health=DEAD)
    assert "challenger: does not answer: connection refused" in step.reason
    assert is_back(world)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"value": math.nan}, Verdict.ERROR),
        ({"value": -math.inf}, Verdict.ERROR),
        ({"value": None}, Verdict.ERROR),
        ({"value": None, "n": None}, Verdict.ERROR),
        ({"n": math.nan}, Verdict.ERROR),
        ({"n": math.inf}, Verdict.ERROR),
        ({"n": -1.0}, Verdict.ERROR),
        ({"value": math.nan, "n": 0.0}, Verdict.INCONCLUSIVE),
        ({"n": 299.0}, Verdict.INCONCLUSIVE),
        ({"error": "500"}, Verdict.ERROR),
        ({"version": "2001-01-01-000000000000"}, Verdict.ERROR),
        ({"version": ""}, Verdict.ERROR),
        ({"sampled_at": START}, Verdict.ERROR),
        ({"sampled_at": START + DAY}, Verdict.ERROR),
        ({"sampled_at": None}, Verdict.ERROR),
    ],
)
@pytest.mark.parametrize("metric", ["error_rate", "latency_p95"])
def test_what_is_no_figure_never_advances(metric: str, change: dict, verdict: Verdict) -> None:
    world, spec, _ = started()
    now = START + 2 * HOUR
    good = [s for s in samples(spec, now) if (s.metric, s.role) != (metric, "challenger")]
    odd = sample(spec, metric, "challenger", GOOD[metric], n=2_000.0, now=now)
    step = tick(world, now, (*good, odd.model_copy(update=change)))
    assert step.verdict is verdict
    assert world.status.records[-1].stage == 1
    assert world.routing.challenger_percent == 5


def test_no_sample_at_all_and_a_sample_given_twice_are_errors() -> None:
    world, spec, _ = started()
    now = START + 2 * HOUR
    found = samples(spec, now)
    assert tick(world, now, found[1:]).verdict is Verdict.ERROR
    assert tick(world, now, (*found, found[0])).verdict is Verdict.ERROR


def test_a_quantile_beyond_the_last_bucket_is_harm() -> None:
    world, spec, now = in_stage(2)
    found = samples(spec, now, challenger={**GOOD, "latency_p95": math.inf})
    assert tick(world, now, found).record.phase is Phase.ROLLED_BACK


def test_blindness_is_held_and_rolled_back_after_the_budget() -> None:
    world, spec, _ = started()
    blind = samples(spec, START, error="connection refused")
    first = START + 5 * MINUTE
    assert tick(world, first, blind).record.kind is Kind.HELD
    assert tick(world, first + 9 * MINUTE, blind).is_noop
    step = tick(world, first + 10 * MINUTE, blind)
    assert step.record.phase is Phase.ROLLED_BACK
    assert "Blind for 10 min" in step.reason


def test_blindness_with_a_champion_that_does_not_answer_is_held_and_alerted() -> None:
    world, spec, _ = started()
    blind = samples(spec, START, error="connection refused")
    first = START + 5 * MINUTE
    tick(world, first, blind)
    at = first + spec.plan.limits.blindness_budget
    unknown = Health(None, "no reading")
    assert tick(world, at, blind, champion_health=DEAD).record.kind is Kind.HELD
    assert (world.routing.challenger_percent, len(world.alerts)) == (5, 1)
    assert "going back would not help" in world.status.records[-1].reason
    step = tick(world, at + MINUTE, blind, champion_health=unknown)
    assert step.record.phase is Phase.ROLLED_BACK


def test_errors_in_a_row_count_by_the_check_interval_and_not_by_looks() -> None:
    limits = {"error_limit": 3, "blindness_budget": "24h"}
    world, spec, _ = started(limits=limits)
    blind = samples(spec, START, error="500")
    for second in range(0, 600, 5):
        tick(world, START + MINUTE + second * MINUTE / 60, blind)
    assert phase_of(world) is Phase.PROGRESSING
    assert tick(world, START + 11 * MINUTE, blind).record.phase is Phase.ROLLED_BACK


def test_sight_that_comes_back_is_said_once_and_counts_anew() -> None:
    world, spec, _ = started()
    blind = samples(spec, START, error="500")
    tick(world, START + 5 * MINUTE, blind)
    assert tick(world, START + 14 * MINUTE).record.kind is Kind.CLEARED
    assert tick(world, START + 15 * MINUTE).is_noop
    assert tick(world, START + 16 * MINUTE, blind).record.kind is Kind.HELD


def test_too_little_traffic_holds_and_the_deadline_rolls_back() -> None:
    world, spec, _ = started()
    for hours in (1, 3, 6):
        now = START + hours * HOUR
        assert tick(world, now, samples(spec, now, n=10.0)).is_noop
    now = START + 7 * HOUR
    step = tick(world, now, samples(spec, now, n=10.0))
    assert step.record.phase is Phase.ROLLED_BACK
    assert "No PASS within 6 h" in step.reason
    gates = {gate.name: gate.verdict for gate in step.record.gates}
    assert gates["error rate"] is Verdict.INCONCLUSIVE


def test_an_inconclusive_limit_is_sooner_than_the_deadline() -> None:
    world, spec, _ = started(limits={"inconclusive_limit": 4})
    now = START + HOUR + 19 * MINUTE
    assert tick(world, now, samples(spec, now, n=10.0)).is_noop
    now += MINUTE
    assert tick(world, now, samples(spec, now, n=10.0)).record.phase is Phase.ROLLED_BACK


def test_a_failure_limit_bears_a_blip() -> None:
    world, spec, now = in_stage(2, limits={"failure_limit": 2})
    bad = samples(spec, now, challenger={**GOOD, "latency_p95": 400.0})
    assert tick(world, now, bad).record.kind is Kind.HELD
    assert tick(world, now + MINUTE).record.kind is Kind.CLEARED
    again = now + 2 * MINUTE
    assert tick(world, again, samples(spec, again, BAD)).record.kind is Kind.HELD
    later = again + 5 * MINUTE
    assert tick(world, later, samples(spec, later, BAD)).record.phase is Phase.ROLLED_BACK


def test_a_champion_that_is_bad_as_well_holds_and_alerts_once() -> None:
    world, spec, now = in_stage(2)
    for minute in range(3):
        at = now + minute * MINUTE
        step = tick(world, at, samples(spec, at, challenger=BAD, champion=BAD))
    assert "The champion fails as well" in step.reason
    assert (world.routing.challenger_percent, len(world.alerts)) == (50, 1)


def test_a_champion_that_does_not_answer_is_no_place_to_go_back_to() -> None:
    world, spec, now = in_stage(3)
    found = samples(spec, now, challenger=BAD)
    step = tick(world, now, found, champion_health=DEAD)
    assert "The champion does not answer" in step.reason
    assert world.routing.challenger_percent == 100


def test_a_challenger_worse_than_a_bad_champion_is_rolled_back() -> None:
    world, spec, now = in_stage(2)
    worse = {**BAD, "error_rate": 0.5}
    found = samples(spec, now, challenger=worse, champion=BAD)
    assert tick(world, now, found).record.phase is Phase.ROLLED_BACK


def test_without_auto_rollback_a_person_decides() -> None:
    world, spec, now = in_stage(2, monitoring={"auto_rollback": False})
    step = tick(world, now, samples(spec, now, challenger=BAD))
    assert (step.record.kind, world.routing.challenger_percent) == (Kind.HELD, 50)
    assert len(world.alerts) == 1


def test_a_dry_run_is_measured_and_never_decides() -> None:
    metrics = {"dry_run": ["latency_p95"]}
    world, spec, now = in_stage(2, metrics=metrics)
    found = samples(spec, now, challenger={**GOOD, "latency_p95": 900.0})
    assert tick(world, now, found).is_noop
    step = tick(world, now + HOUR, samples(spec, now + HOUR, {**GOOD, "latency_p95": 900.0}))
    dry = [gate for gate in step.record.gates if not gate.decides]
    assert {(gate.name, gate.verdict) for gate in dry} == {
        ("latency p95", Verdict.FAIL),
        ("latency spike", Verdict.FAIL),
    }
    assert "[dry run]" in world.commits[-1].message


def test_an_unhealthy_champion_stops_the_way_forward() -> None:
    world, _, _ = started()
    step = tick(world, START + HOUR, champion_health=Health(None))
    assert (step.verdict, world.status.records[-1].stage) == (Verdict.ERROR, 1)


def test_a_traffic_provider_that_does_not_say_is_an_error() -> None:
    world, spec, _ = started()
    now = START + HOUR
    unknown = replace(world.observe(samples(spec, now)), routing=None)
    assert reconcile(spec, world.status, unknown, now).verdict is Verdict.ERROR


def test_a_bake_that_fails_goes_back_to_the_champion_of_before() -> None:
    world, spec, now = promoted()
    assert is_back(world, CHALLENGER)
    step = tick(world, now, samples(spec, now, challenger=BAD))
    assert is_back(world)
    kinds = [type(effect) for effect in step.effects]
    assert kinds.index(SetWeights) < kinds.index(WriteChampion) < kinds.index(Commit)
    assert MoveAlias(CHAMPION) in step.effects


def test_in_the_bake_nothing_is_compared_with_a_champion_that_serves_nobody() -> None:
    world, spec, now = promoted()
    alone = samples(spec, now + HOUR, champion={})
    step = tick(world, now + HOUR, alone)
    assert step.record.kind is Kind.SETTLED
    assert {gate.reason for gate in step.record.gates if "spike" in gate.name} == {UNJUDGED}


def test_a_stage_with_all_of_the_traffic_says_that_nothing_is_compared_and_goes_on() -> None:
    world, spec, now = in_stage(3)
    step = tick(world, now + HOUR, samples(spec, now + HOUR, champion={}))
    assert step.record.kind is Kind.PROMOTED
    assert {gate.reason for gate in step.record.gates if "spike" in gate.name} == {UNJUDGED}
    assert f"{UNJUDGED} (less than 1 % above the champion's)" in world.commits[-1].message


# ---------------------------------------------------------------- what people do


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_reverting_the_merge_goes_back_in_one_step(stage: int) -> None:
    world, _, now = in_stage(stage)
    world.spec = None
    step = tick(world, now, ())
    assert step.record.phase is Phase.ROLLED_BACK
    assert is_back(world)
    assert tick(world, now + MINUTE, ()).is_noop


@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.PROMOTED])
def test_reverting_the_merge_after_the_promotion_brings_the_old_champion_back(phase) -> None:
    world = world_of(spec_of())
    now = run_until(world, phase, START) + 30 * DAY
    world.spec = None
    tick(world, now, ())
    assert is_back(world)


def test_a_revert_needs_no_metrics_no_window_and_no_server() -> None:
    world, _, now = in_stage(2)
    nothing = replace(world.observe(()), routing=None, alias=None)
    step = reconcile(None, world.status, nothing, now)
    assert step.effects[0].routing.challenger_percent == 0


def test_a_revert_to_the_manifest_of_before_is_a_revert_and_starts_nothing() -> None:
    first, second = spec_of("c"), spec_of("d")
    world = world_of(first)
    world.spec = first
    tick(world, START)
    world.spec = second
    tick(world, START + MINUTE)
    tick(world, START + 2 * MINUTE)
    assert world.routing.challenger == identity("d").digest
    world.spec = first
    assert tick(world, START + 3 * MINUTE).record.phase is Phase.ROLLED_BACK
    assert is_back(world)
    assert tick(world, START + 4 * MINUTE).is_noop


@pytest.mark.parametrize(("at", "reverted"), [(1, 1), (2, 1), (2, 2), (3, 1), (3, 2), (3, 3)])
def test_reverting_a_stage_goes_to_the_weight_before_it_and_waits(at: int, reverted: int) -> None:
    world, _, now = in_stage(at)
    world.revert(commit_of(world, Kind.STAGE, reverted))
    step = tick(world, now)
    before = {1: 0, 2: 5, 3: 50}[reverted]
    assert (phase_of(world), world.routing.challenger_percent) == (Phase.PAUSED, before)
    assert isinstance(step.effects[0], SetWeights)
    for hours in (1, 5, 50):
        assert tick(world, now + hours * HOUR).is_noop
    number = world.status.records[-1].sequence
    world.commands.add(Command(Verb.RESUME, world.spec.version, number))
    resumed = now + 60 * HOUR
    assert tick(world, resumed).record.kind is Kind.RESUMED
    assert run_until(world, Phase.PROMOTED, resumed)


def back_at_the_start(**changes):
    """A first stage that was reverted and then resumed: no traffic, and allowed to go on."""
    world, spec, now = started(**changes)
    world.revert(commit_of(world, Kind.STAGE, 1))
    tick(world, now + MINUTE)
    number = world.status.records[-1].sequence
    world.commands.add(Command(Verb.RESUME, spec.version, number))
    assert tick(world, now + 2 * MINUTE).record.kind is Kind.RESUMED
    return world, spec, now + 3 * MINUTE


def test_a_resumed_first_stage_begins_anew_once_both_servers_answer() -> None:
    world, _, now = back_at_the_start()
    for role in ("champion", "challenger"):
        step = tick(world, now, **{f"{role}_health": DEAD})
        assert step.is_noop
        assert "champion and challenger must both answer" in step.reason
    step = tick(world, now)
    assert (step.record.kind, step.record.stage) == (Kind.STAGE, 1)
    assert world.routing.challenger_percent == 5


def test_a_resumed_first_stage_first_takes_back_traffic_that_came_meanwhile() -> None:
    world, _, now = back_at_the_start()
    world.routing = Routing(CHAMPION, CHALLENGER, 5.0)
    step = tick(world, now)
    assert step.reason == "Traffic is not as recorded."
    assert world.routing.challenger_percent == 0
    assert tick(world, now + MINUTE).record.stage == 1


def test_a_resumed_first_stage_waits_for_a_person_and_for_the_window() -> None:
    windows = [{"days": ["wednesday"], "start": "09:00", "end": "09:30"}]
    world, spec, now = back_at_the_start(deploy_windows=windows)
    assert tick(world, START + 2 * HOUR).reason == "Waits for the deploy window."
    world.commands.add(Command(Verb.PAUSE, spec.version))
    assert tick(world, now).record.kind is Kind.PAUSED
    assert world.routing.challenger_percent == 0


def test_reverting_the_promotion_brings_champion_alias_and_pointer_back() -> None:
    world, _, now = promoted()
    world.revert(commit_of(world, Kind.PROMOTED))
    tick(world, now)
    assert phase_of(world) is Phase.ROLLED_BACK
    assert is_back(world)


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_reverting_a_stage_after_the_promotion_rolls_back(stage: int) -> None:
    world, _, now = promoted()
    world.revert(commit_of(world, Kind.STAGE, stage))
    tick(world, now)
    assert phase_of(world) is Phase.ROLLED_BACK
    assert is_back(world)


def test_reverting_a_rollback_does_not_bring_the_challenger_back() -> None:
    world, spec, now = promoted()
    tick(world, now, samples(spec, now, challenger=BAD))
    world.revert(commit_of(world, Kind.ENDED))
    assert world.champion == CHALLENGER  # as git revert leaves champion.yaml
    step = tick(world, now + MINUTE)
    assert step.record.phase is Phase.ROLLED_BACK
    assert is_back(world)
    assert tick(world, now + 2 * MINUTE).is_noop


def test_reverting_bookkeeping_changes_nothing_that_serves() -> None:
    world, spec, now = in_stage(2)
    tick(world, now, samples(spec, now, error="500"))
    world.revert(commit_of(world, Kind.HELD))
    assert tick(world, now + MINUTE).is_noop
    assert world.routing.challenger_percent == 50


def test_a_reverted_revert_waits_for_the_resume_all_the_same() -> None:
    world, _, now = in_stage(2)
    stage_2 = commit_of(world, Kind.STAGE, 2)
    world.revert(stage_2)
    tick(world, now)
    stage_2.is_reverted = False
    assert tick(world, now + 3 * HOUR).is_noop
    assert world.routing.challenger_percent == 5


def test_a_newer_merge_takes_two_steps_and_starts_from_the_champion() -> None:
    world, _, now = in_stage(2)
    world.spec = spec_of("d")
    first = tick(world, now)
    assert (first.record.phase, is_back(world)) == (Phase.SUPERSEDED, True)
    second = tick(world, now + MINUTE)
    assert (second.record.stage, world.routing.challenger) == (1, identity("d").digest)
    assert world.routing.champion == CHAMPION


def test_a_newer_merge_during_the_bake_waits_until_it_has_settled_with_a_pass() -> None:
    world, spec, now = promoted()
    world.spec = spec_of("d", champion="c")
    assert tick(world, now).is_noop
    late = now + HOUR
    assert tick(world, late, samples(spec, late, n=5.0)).is_noop
    settled = tick(world, late + MINUTE).record
    assert (settled.kind, settled.verdict) == (Kind.SETTLED, Verdict.PASS)
    assert tick(world, late + 2 * MINUTE).record.stage == 1
    assert world.routing.champion == CHALLENGER


def test_what_fails_in_its_bake_goes_back_while_the_next_one_waits() -> None:
    world, spec, now = promoted()
    world.spec = spec_of("d", champion="c")
    tick(world, now)
    now += MINUTE
    step = tick(world, now, samples(spec, now, challenger=BAD))
    assert (step.record.kind, step.record.phase) == (Kind.ENDED, Phase.ROLLED_BACK)
    assert is_back(world)
    assert tick(world, now + MINUTE).record.phase is Phase.REFUSED  # it was compared with that one
    assert is_back(world)


def test_a_waiting_manifest_alone_judges_nothing_and_says_so() -> None:
    """Where history has no manifest of what bakes: no figure of another version is believed."""
    world, spec, now = promoted()
    newer = spec_of("d", champion="c")
    seen = world.observe(samples(newer, now, challenger=BAD))
    step = reconcile(newer, world.status, seen, now + 2 * HOUR)
    assert step.is_noop
    assert step.reason == (
        f"{newer.version} waits: {spec.version} still bakes, and no manifest of {spec.version} was "
        f"found, so nothing judges it. Revert the merge of {newer.version} until it has settled."
    )


def longer_bake(spec):
    plan = spec.plan.model_copy(update={"bake_after_promotion": 3 * HOUR})
    return spec.model_copy(update={"plan": plan})


def test_an_edit_of_the_manifest_of_what_bakes_is_what_it_bakes_by() -> None:
    world, spec, now = promoted()
    world.spec = longer_bake(spec)
    assert tick(world, now).is_noop
    assert tick(world, now + 2 * HOUR).is_noop
    settled = tick(world, now + 3 * HOUR).record
    assert (settled.kind, settled.verdict) == (Kind.SETTLED, Verdict.PASS)
    assert tick(world, now + 3 * HOUR + MINUTE).is_noop


def test_what_fails_in_a_bake_whose_plan_was_edited_goes_back() -> None:
    world, spec, now = promoted()
    world.spec = longer_bake(spec)
    tick(world, now)
    now += MINUTE
    step = tick(world, now, samples(spec, now, challenger=BAD))
    assert (step.record.phase, is_back(world)) == (Phase.ROLLED_BACK, True)


@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.PROMOTED])
def test_a_manifest_of_what_serves_that_was_edited_starts_nothing_and_can_be_reverted(phase):
    world = world_of(spec_of())
    now = run_until(world, phase, START) + MINUTE
    world.spec = longer_bake(world.spec)
    commits = len(world.commits)
    assert tick(world, now).is_noop
    assert len(world.commits) == commits
    world.spec = None
    assert tick(world, now + MINUTE, ()).record.phase is Phase.ROLLED_BACK
    assert is_back(world)


def test_a_manifest_of_what_serves_starts_nothing_where_none_was_ever_acted_on() -> None:
    world = world_of(spec_of())
    world.champion = world.alias = CHALLENGER
    world.routing = Routing(CHALLENGER)
    assert tick(world, START).is_noop
    assert world.commits == []


@pytest.mark.parametrize("phase", [Phase.PROGRESSING, Phase.BAKING, Phase.PROMOTED])
def test_an_edited_manifest_of_the_champion_is_the_one_of_before(phase) -> None:
    """It was never acted on, and all the same it is where the revert of the next merge leads."""
    world = world_of(spec_of())
    now = run_until(world, Phase.PROMOTED, START) + MINUTE
    edited = longer_bake(world.spec)
    world.spec = edited
    tick(world, now)
    world.spec = spec_of("d", champion="c")
    tick(world, now + MINUTE)
    now = run_until(world, phase, now + 2 * MINUTE) + MINUTE
    world.spec = edited
    step = tick(world, now, ())
    assert step.record.phase is Phase.ROLLED_BACK
    assert step.reason.startswith("The merge was reverted (rollout.yaml is an earlier one again)")
    assert is_back(world, CHALLENGER)
    assert tick(world, now + MINUTE).is_noop


def test_abort_ends_it_and_stays() -> None:
    world, spec, now = in_stage(2)
    world.commands.add(Command(Verb.ABORT, spec.version))
    assert tick(world, now).record.phase is Phase.ABORTED
    world.commands.clear()
    step = tick(world, now + MINUTE)
    assert step.is_noop
    assert step.reason == "Aborted."
    assert is_back(world)


def test_a_pause_holds_the_weight_and_does_not_count_as_time() -> None:
    world, spec, _ = started()
    pause = Command(Verb.PAUSE, spec.version)
    world.commands.add(pause)
    assert tick(world, START + 30 * MINUTE).record.kind is Kind.PAUSED
    assert tick(world, START + 5 * HOUR).is_noop
    world.commands.remove(pause)
    tick(world, START + 6 * HOUR)
    assert tick(world, START + 6 * HOUR + 29 * MINUTE).is_noop
    assert tick(world, START + 6 * HOUR + 30 * MINUTE).record.stage == 2


def test_a_paused_rollout_is_looked_at_all_the_same() -> None:
    world, spec, now = in_stage(2)
    world.commands.add(Command(Verb.PAUSE, spec.version))
    tick(world, now)
    step = tick(world, now + MINUTE, samples(spec, now + MINUTE, challenger=BAD))
    assert step.record.phase is Phase.ROLLED_BACK


def test_promote_ends_the_time_but_not_the_gates() -> None:
    world, spec, _ = started()
    world.commands.add(Command(Verb.PROMOTE, spec.version, 1))
    at = START + 6 * MINUTE
    assert tick(world, at, samples(spec, at, n=10.0)).is_noop
    assert tick(world, START + 7 * MINUTE).record.stage == 2
    assert tick(world, START + 20 * MINUTE).is_noop


def test_promote_waits_for_one_full_window() -> None:
    world, spec, _ = started()
    world.commands.add(Command(Verb.PROMOTE, spec.version, 1))
    assert tick(world, START + 4 * MINUTE).is_noop
    assert tick(world, START + 5 * MINUTE).record.stage == 2


def test_a_held_stage_passes_and_then_waits_for_a_person() -> None:
    spec = spec_of()
    stages = [s.model_dump(exclude_none=True) for s in spec.plan.canary_stages]
    stages[0]["hold"] = True
    for stage in stages:
        stage["duration"] = "1h"
    world, spec, _ = started(canary_stages=stages)
    step = tick(world, START + HOUR)
    assert (step.record.phase, len(world.alerts)) == (Phase.PAUSED, 1)
    assert "resume-" in world.commits[-1].message
    assert {gate.verdict for gate in step.record.gates} == {Verdict.PASS}
    world.commands.add(Command(Verb.RESUME, spec.version, step.record.sequence))
    tick(world, START + 40 * HOUR)
    assert tick(world, START + 40 * HOUR + MINUTE).record.stage == 2


def test_promote_ends_the_hold_of_a_stage_too() -> None:
    spec = spec_of()
    stages = [s.model_dump(exclude_none=True) for s in spec.plan.canary_stages]
    for stage in stages:
        stage["duration"] = "1h"
    stages[0]["hold"] = True
    world, spec, _ = started(canary_stages=stages)
    assert tick(world, START + HOUR).record.phase is Phase.PAUSED
    world.commands.add(Command(Verb.PROMOTE, spec.version, 1))
    assert tick(world, START + HOUR + MINUTE).record.kind is Kind.RESUMED
    assert tick(world, START + HOUR + 2 * MINUTE).record.stage == 2


def test_traffic_grows_only_in_a_deploy_window() -> None:
    windows = [{"days": ["wednesday"], "start": "09:00", "end": "09:30"}]
    world, _, _ = started(deploy_windows=windows)  # a Wednesday
    assert tick(world, START + 2 * HOUR).is_noop
    assert tick(world, START + 7 * DAY).record.stage == 2


def test_a_closed_window_never_counts_towards_the_deadline() -> None:
    windows = [{"days": ["wednesday"], "start": "09:00", "end": "09:30"}]
    world, spec, _ = started(deploy_windows=windows)
    now = START + 3 * DAY
    assert tick(world, now, samples(spec, now, n=5.0)).is_noop


def test_traffic_that_a_provider_forgot_is_given_again_unless_nothing_can_be_seen() -> None:
    world, spec, now = in_stage(2)
    world.routing = Routing(CHAMPION)
    tick(world, now, samples(spec, now, error="500"))
    assert world.routing.challenger_percent == 0
    step = tick(world, now + MINUTE)
    assert step.reason == "Traffic is not as recorded: the challenger gets 50 %."
    assert (world.routing.challenger_percent, step.record) == (50, None)


def test_traffic_that_a_provider_gives_back_to_what_was_stopped_is_taken_and_latched() -> None:
    world, _, now = rolled_back()
    world.routing, world.stop = Routing(CHAMPION, CHALLENGER, 50.0), None
    step = tick(world, now)
    [mended] = step.effects
    assert step.reason == "Registry and traffic are not as recorded."
    state = world.status.records[-1]
    assert mended == SetWeights(Routing(CHAMPION), Stop(state.version, 1, state.reason, state.at))
    assert world.routing == Routing(CHAMPION)


def test_a_pointer_to_what_was_stopped_gives_it_no_traffic() -> None:
    world, _, now = rolled_back()
    world.champion, state = CHALLENGER, world.status.records[-1]
    step = tick(world, now)
    assert step.is_noop
    assert step.reason.startswith(f"champion.yaml names {state.version}, which was stopped")
    assert world.routing.agrees_with(Routing(CHAMPION))


def test_traffic_of_before_a_promotion_that_is_over_is_mended_without_a_latch() -> None:
    world = world_of(spec_of())
    now = run_until(world, Phase.PROMOTED, START) + MINUTE
    world.routing = Routing(CHAMPION)
    assert tick(world, now).effects == (SetWeights(Routing(CHALLENGER), None),)


def test_a_moved_champion_ends_the_rollout() -> None:
    world, _, now = in_stage(2)
    world.champion = identity("f").digest
    step = tick(world, now)
    assert step.record.phase is Phase.SUPERSEDED
    assert world.routing.agrees_with(Routing(identity("f").digest))


def test_what_the_watchdog_stopped_is_recorded_and_never_promoted_again() -> None:
    world, spec, now = in_stage(2)
    world.routing = Routing(CHAMPION)
    world.stop = Stop(spec.version, 1, "error rate 20 %", now)
    step = tick(world, now + MINUTE)
    assert "Stopped at the traffic layer: error rate 20 %" in step.reason
    assert phase_of(world) is Phase.ROLLED_BACK
    for hours in range(1, 30):
        tick(world, now + hours * HOUR)
    assert is_back(world)


@pytest.mark.parametrize("killed_after", range(5))
def test_a_rollback_killed_anywhere_is_finished_by_the_next_run(killed_after: int) -> None:
    world, spec, now = in_stage(2)
    tick(world, now, samples(spec, now, challenger=BAD), kill_after=killed_after)
    for minute in range(1, 4):  # and by then the metrics are quiet
        tick(world, now + minute * MINUTE, samples(spec, now, challenger=BAD, n=2_000.0))
    assert is_back(world)
    assert sum(c.record.kind is Kind.ENDED for c in world.commits) == 1


@pytest.mark.parametrize("killed_after", range(4))
def test_an_advance_killed_anywhere_skips_no_stage_and_takes_none_twice(killed_after: int) -> None:
    world, _, _ = started()
    tick(world, START + HOUR, kill_after=killed_after)
    run_until(world, Phase.PROMOTED, START + HOUR + MINUTE)
    stages = [c.record.stage for c in world.commits if c.record.kind is Kind.STAGE]
    assert stages == [1, 2, 3]


@pytest.mark.parametrize("killed_after", range(6))
def test_a_promotion_killed_anywhere_is_finished_by_the_next_run(killed_after: int) -> None:
    world, _, now = in_stage(3)
    tick(world, now + HOUR, kill_after=killed_after)
    tick(world, now + HOUR + MINUTE)
    tick(world, now + HOUR + 2 * MINUTE)
    assert is_back(world, CHALLENGER)
    assert sum(c.record.kind is Kind.PROMOTED for c in world.commits) == 1


# ---------------------------------------------------------------- the ledger of what was stopped


def rolled_back():
    world, spec, now = in_stage(2)
    tick(world, now, samples(spec, now, challenger=BAD))
    return world, spec, now + MINUTE


def test_a_rolled_back_digest_in_another_manifest_is_refused() -> None:
    world, spec, now = rolled_back()
    world.spec = spec.model_copy(update={"retrain": "flight-delay-0005"})
    step = tick(world, now)
    assert step.record.phase is Phase.REFUSED
    assert "It does not come back by itself" in step.reason
    assert is_back(world)


def test_a_retry_starts_it_again_once() -> None:
    world, spec, now = rolled_back()
    world.commands.add(Command(Verb.RETRY, spec.version, 3))
    assert tick(world, now).is_noop
    world.commands.add(Command(Verb.RETRY, spec.version, 1))
    step = tick(world, now + MINUTE)
    assert (step.record.stage, step.record.attempt) == (1, 2)
    at = now + 2 * MINUTE
    assert tick(world, at, samples(spec, at, challenger=BAD)).record.phase is Phase.ROLLED_BACK
    assert tick(world, at + MINUTE).is_noop
    world.commands.add(Command(Verb.RETRY, spec.version, 2))
    assert tick(world, at + 2 * MINUTE).record.attempt == 3


def test_the_latch_of_an_earlier_attempt_stops_no_later_one() -> None:
    world, spec, now = rolled_back()
    world.commands.add(Command(Verb.RETRY, spec.version, 1))
    tick(world, now, kill_after=2)  # committed, and killed before the traffic moved
    assert world.stop.attempt == 1
    tick(world, now + MINUTE)
    assert (world.routing.challenger_percent, world.stop) == (5, None)


def test_an_abort_that_is_still_there_keeps_a_retry_from_starting() -> None:
    world, spec, now = in_stage(2)
    world.commands.add(Command(Verb.ABORT, spec.version))
    tick(world, now)
    world.commands.add(Command(Verb.RETRY, spec.version, 1))
    assert "abort is still there" in tick(world, now + MINUTE).reason


# ---------------------------------------------------------------- other types


def test_blue_green_warms_up_without_traffic_and_switches_at_once() -> None:
    plan = {"warm_up": "10m", "hold": "1h", "success_criteria": {"error_rate_max": 0.02}}
    world = world_of(spec_of(type="blue_green", canary_stages=[], blue_green=plan))
    tick(world, START)
    assert world.routing.challenger_percent == 0
    run_until(world, Phase.BAKING, START + MINUTE)
    weights = [c.record.weight_percent for c in world.commits]
    assert weights == [0, 100, 100]


def test_a_mirror_stage_comes_first_and_gives_nobody_its_answers() -> None:
    mirror = {"duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    world = world_of(spec_of(mirror=mirror))
    tick(world, START)
    assert (world.routing.is_mirrored, world.routing.challenger_percent) == (True, 0)
    tick(world, START + HOUR)
    assert (world.routing.is_mirrored, world.routing.challenger_percent) == (False, 5)


@pytest.mark.parametrize(("number", "is_mirrored"), [(1, False), (2, True), (3, False)])
def test_a_reverted_stage_goes_back_to_the_copy_where_the_one_before_it_was_the_mirror(
    number: int, is_mirrored: bool
) -> None:
    mirror = {"duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    world, _, now = in_stage(number, mirror=mirror)
    world.revert(commit_of(world, Kind.STAGE, number))
    tick(world, now)
    percent = {1: 0, 2: 0, 3: 5}[number]
    assert world.routing == Routing(CHAMPION, CHALLENGER, percent, is_mirrored)
    assert tick(world, now + MINUTE).is_noop


def test_a_mirror_stage_that_fails_ends_the_rollout() -> None:
    mirror = {"duration": "1h", "success_criteria": {"error_rate_max": 0.02}}
    spec = spec_of(mirror=mirror)
    world = world_of(spec)
    tick(world, START)
    step = tick(world, START + MINUTE, samples(spec, START + MINUTE, challenger=BAD))
    assert step.record.phase is Phase.ROLLED_BACK


def test_batches_grow_evenly() -> None:
    rolling = {
        "batch_percentage": 40, "duration": "30m", "success_criteria": {"error_rate_max": 0.02}
    }  # fmt: skip
    world = world_of(spec_of(type="rolling", canary_stages=[], rolling=rolling))
    run_until(world, Phase.BAKING, START)
    assert [c.record.weight_percent for c in world.commits] == [40, 80, 100, 100]
