"""One figure that no code expected: the others are judged, and the challenger keeps no traffic."""

from __future__ import annotations

import pytest

from pipeline.adapters.metrics.file import FileMetrics
from pipeline.errors import Bug
from pipeline.rolling import judging
from pipeline.rolling.observe import Eyes, look_at
from pipeline.rolling.traffic import RecordedTraffic
from pipeline.rollout_status import Phase
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rolling.test_watchdog import Watching
from tests.rollouts import BAD, MINUTE

STAGE = 50.0  # percent, as long as nothing ends the rollout


@pytest.fixture
def running(world: Rolled):
    """A rollout in its second stage, watched."""
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    return spec, Watching(world)


@pytest.fixture
def odd_latency(running, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on a provider breaks on the latency's answer, and on no other."""
    query = FileMetrics.query

    def break_on_latency(self, name, *rest):
        if name == "latency_p95":
            raise OverflowError("year 10000 is out of range")
        return query(self, name, *rest)

    monkeypatch.setattr(FileMetrics, "query", break_on_latency)


@pytest.mark.usefixtures("odd_latency")
def test_an_answer_that_breaks_the_reader_hides_no_failing_metric(world: Rolled, running) -> None:
    spec, watching = running
    world.record(spec, challenger=BAD)
    assert watching.look() == []
    assert world.share() == 0
    assert "error rate" in world.latch().reason


@pytest.mark.usefixtures("odd_latency")
def test_an_answer_that_breaks_the_reader_is_blindness(world: Rolled, running) -> None:
    spec, watching = running
    for expected in (STAGE, STAGE, 0):
        world.record(spec)
        assert watching.look() == []
        assert world.share() == expected
        world.now += 5 * MINUTE
    assert "OverflowError: year 10000 is out of range" in world.latch().reason


def test_a_count_beyond_all_counts_is_blindness(world: Rolled, running) -> None:
    spec, watching = running
    for expected in (STAGE, STAGE, 0):
        world.record(spec, challenger=BAD, n=1e308)
        assert watching.look() == []
        assert world.share() == expected
        world.now += 5 * MINUTE


@pytest.fixture
def odd_core(running, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the core breaks on any figure."""
    reconcile = judging.reconcile

    def break_on_figures(spec, status, seen, now):
        if seen.samples:
            raise OverflowError("int too large to convert to float")
        return reconcile(spec, status, seen, now)

    monkeypatch.setattr(judging, "reconcile", break_on_figures)


@pytest.mark.usefixtures("odd_core")
def test_a_figure_that_breaks_the_core_is_told_and_is_blindness(world: Rolled, running) -> None:
    spec, watching = running
    for expected in (STAGE, STAGE, 0):
        world.record(spec)
        (failure,) = watching.look()
        assert isinstance(failure, Bug)
        assert world.share() == expected
        world.now += 5 * MINUTE
    assert len([line for line in world.said if "OverflowError" in line]) == 1


@pytest.mark.usefixtures("odd_core")
def test_a_figure_that_breaks_the_core_ends_the_rollout_in_git_as_well(
    world: Rolled, running
) -> None:
    spec, _ = running
    for _ in range(3):
        world.record(spec)
        (result,) = world.reconcile()
        assert {type(failure) for failure in result.failures} == {Bug}
        world.now += 5 * MINUTE
    assert world.kinds()[-2:] == ["held", "ended"]
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_whatever_is_asked_may_break_and_is_unknown_then(world: Rolled, running) -> None:
    def broken(*_: object):
        raise RecursionError("too deep")

    state = world.state()
    eyes = Eyes(RecordedTraffic(None, None), broken, broken, broken)
    found = look_at(state, eyes, world.now)
    assert found.alias is None
    assert found.champion_health.is_answering is found.challenger_health.is_answering is None
    assert {found.challenger_health.reason, *(sample.error for sample in found.samples)} == {
        "RecursionError: too deep"
    }
