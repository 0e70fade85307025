"""Real Prometheus, real model servers; and answers that only a broken server gives."""

import json
import math
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests

from pipeline.adapters.metrics import Missing
from pipeline.adapters.metrics.prometheus import SERVED_QUERIES, PrometheusMetrics, Query
from pipeline.adapters.prometheus import Prometheus
from pipeline.errors import ConfigurationError, OutsideError
from tests.servers import exporter, load, model_server, prometheus
from tests.servers.binaries import wait_for
from tests.servers.page import page
from tests.servers.ports import free_port

WINDOW = timedelta(seconds=20)
PLAIN = Query(
    value='value{{model_version="{version}"}}',
    n='n{{model_version="{version}"}}',
    newest='timestamp(value{{model_version="{version}"}})',
)


def now():
    return datetime.now(UTC)


def metrics_at(url, queries=SERVED_QUERIES, **options):
    return PrometheusMetrics(Prometheus(url), queries, **options)


def test_a_failing_slow_challenger_is_told_from_its_champion(tmp_path):
    package = tmp_path / "package"
    digest = model_server.build_tiny_package(package)
    with (
        model_server.running(tmp_path, package, digest, faulty=True) as server,
        prometheus.running(tmp_path / "p", targets=[f"127.0.0.1:{server.port}"]) as url,
    ):
        asked = metrics_at(url)

        def found(name, version=server.version):
            return asked.query(name, version, WINDOW, now())

        wait_for(lambda: found("error_rate").missing is Missing.NOT_A_NUMBER, 30)  # 0 of 0
        server.misbehave(error_rate=0.5, delay_seconds=0.2)
        with load.running(server.port, ["a", "b", "c"], workers=3, body=model_server.BODY):
            wait_for(lambda: (found("error_rate").n or 0) > 30, 60)
            errors, latency = found("error_rate"), found("latency_p95_ms")
        assert errors.value == pytest.approx(0.5, abs=0.35)
        assert errors.missing is None
        assert latency.value > 190
        assert abs(now() - errors.sampled_at) < timedelta(seconds=30)

        outcomes = [{"answer": True, "label": number < 3} for number in range(4)]
        feedback = {"model_version": server.version, "outcomes": outcomes}
        requests.post(f"{server.url}/feedback", json=feedback, timeout=10).raise_for_status()
        wait_for(lambda: found("accuracy").value is not None, 30)
        assert found("accuracy").value == pytest.approx(0.75)

        assert found("error_rate", "another").missing is Missing.EMPTY
        server.kill()
        strict = metrics_at(url, max_age=timedelta(seconds=1))
        time.sleep(1.5)
        dead = strict.query("error_rate", server.version, WINDOW, now())
        assert (dead.value, dead.missing) in (
            (None, Missing.STALE),
            (None, Missing.EMPTY),  # Prometheus itself marks a series whose scrape failed
        )


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A Prometheus that scrapes values which a test sets."""
    with exporter.running() as source:
        source.metrics = {
            'value{model_version="good"}': 0.25,
            'n{model_version="good"}': 40,
            'value{model_version="nan"}': math.nan,
            'n{model_version="nan"}': 40,
            'value{model_version="inf"}': math.inf,
            'n{model_version="inf"}': 40,
            'value{model_version="half"}': 1,
        }
        folder = tmp_path_factory.mktemp("prometheus")
        with prometheus.running(folder, targets=[source.address]) as url:
            asked = metrics_at(url, {"m": PLAIN})
            wait_for(lambda: asked.query("m", "good", WINDOW, now()).value, 30)
            yield url


def test_a_value_comes_with_its_count_and_its_time(plain):
    found = metrics_at(plain, {"m": PLAIN}).query("m", "good", WINDOW, now())
    assert (found.value, found.n, found.version, found.missing) == (0.25, 40, "good", None)
    assert abs(now() - found.sampled_at) < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        ("nan", Missing.NOT_A_NUMBER),
        ("inf", Missing.NOT_A_NUMBER),
        ("half", Missing.EMPTY),
        ("none", Missing.EMPTY),
    ],
)
def test_what_is_no_measurement_is_told_apart(plain, version, missing):
    found = metrics_at(plain, {"m": PLAIN}).query("m", version, WINDOW, now())
    assert (found.value, found.missing) == (None, missing)


def test_a_sample_of_another_version_is_none(plain):
    query = Query(*[text.replace("{version}", "good") for text in vars(PLAIN).values()])
    found = metrics_at(plain, {"m": query}).query("m", "challenger", WINDOW, now())
    assert (found.value, found.missing) == (None, Missing.OTHER_VERSION)
    assert "good" in found.detail


def test_a_sample_that_is_too_old_is_stale_and_one_of_just_the_age_is_not(plain):
    at = now()
    for age, missing in ((60, None), (60.5, Missing.STALE), (-60.5, Missing.STALE)):
        query = Query(PLAIN.value, PLAIN.n, f"vector({at.timestamp() - age:.6f})")
        asked = metrics_at(plain, {"m": query}, max_age=timedelta(seconds=60))
        assert asked.query("m", "good", WINDOW, at).missing is missing


def test_several_series_and_bad_expressions_are_bad_answers(plain):
    for value in ("value", "sum("):
        query = Query(value, PLAIN.n, PLAIN.newest)
        found = metrics_at(plain, {"m": query}).query("m", "good", WINDOW, now())
        assert (found.value, found.missing) == (None, Missing.BAD_ANSWER)


PARTIAL = {"warnings": ["x"], "data": {"resultType": "vector", "result": []}}


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, "broken"), (503, ""), (200, "<html>"), (200, "[]"), (200, json.dumps(PARTIAL))],
)
def test_a_server_that_answers_nonsense_has_no_sample_and_raises_nothing(status, body):
    with page(status, body) as url:
        found = metrics_at(url).query("error_rate", "v", WINDOW, now())
    assert (found.value, found.missing) == (None, Missing.BAD_ANSWER)


def test_only_a_server_that_cannot_be_reached_raises():
    with pytest.raises(OutsideError, match="was not answered"):
        metrics_at(f"http://127.0.0.1:{free_port()}").query("error_rate", "v", WINDOW, now())


def test_a_metric_without_a_query_is_a_fault_of_the_configuration():
    with pytest.raises(ConfigurationError, match="no query for it"):
        metrics_at("http://127.0.0.1:1").query("unknown", "v", WINDOW, now())


@pytest.mark.parametrize("version", ['v"} or vector(0) #', "", "a b", "v\n", "x" * 64])
def test_a_version_cannot_become_a_query(version):
    with pytest.raises(ConfigurationError, match="version: found"):
        metrics_at("http://127.0.0.1:1").query("error_rate", version, WINDOW, now())


@pytest.mark.parametrize(
    "template", ["{other}", "{version!r}", "{version:>9}", "{", "{0}", "{version.x}"]
)
def test_a_template_with_another_placeholder_is_refused(template):
    query = Query(template, template, template)
    with pytest.raises(ConfigurationError, match="m: "):
        metrics_at("http://127.0.0.1:1", {"m": query}).query("m", "v", WINDOW, now())
