"""A look into a recording finds what was known then, and no figure of the future or of nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.core.rollout.recording import Recording, record
from pipeline.core.rollout.simulation import Simulation
from pipeline.rollout_scenario import Scenario
from tests.rollouts import BAD, GOOD, HOUR, MINUTE, START, sample, samples, spec_of

SPEC = spec_of()
SECOND = timedelta(seconds=1)


def errors(*figures: float, is_dense: bool = True, **changes) -> Recording:
    """One error rate of the challenger every ten minutes from START on."""
    played = []
    for i, value in enumerate(figures):
        at = START + 10 * i * MINUTE
        one = sample(SPEC, "error_rate", "challenger", value, n=2_000.0, now=at, **changes)
        played.append((at, one))
    return record(reversed(played), start=START, is_dense=is_dense)


def seen(recording: Recording, now):
    return recording.sample(SPEC, "error_rate", "challenger", now)


def test_a_look_finds_the_newest_figure_that_is_not_after_it_as_old_as_it_is() -> None:
    found = errors(0.1, 0.2, 0.3)
    assert (found.start, found.end) == (START, START + 20 * MINUTE)
    assert [seen(found, START + 10 * MINUTE + late).value for late in (-SECOND, 0 * SECOND)] == [
        0.1,
        0.2,
    ]
    late = seen(found, START + HOUR)
    assert (late.value, late.sampled_at) == (0.3, START + 20 * MINUTE)


def test_of_two_figures_of_one_moment_the_later_in_the_file_is_seen() -> None:
    one = sample(SPEC, "error_rate", "challenger", 0.1, n=2_000.0, now=START)
    played = [(START, one), (START, one.model_copy(update={"value": 0.2}))]
    assert seen(record(played, start=START, is_dense=True), START).value == 0.2


def test_before_the_first_figure_there_is_none_and_the_sample_says_so() -> None:
    nothing = seen(errors(0.1), START - SECOND)
    assert (nothing.value, nothing.error) == (None, "nothing was recorded of it")
    assert (nothing.version, nothing.window) == (SPEC.version, timedelta(minutes=5))


@pytest.mark.parametrize("is_dense", [True, False])
def test_a_version_of_which_nothing_was_recorded_has_no_figure_at_all(is_dense: bool) -> None:
    found = errors(0.1, is_dense=is_dense)
    nothing = found.sample(SPEC, "error_rate", "champion", START)
    assert (nothing.value, nothing.version) == (None, SPEC.champion_version)
    assert nothing.error


def test_between_two_transitions_the_later_ones_figure_holds_and_is_as_new_as_the_look() -> None:
    found = errors(0.1, 0.2, is_dense=False)
    looks = [START, START + SECOND, START + 10 * MINUTE, START + HOUR]
    assert [seen(found, look).value for look in looks] == [0.1, 0.2, 0.2, 0.2]
    assert [seen(found, look).sampled_at for look in looks] == looks


def test_a_transition_whose_figure_had_no_time_has_none_when_played() -> None:
    assert seen(errors(0.1, is_dense=False, sampled_at=None), START).sampled_at is None


def test_a_recording_is_judged_by_the_plan_and_ends_the_simulation_when_it_ends() -> None:
    moments = [START + minute * MINUTE for minute in range(0, 121, 5)]
    played = [
        (at, one)
        for at in moments
        for one in samples(SPEC, at, BAD if at >= START + 90 * MINUTE else GOOD)
    ]
    scenario = Scenario(tick=5 * MINUTE)
    healthy = [(at, one) for at, one in played if at < START + 90 * MINUTE]
    short, whole = (
        Simulation(SPEC, scenario, START, record(part, start=START, is_dense=True)).run()
        for part in (healthy, played)
    )
    assert (short.moments[-1].at, short.moments[-1].challenger_percent) == (moments[17], 50)
    ended = next(at for at, step in whole.steps if step.record and step.record.phase.is_ended)
    assert ended == START + 90 * MINUTE
