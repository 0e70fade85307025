"""From a metric to GitHub: a real Prometheus, Alertmanager and relay; GitHub is a stand-in."""

import pytest

from pipeline.core.triggers.payload import parse_payload
from tests.servers import alertmanager, exporter, github_recorder, prometheus
from tests.servers.binaries import binary, wait_for
from tests.servers.github_recorder import TOKEN, GitHubRecorder
from tests.servers.ports import free_port
from tests.servers.relay import MODEL, SECRET, relay_for

RULE = {
    "alert": "AccuracyLow",
    # One missed scrape would end the alert, and the next scrape begin another.
    "expr": "last_over_time(model_accuracy[1m]) < 0.70",
    "labels": {"trigger": "performance_degradation"},
    "annotations": {"summary": "accuracy of {{ $labels.model }} is {{ $value }}, below 0.70"},
}
PATIENCE_SECONDS = 120  # far more than the chain takes
SERIES = f'model_accuracy{{model="{MODEL}"}}'


@pytest.fixture
def world(tmp_path):
    """Everything but GitHub: a metric to set, and the relay, which is not started yet."""
    binary("prometheus")
    port = free_port()
    github = f"http://127.0.0.1:{port}"
    with exporter.running() as model, relay_for(tmp_path / "relay", github) as relay:
        model.metrics[SERIES] = 0.9
        webhook = f"{relay.url}/alerts"
        with (
            alertmanager.running(tmp_path / "am", webhook=webhook, secret=SECRET) as manager,
            prometheus.running(
                tmp_path / "prometheus",
                targets=[model.address],
                rules=[RULE],
                alertmanager=manager.address,
            ),
        ):
            yield model, manager, relay, port
    assert TOKEN not in relay.log
    assert SECRET not in relay.log


def notify(manager, relay, times):
    """Wait until the relay has been told `times` more."""
    before = manager.notified()
    wait_for(lambda: manager.notified() >= before + times, PATIENCE_SECONDS, lambda: relay.log)


def test_a_rule_fires_and_one_dispatch_arrives_however_often_it_is_notified(world):
    model, manager, relay, port = world
    relay.start("--apply")
    with github_recorder.running(port=port) as github:
        model.metrics[SERIES] = 0.61
        wait_for(lambda: github.dispatches, PATIENCE_SECONDS, lambda: relay.log)
        notify(manager, relay, times=3)
        wait_for(lambda: relay.health()["pending"] == 0, PATIENCE_SECONDS, lambda: relay.log)
        assert len(github.dispatches) == 1

        model.metrics[SERIES] = 0.9
        wait_for(lambda: manager.alerts() == [], PATIENCE_SECONDS, lambda: relay.log)
        model.metrics[SERIES] = 0.5
        wait_for(lambda: len(github.dispatches) == 2, PATIENCE_SECONDS, lambda: relay.log)
    assert github.violations == []
    first, second = (
        parse_payload(d["event_type"], d["client_payload"], models=[MODEL])
        for d in github.dispatches
    )
    assert first.reason == f"accuracy of {MODEL} is 0.61, below 0.70"
    assert first.trigger == "performance_degradation"
    assert first.window != second.window
    assert first.starts_at < second.starts_at


def test_an_alert_outlives_a_github_that_is_down_and_a_relay_that_is_killed(world):
    model, manager, relay, port = world
    relay.start("--apply")
    model.metrics[SERIES] = 0.61
    wait_for(lambda: relay.health()["pending"] == 1, PATIENCE_SECONDS, lambda: relay.log)
    wait_for(lambda: "got no answer" in relay.log, PATIENCE_SECONDS, lambda: relay.log)
    relay.kill()
    assert len(list(relay.folder.glob("spool/pending/*.json"))) == 1
    github = GitHubRecorder()
    with github_recorder.running(github, port):
        relay.start("--apply")
        wait_for(lambda: github.dispatches, PATIENCE_SECONDS, lambda: relay.log)
        notify(manager, relay, times=2)
        assert relay.health()["pending"] == 0
    assert len(github.dispatches) == 1
    assert github.violations == []
