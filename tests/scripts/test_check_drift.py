"""Drift of a Parquet file against the champion's own reference."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from pipeline.adapters.warehouse import connect, read_rows
from pipeline.usecase import query
from tests.called import call_script
from tests.monitored import monitored_repository
from tests.repository import python


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = monitored_repository(tmp_path_factory.mktemp("drift") / "flights")
    engine = connect(f"sqlite:///{folder / 'warehouse.db'}")
    start, end = datetime(2013, 2, 4, tzinfo=UTC), datetime(2013, 3, 4, tzinfo=UTC)
    options = {"as_of": end, "start": start, "end": end, "chunk_rows": 100_000}
    rows = pd.concat(read_rows(engine, query.rows(), query.labels(), **options))
    rows.to_parquet(folder / "same.parquet")
    moved = rows.assign(
        departures_in_hour=rows["departures_in_hour"] * 3, distance=rows["distance"] // 2
    )
    moved.to_parquet(folder / "moved.parquet")
    rows.drop(columns=["distance"]).to_parquet(folder / "gone.parquet")
    return folder


def test_weeks_of_the_champion_s_own_season_have_not_drifted(repository: Path) -> None:
    done = call_script(repository, "check_drift", "same.parquet", "--json", "drift.json")
    assert done.returncode == 0, done.stderr
    assert "QUIET: 0 of 10 features drifted" in done.stdout
    found = json.loads((repository / "drift.json").read_text())
    assert found["distance"]["n_current"] > 300
    assert len(found["distance"]["bins"]) > 10


def test_what_moved_is_named_first_and_fires(repository: Path) -> None:
    done = call_script(repository, "check_drift", "moved.parquet")
    assert done.returncode == 1, done.stderr
    assert "FIRED: 2 of 10 features drifted" in done.stdout
    assert {line.split()[0] for line in done.stdout.splitlines()[:2]} == {
        "departures_in_hour",
        "distance",
    }


def test_a_column_that_is_gone_is_an_incident(repository: Path) -> None:
    done = call_script(repository, "check_drift", "gone.parquet")
    assert done.returncode == 4
    assert "distance" in done.stderr


def test_a_file_that_is_not_there_is_one_clear_error(repository: Path) -> None:
    done = python(repository, "scripts.check_drift", "nowhere.parquet")
    assert done.returncode == 2
    assert "nowhere.parquet" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_rule_about_columns_that_are_not_there_is_one_error_with_all_of_it(
    repository: Path,
) -> None:
    path = repository / "configs/triggers.yaml"
    good = path.read_text()
    bad = good.replace("ignore: [temp,", "ignore: [tmep,").replace(
        "threshold: 2,", "threshold: 99,"
    )
    path.write_text(bad)
    done = call_script(repository, "check_drift", "same.parquet")
    path.write_text(good)
    assert done.returncode == 2
    assert "'tmep' is no column; did you mean 'temp'?" in done.stderr
    assert "found 99; only 11 features are watched, so it can never fire" in done.stderr


@pytest.mark.parametrize(
    ("file", "found"),
    [
        ("nowhere.parquet", "no such file"),
        ("README.md", "a file that begins with b'# Pe'"),
        ("configs", "a folder"),
    ],
)
def test_what_is_no_parquet_file_is_a_wrong_argument(
    repository: Path, file: str, found: str
) -> None:
    (repository / "README.md").write_text("# Perennial\n")
    done = call_script(repository, "check_drift", file)
    assert done.returncode == 2, done.stderr
    assert f"found {found}, expected a Parquet file" in done.stderr


def test_a_parquet_file_that_is_cut_is_an_incident(repository: Path) -> None:
    whole = (repository / "same.parquet").read_bytes()
    (repository / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    done = call_script(repository, "check_drift", "cut.parquet")
    assert done.returncode == 4, done.stderr
