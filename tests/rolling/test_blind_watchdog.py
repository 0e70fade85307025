"""A real Prometheus dies at the moment the challenger begins to fail: nobody flies on blind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.adapters.prometheus import Prometheus
from pipeline.rolling.watchdog import Watchdog
from pipeline.rollout_metrics import DEFAULT_METRICS
from pipeline.rollout_status import Phase
from tests.rolling.rolled import Rolled
from tests.rollouts import spec_of
from tests.servers import exporter, prometheus
from tests.servers.binaries import wait_for
from tests.servers.exporter import Exporter

BUDGET = timedelta(seconds=4)
CRITERIA = {"error_rate_max": 0.02}
QUICK = {"window": timedelta(seconds=4), "min_samples": 20}
PLAN = {
    "canary_stages": [
        {"traffic_percentage": weight, "duration": "1h", "success_criteria": CRITERIA}
        for weight in (50, 100)
    ],
    "rollback_conditions": {"error_rate_spike": 0.05},
    "limits": {"blindness_budget": "4s"},
    "monitoring": {"max_age": "20s"},
    "metrics": {"queries": {n: m.model_copy(update=QUICK) for n, m in DEFAULT_METRICS.items()}},
}


@contextmanager
def served(source: Exporter, *versions: str) -> Iterator[None]:
    """Requests to each version, 100 a second and none of them an error, as a server counts them."""
    ends = threading.Event()

    def count() -> None:
        while not ends.wait(0.1):
            for version in versions:
                labels = f'model="flight-delay",model_version="{version}"'
                name = f'model_requests_total{{{labels},code="2xx"}}'
                source.metrics[name] = source.metrics.get(name, 0) + 10
                source.metrics[f'model_requests_total{{{labels},code="5xx"}}'] = 0

    counting = threading.Thread(target=count, daemon=True)
    counting.start()
    try:
        yield
    finally:
        ends.set()
        counting.join()


def test_the_metrics_server_dies_while_the_challenger_fails_and_the_budget_rolls_it_back(
    world: Rolled, tmp_path: Path
) -> None:
    spec = spec_of(**PLAN)
    world.merge(spec)
    with ExitStack() as stack:
        source = stack.enter_context(exporter.running())
        stack.enter_context(served(source, spec.version, spec.champion_version))
        server = stack.enter_context(ExitStack())
        url = server.enter_context(prometheus.running(tmp_path / "p", targets=[source.address]))
        world.environment = {"PROMETHEUS_URL": url}
        counted = 'min(increase(model_requests_total{code="2xx"}[4s]))'
        wait_for(lambda: (Prometheus(url).query(counted, datetime.now(UTC)) or 0) > 100, 60)
        world.now = datetime.now(UTC)
        world.reconcile()
        assert world.share() == 50
        repository = world.repository("watcher")
        dog = Watchdog(
            world.equipment(repository, clock=lambda: datetime.now(UTC)),
            lambda *_: None,
            is_applied=True,
        )
        snapshot = repository.snapshot()
        wait_for(lambda: "PASS" in looked(world), 30, lambda: world.said)

        server.close()  # from here on nobody can know how the challenger does
        began = datetime.now(UTC)
        while world.share() == 50:
            assert dog.look(snapshot) == []
            assert datetime.now(UTC) - began < 10 * BUDGET
            time.sleep(0.1)
    stop = world.latch()
    assert stop is not None
    assert "Blind for" in stop.reason
    assert stop.at - began >= BUDGET
    world.reconcile()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def looked(world: Rolled) -> str:
    """What a reconcile says now."""
    world.now = datetime.now(UTC)
    world.said.clear()
    world.reconcile()
    return "\n".join(world.said)
