"""Everything at once, and nothing stood in for: two rollouts through real servers under load."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from pipeline.rollout_metrics import DEFAULT_METRICS
from pipeline.rollout_status import Phase
from tests.repository import git
from tests.rolling.live import Live, live, run_script, watching
from tests.rollouts import plan
from tests.servers import load
from tests.servers.binaries import wait_for
from tests.servers.model_server import BODY, ModelServer

USERS = [f"passenger-{number}" for number in range(200)]
CRITERIA = {"error_rate_max": "5%", "latency_p95_max": "10s", "accuracy_min": 0.5}
QUICK = {"window": timedelta(seconds=4), "min_samples": 20}
PLAN = plan(  # the default queries, over seconds
    canary_stages=[
        {"traffic_percentage": weight, "duration": "4s", "success_criteria": CRITERIA}
        for weight in (50, 100)
    ],
    rollback_conditions={"error_rate_spike": 0.1},
    monitoring={"max_age": "20s"},
    metrics={"queries": {n: m.model_copy(update=QUICK) for n, m in DEFAULT_METRICS.items()}},
    bake_after_promotion=None,
)
LABELS = [{"answer": True, "label": number < 3} for number in range(4)]  # an accuracy of 0.75


def test_a_healthy_challenger_is_promoted_and_a_failing_one_is_stopped_without_git(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with (
        live(tmp_path_factory.mktemp("live"), servers=3) as world,
        watching(world.watcher, "--apply", PROMETHEUS_URL=world.prometheus) as watchdog,
        load.running(world.traffic.port, USERS, workers=6, per_second=60, body=BODY) as users,
    ):
        _, healthy, failing = world.servers
        promotion = promote(world, healthy)
        moved_back = load.went_back(list(users.answers), world.servers[0].version)
        assert moved_back == set()  # a watchdog that has not pulled yet undoes no stage
        fail(world, failing, users)
        assert_replayed(world)

        git(world.home, "revert", "--no-edit", promotion)
        world.reconcile()
        assert world.traffic.observe().champion.name == world.servers[0].version
        assert_replayed(world)
        assert watchdog.terminate() == 0, watchdog.told()
        assert watchdog.told().count("Going on from what was known.") in (1, 2)  # not at each pull
    own = [answer for answer in users.failed if answer.version == failing.version]
    assert users.failed == own
    assert {answer.status for answer in own} == {500}


def promote(world: Live, challenger: ModelServer) -> str:
    """Returns the commit of the promotion."""
    spec = world.merge(1, PLAN)
    feedback = json.dumps({"model_version": challenger.version, "outcomes": LABELS})
    with load.running(
        challenger.port, ["labels"], workers=1, per_second=5, path="/feedback", body=feedback
    ):
        promoted = world.reconcile_until("promoted")
    assert world.traffic.observe().champion.name == challenger.version
    found = {(sample.metric, sample.role): sample for sample in promoted.samples}
    assert found["error_rate", "challenger"].value == 0
    assert 0 < found["latency_p95", "challenger"].value <= 10_000
    assert found["accuracy", "challenger"].value == pytest.approx(0.75)
    assert (spec.version, promoted.phase) == (challenger.version, Phase.PROMOTED)
    return git(world.home, "rev-parse", "main").strip()


def fail(world: Live, challenger: ModelServer, users: load.Load) -> None:
    world.merge(2, PLAN)
    world.reconcile_until("stage-1")
    wait_for(world.is_pulled, 30)
    tip = git(world.home, "rev-parse", "main")
    with world.without_git():
        challenger.misbehave(error_rate=0.5)
        wait_for(lambda: world.traffic.observe().challenger is None, 60)
    stop = world.latch()
    assert stop is not None
    assert stop.version == challenger.version
    assert git(world.home, "rev-parse", "main") == tip  # nobody could have written it there
    failed = len(users.failed)
    challenger.misbehave(error_rate=0)
    record = world.reconcile_until("ended")
    assert record.phase is Phase.ROLLED_BACK
    assert record.reason.startswith("Stopped at the traffic layer: error rate")
    assert len(users.failed) <= failed + 6  # those under way


def assert_replayed(world: Live) -> None:
    done = run_script(world.home, "replay_rollout", "--local")
    assert done.returncode == 0, done.stdout
    assert "0 differ" in done.stdout
