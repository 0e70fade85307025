"""How long rollbacks took, by one clock each; and what cannot be timed says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.core.rollout.observation import Health, Stop
from pipeline.core.site.attempts import attempts_of
from pipeline.core.site.rollbacks import rollback_time, rollbacks_of
from pipeline.core.site.success_figures import Standing
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Phase
from tests.core.site_histories import ask, failed_world, promoted_world, written_of
from tests.rollouts import (
    BAD,
    DAY,
    GOOD,
    HOUR,
    MINUTE,
    MODEL,
    START,
    sample,
    samples,
    spec_of,
    tick,
    world_of,
)

SECOND = timedelta(seconds=1)


def of(world, *asked):
    (found,) = rollbacks_of(attempts_of(written_of(world)), asked)
    return found


def test_a_failing_figure_is_timed_from_the_oldest_one_that_was_used() -> None:
    found = of(failed_world(seen_ago=100 * SECOND))
    assert (found.took, found.cause) == (100 * SECOND, "a figure failed")


ACCURACY = {
    "kind": "proportion",
    "events": 'sum(increase(model_correct_total{model_version="{version}"}[{window}]))',
    "count": 'sum(increase(model_labelled_total{model_version="{version}"}[{window}]))',
    "newest": 'max(label_times{model_version="{version}"})',
    "max_age": "2d",
    "window": "30m",
}


@pytest.mark.parametrize(
    ("accuracy", "served", "took"),
    [
        (0.8, BAD, 20 * SECOND),  # its labels are late, and it passed
        (0.3, BAD, 26 * HOUR),
        (0.3, GOOD, 26 * HOUR),
    ],
)
def test_only_figures_that_failed_are_timed(accuracy: float, served, took: timedelta) -> None:
    spec = spec_of(
        metrics={"queries": {"accuracy": ACCURACY}},
        rollback_conditions=[{"error_rate_spike": 0.01}, {"accuracy_drop": 0.05}],
    )
    world = world_of(spec)
    tick(world, START)
    now = START + 10 * MINUTE
    labels = [
        sample(spec, "accuracy", role, value, n=2_000, now=now - 26 * HOUR)
        for role, value in (("challenger", accuracy), ("champion", 0.8))
    ]
    fresh = samples(spec, now, served, GOOD, sampled_at=now - 20 * SECOND)
    tick(world, now, (*fresh, *labels))
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert of(world).took == took


def test_a_server_that_does_not_answer_is_not_timed_from_the_look_that_saw_it() -> None:
    world = world_of(spec_of())
    tick(world, START)
    now = START + 10 * MINUTE
    old = samples(world.spec, now, sampled_at=now - MINUTE)
    tick(world, now, old, challenger_health=Health(False, "connection refused"))
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert of(world).took is None
    found = rollback_time(MODEL, attempts_of(written_of(world)), ())
    assert (found.value, found.standing) == ("not known", Standing.UNKNOWN)
    assert found.gap == "Not timed: 1, a server did not answer; since when, git does not know."


def test_a_figure_that_failed_beside_a_dead_server_has_its_time() -> None:
    world = world_of(spec_of())
    tick(world, START)
    now = START + 10 * MINUTE
    found = samples(world.spec, now, BAD, GOOD, sampled_at=now - 20 * SECOND)
    tick(world, now, found, challenger_health=Health(False, "connection refused"))
    assert of(world).took == 20 * SECOND


def test_a_record_without_its_figures_is_not_timed() -> None:
    (attempt,) = attempts_of(written_of(failed_world()))
    last = attempt.written[-1]
    bare = replace(last, record=last.record.model_copy(update={"samples": ()}))
    cut = replace(attempt, written=(*attempt.written[:-1], bare))
    (found,) = rollbacks_of([cut], ())
    assert (found.took, found.cause) == (None, "a check failed; since when, git does not know")


def test_one_that_fails_for_several_checks_is_timed_from_the_first() -> None:
    spec = spec_of(limits={"failure_limit": 3, "deadline": "6h"})
    world = world_of(spec)
    tick(world, START)
    for minutes in (10, 15, 20, 25):
        now = START + minutes * MINUTE
        tick(world, now, samples(spec, now, BAD, GOOD))
    found = of(world)
    assert found.took == world.status.records[-1].at - (START + 10 * MINUTE)
    assert found.took > 5 * MINUTE


def test_a_revert_is_timed_from_its_commit_to_that_of_the_record() -> None:
    world = promoted_world()
    world.spec = None
    tick(world, START + DAY, ())
    asked = (ask(START - MINUTE), ask(START + DAY - 45 * SECOND))
    found = of(world, *asked)
    assert (found.took, found.cause) == (48 * SECOND, "a person asked")  # committed 3 s later


def test_an_abort_is_timed_from_its_command_alone() -> None:
    world = world_of(spec_of())
    tick(world, START)
    world.commands.add(Command(Verb.ABORT, world.spec.version))
    tick(world, START + 10 * MINUTE)
    assert world.status.records[-1].phase is Phase.ABORTED
    revert, command = ask(START + 2 * MINUTE), ask(START + 9 * MINUTE, is_command=True)
    assert of(world, revert, command).took == MINUTE + 3 * SECOND
    assert of(world, revert).took is None


def test_a_stop_at_the_traffic_layer_came_before_git_and_is_not_timed() -> None:
    world = world_of(spec_of())
    tick(world, START)
    world.stop = Stop(world.spec.version, 1, "the watchdog saw errors", START + MINUTE)
    tick(world, START + 2 * MINUTE)
    found = of(world, ask(START))
    assert (found.took, found.cause) == (None, "stopped before git heard of it")


def test_an_end_for_lack_of_evidence_is_not_timed() -> None:
    spec = spec_of()
    world = world_of(spec)
    tick(world, START)
    for minutes in (5, 10, 15, 20, 25):
        tick(world, START + minutes * MINUTE, ())
    found = of(world)
    assert (found.took, found.cause) == (None, "too little evidence or none")
    figure = rollback_time(MODEL, attempts_of(written_of(world)), ())
    assert (figure.value, figure.standing) == ("not known", Standing.UNKNOWN)
    assert figure.gap == "Not timed: 1, too little evidence or none."
    assert figure.n == "0 of 1 rollback timed"


@pytest.mark.parametrize(
    ("seconds", "value", "standing"),
    [(299, "4 min 59 s", Standing.MET), (300, "5 min 0 s", Standing.MISSED)],
)
def test_five_minutes_are_not_less_than_five_minutes(seconds: int, value: str, standing) -> None:
    spec = spec_of(monitoring={"max_age": "10m"})
    attempts = attempts_of(written_of(failed_world(spec, seen_ago=seconds * SECOND)))
    found = rollback_time(MODEL, attempts, ())
    assert (found.value, found.standing) == (value, standing)
    assert found.n == "1 of 1 rollback timed"


def test_the_longest_of_several_is_the_figure() -> None:
    attempts = [attempts_of(written_of(failed_world(seen_ago=s * SECOND)))[0] for s in (10, 90, 30)]
    found = rollback_time(MODEL, attempts, ())
    assert (found.value, found.n) == ("1 min 30 s", "3 of 3 rollbacks timed, 30 s at the median")
    assert found.drawing is not None
    assert found.drawing.description == "10 s, 1 min 30 s, 30 s"
