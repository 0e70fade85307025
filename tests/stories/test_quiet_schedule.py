"""Story 2: the crons fire, nothing is due, and nothing happens."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

from pipeline.champion import champion_path, load_champion, render_champion
from pipeline.config import parse_utc
from pipeline.jsonio import load_json, save_json
from pipeline.monitoring.reference import reference_path
from tests.stories.base import SPRING, Base
from tests.stories.world import LEDGER, MODEL, World, a_world

TICKS = ("monitor.yml", "retrain.yml", "rollout.yml", "dashboard.yml")
ON = {"PERENNIAL_MONITOR": "on", "PERENNIAL_ROLLOUT": "on"}
LATER = SPRING - timedelta(days=16)  # so it is April: the champion is two weeks old
TIMES = {
    "flights": ("event_time", "available_at", "departure_hour"),
    "flight_labels": ("available_at",),
    "weather": ("departure_hour", "available_at"),
    "schedules": ("departure_hour", "available_at"),
    "flight_predictions": ("available_at",),
}


def test_a_repository_that_turned_nothing_on_burns_no_minute(
    base: Base, tmp_path: Path, has_app: bool
) -> None:
    with a_world(base, tmp_path, has_app=has_app) as world:
        before = world.github.world.git.refs()
        tick(world)
        jobs = [job for run in world.actions.runs for job in run.jobs.values()]
        assert {job.result for job in jobs} == {"skipped"}
        assert world.minutes() == 0
        assert world.github.world.git.refs() == before


def test_where_nothing_is_due_a_tick_looks_and_starts_nothing(
    base: Base, tmp_path: Path, has_app: bool
) -> None:
    url = move_warehouse(base, tmp_path / "april.db")
    with a_world(
        base, tmp_path, has_app=has_app, variables=ON, warehouse=url, prepare=renew_champion
    ) as world:
        main = world.github.world.git.refs()["refs/heads/main"]
        tick(world)
        looked = world.actions.runs[0].log
        assert "data_drift               QUIET" in looked, looked
        assert "No retrain is due." in looked
        assert ran(world) == {
            ("monitor.yml", "check"),
            ("retrain.yml", "admit"),
            ("rollout.yml", "reconcile"),
            ("dashboard.yml", "update"),
        }
        assert world.minutes() == len(ran(world))  # one each: GitHub rounds up
        assert world.github.dispatches == world.github.workflow_dispatches == []
        assert world.github.world.git.refs()["refs/heads/main"] == main
        assert world.pulls() == []
        assert "flight-delay-0001" not in ledger(world)


def tick(world: World) -> None:
    for file in TICKS:
        world.actions.schedule(file)
    world.settle()
    assert [run.event.name for run in world.actions.runs] == ["schedule"] * len(TICKS)


def ran(world: World) -> set[tuple[str, str]]:
    return {
        (run.workflow.file, job.id)
        for run in world.actions.runs
        for job in run.jobs.values()
        if job.result != "skipped"
    }


def ledger(world: World) -> str:
    """All of its newest files."""
    git = world.github.world.git
    if git.commit_of(LEDGER) is None:
        return ""
    names = git.run("ls-tree", "-r", "--name-only", LEDGER).splitlines()
    return "".join(world.file(name, LEDGER) for name in names)


def move_warehouse(base: Base, path: Path) -> str:
    """A copy in which all flights are some weeks later."""
    shutil.copy(base.folder / "warehouse.db", path)
    by = f"+{int(LATER.total_seconds())} seconds"
    with sqlite3.connect(path) as database:
        for table, columns in TIMES.items():
            moved = ", ".join(
                f"{name} = strftime('%Y-%m-%d %H:%M:%f000', {name}, '{by}')" for name in columns
            )
            # Beside it, since a key must not meet one that is still to be moved.
            database.executescript(
                f"CREATE TEMP TABLE moved AS SELECT * FROM {table};"  # noqa: S608 (our own names)
                f"UPDATE moved SET {moved}; DELETE FROM {table};"
                f"INSERT INTO {table} SELECT * FROM moved; DROP TABLE moved;"
            )
    return f"sqlite:///{path}"


def renew_champion(checkout: Path) -> None:
    """The champion, and what it is compared with, are as many weeks later."""
    champion = load_champion(checkout, MODEL)
    assert champion is not None
    moved = champion.model_copy(update={"as_of": champion.as_of + LATER})
    champion_path(checkout, MODEL).write_text(render_champion(moved))
    reference = load_json(reference_path(checkout, MODEL))
    until = parse_utc(reference["until"], "until") + LATER
    save_json(reference_path(checkout, MODEL), {**reference, "until": until})
