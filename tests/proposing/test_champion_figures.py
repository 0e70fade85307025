from datetime import UTC, datetime

import pytest

from pipeline.adapters.prometheus import Prometheus
from pipeline.config import parse_section
from pipeline.core.quality.facts import Monitoring
from pipeline.proposing.champion_figures import ask_monitoring
from pipeline.proposing.quality_facts import plan_facts
from pipeline.rollout_config import RolloutPlan
from tests.servers import exporter, prometheus
from tests.servers.binaries import wait_for
from tests.servers.ports import free_port

CHAMPION = "2013-04-02-4d1e4d1e4d1e"
QUERIES = {
    "error_rate": {
        "kind": "proportion",
        "events": 'sum(errors{model_version="{version}"})',
        "count": 'sum(requests{model_version="{version}"})',
    },
    "load": {
        "value": 'load{model_version="{version}"}',
        "count": 'sum(requests{model_version="{version}"})',
    },
}


def plan(provider="prometheus"):
    stage = {
        "traffic_percentage": 100,
        "duration": "1h",
        "success_criteria": {"error_rate_max": 0.02, "load_max": 5},
    }
    metrics = {"provider": provider, "queries": QUERIES}
    value = {"type": "canary", "canary_stages": [stage], "metrics": metrics}
    return parse_section(RolloutPlan, value, "plan")


def asked(url, version=CHAMPION, provider="prometheus"):
    found = plan(provider)
    environment = {"PROMETHEUS_URL": url} if url else {}
    return ask_monitoring(found, plan_facts(found), version, environment, datetime.now(UTC))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with exporter.running() as source:
        source.metrics = {
            f'errors{{model_version="{CHAMPION}"}}': 0,
            f'requests{{model_version="{CHAMPION}"}}': 400,
            f'load{{model_version="{CHAMPION}"}}': 2.5,
            'errors{model_version="idle"}': 0,
            'requests{model_version="idle"}': 0,
        }
        folder = tmp_path_factory.mktemp("prometheus")
        with prometheus.running(folder, targets=[source.address]) as url:
            wait_for(lambda: Prometheus(url).query("sum(load)", datetime.now(UTC)), 30)
            yield url


def test_the_champion_has_a_figure_for_each_metric_of_the_plan(server):
    assert asked(server) == Monitoring("Prometheus", {"error_rate": 0.0, "load": 2.5})


@pytest.mark.parametrize("version", ["nobody", "idle"])
def test_a_version_without_requests_has_no_figure(server, version):
    assert asked(server, version).figures == {"error_rate": None, "load": None}


def test_a_server_that_is_down_says_so_for_each_metric():
    figures = asked(f"http://127.0.0.1:{free_port()}").figures
    assert set(figures) == {"error_rate", "load"}
    assert all("was not answered" in said for said in figures.values())


@pytest.mark.parametrize(
    ("url", "version", "provider"),
    [(None, CHAMPION, "prometheus"), ("http://h", None, "prometheus"), ("http://h", "v", "file")],
)
def test_without_an_address_a_champion_or_this_provider_nothing_is_asked(url, version, provider):
    assert asked(url, version, provider) == Monitoring()
