"""Outcomes asked of a live metrics provider: a real Prometheus, and a service of JSON."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.champion import champion_path, render_champion
from pipeline.core.abtest.looks import Look
from pipeline.core.abtest.verdict import Result, assess_ab_test
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.experiment import experiment_path, render_experiment
from pipeline.manifest import render_rollout, rollout_path
from pipeline.monitoring.ab_counts import Counted, HttpCounts
from pipeline.monitoring.ab_looks import take_looks
from pipeline.monitoring.ab_provider import looks_from_provider, provider_of, versions_of
from scripts.ab_test import main
from tests.core.ab_tests import DAY, START
from tests.monitoring.ab_worlds import experiment
from tests.rollouts import MODEL, champion_of, spec_of
from tests.servers import exporter, prometheus
from tests.servers.binaries import wait_for
from tests.servers.page import page

ROOT = Path(__file__).parents[2]
ERRORS = {
    "metric": "error_rate",
    "kind": "proportion",
    "direction": "lower_is_better",
    "margin": 0.01,
}
HALVES = {"split": {"model_a": 50, "model_b": 50}, "guardrails": [ERRORS]}
SPEC = spec_of()
VERSIONS = {SPEC.challenger.digest: SPEC.version, SPEC.champion.digest: SPEC.champion_version}
SERVING = "serving:\n  default:\n    backends: {file: addresses.yaml}\n    metrics: {url: 'URL'}\n"


def running(started_at: datetime, *points: int, **changes):
    """A test of the two models of SPEC, whose weight changed each day."""
    weights = [
        {"at": started_at + n * DAY, "challenger_basis_points": share}
        for n, share in enumerate(points or (5_000,))
    ]
    digests = {"model_a": SPEC.champion.digest, "model_b": SPEC.challenger.digest}
    test = {**HALVES, **changes}
    return experiment(started_at=started_at, weights=weights, model=MODEL, test=test, **digests)


def repository(root: Path, serving: str = "") -> Path:
    """What the script reads: configuration, the page's template, champion and manifest."""
    for path in ("configs/rollout-plan.yaml", "configs/usecase.yaml", "configs/serving.yaml"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, root / path)
    template = Path("pipeline/templates/ab_test.md.j2")
    (root / template).parent.mkdir(parents=True)
    shutil.copy(ROOT / template, root / template)
    if serving:
        (root / "configs/serving.yaml").write_text(serving)
    champion_path(root, MODEL).parent.mkdir(parents=True)
    champion_path(root, MODEL).write_text(render_champion(champion_of("a")))
    rollout_path(root, MODEL).write_text(render_rollout(SPEC))
    return root


# ---------------------------------------------------------------- Prometheus


def series(version: str, requests: int, errors: int, labelled: int, correct: int):
    label = f'model_version="{version}"'
    return {
        f'model_requests_total{{{label},code="2xx"}}': requests - errors,
        f'model_requests_total{{{label},code="5xx"}}': errors,
        f"model_labelled_total{{{label}}}": labelled,
        f"model_correct_total{{{label}}}": correct,
    }


def test_the_better_challenger_wins_by_what_a_real_prometheus_counted(
    tmp_path, monkeypatch, capsys
):
    root = repository(tmp_path / "flights")
    monkeypatch.chdir(root)
    started_at = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    test = running(started_at)
    path = experiment_path(root, MODEL, test.id)
    path.parent.mkdir(parents=True)
    path.write_text(render_experiment(test))
    with (
        exporter.running() as server,
        prometheus.running(tmp_path / "p", targets=[server.address]) as url,
    ):
        monkeypatch.setenv("PROMETHEUS_URL", url)
        counts = provider_of(root, MODEL, "prometheus")

        def known(n: int) -> bool:
            query = "sum(model_requests_total)"
            return counts.client.query(query, datetime.now(UTC)) == n

        for version in VERSIONS.values():
            server.metrics |= series(version, 0, 0, 0, 0)
        wait_for(lambda: known(0), 30)
        server.metrics |= series(SPEC.champion_version, 8_000, 80, 8_000, 5_600)
        server.metrics |= series(SPEC.version, 8_000, 40, 8_000, 7_200)
        wait_for(lambda: known(16_000), 30)
        time.sleep(1)  # scrapes that find the same: what is read between them is less of a guess
        assert main(["status", "--provider", "prometheus", "--require-winner", "--apply"]) == 0
    assert "exp-1: model_b" in capsys.readouterr().out
    found = json.loads((root / "artifacts/ab-test/ab-test-results.json").read_text())
    for variant, share in (("model_a", 0.7), ("model_b", 0.9)):
        # `increase` goes on to the ends of its window: of few scrapes that may double it
        assert 6_000 <= found["variants"][variant]["units"] <= 18_000
        assert found["variants"][variant]["mean"] == pytest.approx(share, abs=0.01)
    assert not found["sample_ratio"]["is_mismatch"]


def test_a_server_that_is_not_there_is_an_outside_error(tmp_path, monkeypatch):
    root = repository(tmp_path / "flights")
    monkeypatch.setenv("PROMETHEUS_URL", "http://127.0.0.1:9")
    with pytest.raises(OutsideError, match="was not answered"):
        take_looks(root, running(START), START + DAY, START + DAY, provider="prometheus")


def test_an_address_that_is_not_set_is_named(tmp_path):
    root = repository(tmp_path / "flights")
    with pytest.raises(ConfigurationError, match="PROMETHEUS_URL: not set"):
        provider_of(root, MODEL, "prometheus", {})
    with pytest.raises(ConfigurationError, match=r"metrics.url: not set"):
        provider_of(root, MODEL, "http", {})


# ---------------------------------------------------------------- a service of JSON


def answer(value: float | None, n: int | None, version: str = SPEC.version) -> str:
    now = datetime.now(UTC).isoformat()
    return json.dumps({"value": value, "n": n, "sampled_at": now, "version": version})


@contextmanager
def service_of_both() -> Iterator[str]:
    """Its address with a place for the version, which it answers with."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer(0.25, 4_000, self.path.rpartition("/")[2]).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{{name}}/{{version}}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_service_of_json_tells_of_now_and_knows_no_yesterday(tmp_path, monkeypatch):
    monkeypatch.setenv("METRICS_TOKEN", "a-token-of-mine")
    with service_of_both() as url:
        root = repository(tmp_path, SERVING.replace("URL", url))
        now = datetime.now(UTC)
        [look] = take_looks(root, running(now - 3 * DAY), now, now, provider="http")
        cell = look.evidence.total("model_b")
        assert (look.at, cell.units) == (now, 4_000)
        assert (cell.sums("accuracy").n, int(cell.sums("accuracy").y)) == (4_000, 1_000)
        counts = provider_of(root, MODEL, "http")
        with pytest.raises(OutsideError, match="right before each change of weight"):
            looks_from_provider(running(now - 3 * DAY, 500, 5_000), (), (now,), counts, VERSIONS)


@pytest.mark.parametrize(
    ("body", "said"),
    [(answer(0.5, None), "no n"), ("[", "bad_answer"), (answer(1e999, 5), "not_a")],
)
def test_an_answer_that_tells_nothing_is_never_a_count(tmp_path, body, said):
    with page(200, body) as url:
        root = repository(tmp_path, SERVING.replace("URL", url))
        counts = provider_of(root, MODEL, "http")
        now = datetime.now(UTC)
        with pytest.raises(OutsideError, match=said):
            counts.count("accuracy", SPEC.version, now - DAY, now)


# ---------------------------------------------------------------- either


class Recorded:
    """Counts of a provider that could tell of any moment, by the hours asked for."""

    is_now_only = False

    def __init__(self) -> None:
        self.asked: list[tuple[str, datetime, datetime]] = []

    def count(self, metric: str, version: str, start: datetime, end: datetime) -> Counted:
        self.asked.append((version, start, end))
        n = round((end - start).total_seconds() / 36)
        return Counted(n, n // 2)


def test_looks_add_up_and_each_stretch_is_asked_at_its_own_weight():
    one = running(START, 1_000, 5_000)
    moments = (START + DAY / 2, START + 1.5 * DAY)
    together = looks_from_provider(one, (), moments, Recorded(), VERSIONS)
    provider = Recorded()
    first = looks_from_provider(one, (), moments[:1], provider, VERSIONS)
    kept = [Look(look.at, look.evidence) for look in first]
    assert (*first, *looks_from_provider(one, kept, moments[1:], provider, VERSIONS)) == together
    assert {(start, end) for _, start, end in provider.asked} == {
        (START, START + DAY / 2),
        (START + DAY / 2, START + DAY),
        (START + DAY, START + 1.5 * DAY),
    }
    early, late = together[-1].evidence.periods
    assert (early.model_a.units, late.model_a.units) == (2_400, 1_200)


def test_a_test_that_was_stopped_counts_nothing_after_it():
    halfway = {"stopped_at": START + DAY / 2, "stopped_because": "enough"}
    ended = running(START).model_copy(update=halfway)
    [look] = looks_from_provider(ended, (), (START + DAY,), Recorded(), VERSIONS)
    assert look.evidence.total("model_a").units == 1_200


def test_one_variant_without_traffic_is_void_and_never_a_winner():
    class Dead(Recorded):
        def count(self, metric, version, start, end):
            found = super().count(metric, version, start, end)
            return found if version == SPEC.champion_version else Counted(0, 0)

    one = running(START)
    looks = looks_from_provider(one, (), (START + DAY,), Dead(), VERSIONS)
    assert assess_ab_test(one.test, looks, is_over=False).result is Result.INVALID


def test_what_counters_cannot_tell_is_refused_all_at_once():
    mean = {"metric": "brier_score", "kind": "mean", "direction": "lower_is_better", "margin": 1}
    one = running(START, guardrails=[mean], unit="user", covariate="spent_before")
    with pytest.raises(ConfigurationError) as caught:
        looks_from_provider(one, (), (START + DAY,), Recorded(), {})
    assert len(caught.value.faults) == 5


def test_a_service_without_data_has_counted_nothing(tmp_path):
    with page(200, json.dumps({"value": None, "n": 0})) as url:
        root = repository(tmp_path, SERVING.replace("URL", url))
        counts = provider_of(root, MODEL, "http")
        assert isinstance(counts, HttpCounts)
        now = datetime.now(UTC)
        assert counts.count("accuracy", SPEC.version, now - DAY, now) == Counted(0, 0)


def test_versions_are_known_from_champion_and_manifest(tmp_path):
    assert versions_of(repository(tmp_path), MODEL) == VERSIONS
