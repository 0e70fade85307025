"""What is outside, there and not there: real databases and servers."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.champion import champion_path, render_champion
from pipeline.doctoring.examine import examine_one
from pipeline.doctoring.outside import (
    check_dvc_remote,
    check_prometheus,
    check_registry,
    check_warehouse,
)
from pipeline.usecase import query
from tests.doctoring.checkouts import replaced, situation_of, told
from tests.rolling.rolled import Registry
from tests.rollouts import champion_of
from tests.servers import s3_server
from tests.servers.page import page
from tests.servers.ports import free_port

NOW = datetime(2013, 7, 1)  # noqa: DTZ001 (the warehouse's times have no zone)
FLIGHT = {
    "id": "1",
    "event_time": NOW,
    "available_at": NOW,
    "departure_hour": NOW,
    "carrier": "AA",
    "origin": "JFK",
    "dest": "LAX",
    "sched_dep_time": 1,
    "sched_arr_time": 2,
    "weekday": 0,
    "distance": 3,
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'warehouse.db'}"


def test_a_warehouse_without_file_tables_rows_and_with_them(root: Path, url: str) -> None:
    situation = situation_of(root, WAREHOUSE_URL=url)

    def line() -> str:
        (found,) = examine_one(check_warehouse, situation)
        return " ".join(str(found).split())

    assert line().startswith("fault warehouse:")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("create table unrelated (id int)"))
    assert "no such table" in line()
    query.metadata.create_all(engine)
    assert line().endswith("answers and has no rows and no labels")
    label = {"id": "1", "available_at": NOW, "label": 1}
    with engine.begin() as connection:
        connection.execute(sa.insert(query.flights), [FLIGHT])
        connection.execute(sa.insert(query.flight_labels), [label])
    engine.dispose()
    assert line().endswith("has rows and labels")


def test_a_registry_that_is_no_server_silent_or_of_another_champion(root: Path) -> None:
    champion = champion_of("a")
    path = champion_path(root, champion.model)
    path.parent.mkdir(parents=True)
    path.write_text(render_champion(champion))
    assert told(check_registry, situation_of(root))[0].startswith("warning registry: MLFLOW")
    silent = situation_of(root, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")
    (found,) = examine_one(check_registry, silent)
    assert str(found).startswith("fault")
    registry = Registry(champion.digest, champion_of("b").digest)
    situation = situation_of(root, MLFLOW_TRACKING_URI=registry.url)
    assert told(check_registry, situation)[0].startswith("ok registry: answers")
    registry.alias = 2
    (line,) = told(check_registry, situation)
    assert line.startswith("warning registry: its alias champion is sha256:bbbb")
    registry.server.shutdown()
    registry.server.server_close()


def vector(*values: str) -> str:
    series = [{"metric": {}, "value": [1, value]} for value in values]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": series}})


def test_metrics_without_an_address_an_answer_a_champion_or_data(root: Path) -> None:
    assert told(check_prometheus, situation_of(root))[0].startswith("warning metrics: PROMETHEUS")
    silent = situation_of(root, PROMETHEUS_URL=f"http://127.0.0.1:{free_port()}")
    (found,) = examine_one(check_prometheus, silent)
    assert str(found).startswith("fault")
    champion = champion_of("a")
    with page(200, vector("0.5")) as url:
        situation = situation_of(root, PROMETHEUS_URL=url)
        assert "no champion to measure yet" in told(check_prometheus, situation)[0]
        path = champion_path(root, champion.model)
        path.parent.mkdir(parents=True)
        path.write_text(render_champion(champion))
        assert told(check_prometheus, situation) == [
            "ok metrics: Prometheus has accuracy, error_rate, latency_p95 of the champion"
        ]
    with page(200, vector()) as url:
        lines = told(check_prometheus, situation_of(root, PROMETHEUS_URL=url))
    assert len(lines) == 3
    assert all(line.startswith("fault metrics:") and "no data" in line for line in lines)


def test_a_remote_in_a_folder_serves_this_machine_alone(root: Path) -> None:
    (line,) = told(check_dvc_remote, situation_of(root))
    assert "jobs on GitHub cannot reach it" in line
    replaced(root / ".dvc/config", "remote = storage", "")
    assert told(check_dvc_remote, situation_of(root))[0].startswith("fault DVC remote: none")


def test_a_bucket_answers_or_is_not_there(root: Path, tmp_path: Path, monkeypatch) -> None:
    with s3_server.running(tmp_path) as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        bucket = f"url = s3://bucket/path\n    endpointurl = {s3.url}"
        replaced(root / ".dvc/config", "url = storage", bucket)
        (line,) = told(check_dvc_remote, situation_of(root))
        assert line.startswith("fault DVC remote: s3://bucket/path:")
        s3.client().create_bucket(Bucket="bucket")
        assert told(check_dvc_remote, situation_of(root)) == ["ok DVC remote: s3://bucket/path"]
    monkeypatch.setattr("pipeline.doctoring.outside.find_spec", lambda _: None)
    assert told(check_dvc_remote, situation_of(root))[0].startswith("not checked DVC remote")
