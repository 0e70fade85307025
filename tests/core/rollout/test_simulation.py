"""Whole rollouts on a fake clock, with seeded counts: harm is seen in minutes, health is not harm.

PERENNIAL_SIMULATED_RUNS scales the two long ones.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from pipeline.core.rollout.effects import Commit
from pipeline.core.rollout.simulation import Simulation
from pipeline.core.rollout.traffic import Traffic
from pipeline.rollout_config import load_rollout_plan
from pipeline.rollout_scenario import Behaviour, Event, Scenario
from pipeline.rollout_status import Kind, Phase
from tests.rollouts import HOUR, MINUTE, START, spec_of, world_of

RUNS = int(os.environ.get("PERENNIAL_SIMULATED_RUNS", "200"))
SECOND = timedelta(seconds=1)
SPEC = spec_of().model_copy(update={"plan": load_rollout_plan(Path(__file__).parents[3])})
WORSE = Behaviour(error_rate=0.05)


def simulate(*events: Event, spec=SPEC, **scenario) -> Simulation:
    return Simulation(spec, Scenario(events=events, **scenario), START).run()


def end_of(simulation: Simulation):
    """The moment and the record of the rollback; None without one."""
    ended = [(at, s.record) for at, s in simulation.steps if s.record and s.record.phase.is_ended]
    return ended[0] if ended else None


def test_one_to_five_percent_errors_are_stopped_in_under_five_minutes_in_every_run() -> None:
    """3 challenger requests a second in stage 1, a look every 5 seconds, the shipped plan."""
    harm = 5 * MINUTE
    lasted = []
    for seed in range(RUNS):
        simulation = Simulation(
            SPEC,
            Scenario(seed=seed, tick=5 * SECOND, events=(Event(at=harm, challenger=WORSE),)),
            START,
        )
        now = START
        while (ended := end_of(simulation)) is None and now < START + 2 * harm:
            simulation.tick(now)
            now += 5 * SECOND
        assert ended is not None, f"seed {seed}: still there after five minutes"
        at, record = ended
        assert simulation.world.routing.challenger_percent == 0
        assert record.phase is Phase.ROLLED_BACK
        lasted.append(at - START - harm)
    assert min(lasted) >= timedelta(0), "stopped before there was any harm"
    assert max(lasted) < 5 * MINUTE


def test_a_healthy_challenger_is_promoted() -> None:
    for seed in range(3):
        simulation = simulate(seed=seed, tick=5 * MINUTE)
        phases = [moment.phase for moment in simulation.moments]
        assert phases[-1] == "Promoted", simulation.steps[-1]


def test_a_slow_challenger_is_rolled_back() -> None:
    slow = Event(at=HOUR, challenger=Behaviour(latency_p95_ms=400))
    at, record = end_of(simulate(slow))
    assert at - START <= HOUR + 5 * MINUTE
    assert "latency" in record.reason


def test_a_less_accurate_challenger_is_rolled_back_when_its_labels_come() -> None:
    worse = Event(at=MINUTE, challenger=Behaviour(accuracy=0.5))
    at, record = end_of(simulate(worse, tick=5 * MINUTE))
    assert at - START > 24 * HOUR
    assert "accuracy" in record.reason


@pytest.mark.parametrize("metrics", ["gone", "nan", "stale", "other version"])
def test_metrics_that_die_while_the_challenger_fails_roll_back_in_the_budget(metrics: str) -> None:
    events = (Event(at=HOUR, metrics=metrics), Event(at=HOUR + MINUTE, challenger=WORSE))
    at, record = end_of(simulate(*events))
    assert at - START <= HOUR + SPEC.plan.limits.blindness_budget + MINUTE
    assert "Blind" in record.reason


def test_a_storm_that_hits_both_is_held_and_alerted() -> None:
    bad = Behaviour(error_rate=0.3)
    simulation = simulate(Event(at=HOUR, champion=bad, challenger=bad), end=90 * MINUTE)
    assert end_of(simulation) is None
    assert simulation.moments[-1].challenger_percent == 5
    assert len(simulation.world.alerts) == 1


@pytest.mark.parametrize(
    ("person", "phase"),
    [("abort", "Aborted"), ("revert merge", "RolledBack"), ("revert stage", "Paused")],
)
def test_what_a_person_does_happens_at_the_next_tick(person: str, phase: str) -> None:
    simulation = simulate(Event(at=3 * HOUR, person=person), end=4 * HOUR)
    after = [m for m in simulation.moments if m.at >= START + 3 * HOUR]
    assert {moment.phase for moment in after} == {phase}


def test_a_reverted_promotion_brings_the_champion_back() -> None:
    simulation = simulate(Event(at=50 * HOUR, person="revert promotion"), tick=10 * MINUTE)
    assert any(c.record.kind is Kind.PROMOTED for c in simulation.world.commits)
    assert simulation.world.champion == SPEC.champion.digest
    assert simulation.moments[-1].phase == "RolledBack"


def test_the_watchdog_is_believed() -> None:
    at, record = end_of(simulate(Event(at=HOUR, watchdog="5xx at the proxy")))
    assert at == START + HOUR
    assert "5xx at the proxy" in record.reason


def test_what_happens_before_the_rollout_began_changes_nothing() -> None:
    early = [Event(at=MINUTE, watchdog="5xx")]
    early += [Event(at=MINUTE, person=name) for name in ("revert stage", "resume", "unpause")]
    simulation = Simulation(SPEC, Scenario(events=tuple(early)), START)
    simulation.tick(START + MINUTE)
    assert simulation.world.stop is None
    assert simulation.moments[-1].challenger_percent == 5


def test_a_pause_lasts_until_the_person_takes_it_back() -> None:
    events = (Event(at=HOUR, person="pause"), Event(at=2 * HOUR, person="unpause"))
    simulation = simulate(*events, tick=10 * MINUTE, end=3 * HOUR)
    phases = {(moment.at - START) // HOUR: moment.phase for moment in simulation.moments}
    assert (phases[0], phases[1], phases[2]) == ("Progressing", "Paused", "Progressing")


def test_traffic_that_nobody_routes_reaches_neither_model() -> None:
    simulation = Simulation(SPEC, Scenario(), START)
    simulation.world.routing = None
    simulation.tick(START)
    assert "does not say who gets what" in simulation.steps[-1][1].reason
    assert set(simulation.moments[-1].figures.values()) == {None}


def simulate_shop(*events: Event) -> Simulation:
    """Two models that sell, judged by a metric of one's own."""
    query = {"value": 'basket{v="{version}"}', "count": 'orders{v="{version}"}'}
    stage = {"duration": "2h", "success_criteria": {"error_rate_max": 0.02, "basket_min": 3.0}}
    spec = spec_of(
        canary_stages=[{"traffic_percentage": percent, **stage} for percent in (5, 100)],
        metrics={"queries": {"basket": query}},
    )
    model = {"error_rate": 0.01, "latency_p95_ms": 90.0, "accuracy": 0.8}
    usual = Behaviour(**model, other={"basket": 3.5, "visits": 7.0})
    return simulate(
        *events, spec=spec, champion=usual, challenger=usual, tick=5 * MINUTE, end=2 * HOUR
    )


def test_a_metric_of_ones_own_is_what_the_scenario_says() -> None:
    poor = Event(at=HOUR, challenger=Behaviour(other={"basket": 2.5}))
    at, record = end_of(simulate_shop(poor))
    assert at == START + HOUR
    assert "basket" in record.reason


def test_what_an_event_does_not_name_stays_as_it_was_and_so_do_metrics_of_ones_own() -> None:
    faster = Event(at=30 * MINUTE, challenger=Behaviour(latency_p95_ms=80.0))
    other = Event(at=HOUR, challenger=Behaviour(other={"visits": 9.0}))
    first, *moments = simulate_shop(faster, other).moments
    assert first.figures["basket"] is None  # nobody was served yet
    assert {moment.figures["basket"] for moment in moments} == {3.5}


def test_a_commit_of_nothing_adds_no_commit() -> None:
    world = world_of(SPEC)
    world.apply([Commit("nothing was written")], START)
    assert world.commits == []


def test_an_accuracy_of_few_labels_varies_as_that_of_few_labels_does() -> None:
    few = Scenario(requests_per_second=1_000.0, label_share=0.005)
    found = []
    for seed in range(400):
        traffic = Traffic(few, SPEC, "challenger", np.random.default_rng(seed))
        traffic.serve(few.challenger, 1.0, START)
        found.append(traffic.sample("accuracy", few.challenger, START + few.label_delay))
    labels = np.array([sample.n for sample in found])
    assert (labels.mean(), labels.std()) == pytest.approx((300, 300**0.5), rel=0.1)
    values = np.array([sample.value for sample in found])
    assert values.mean() == pytest.approx(0.8, rel=0.01)
    assert values.std() == pytest.approx((0.8 * 0.2 / 300) ** 0.5, rel=0.1)


def test_the_same_seed_is_the_same_rollout() -> None:
    first, second = (simulate(seed=7, tick=5 * MINUTE, end=3 * HOUR) for _ in range(2))
    assert first.moments == second.moments
