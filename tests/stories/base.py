"""Where the stories begin: a champion of spring, on the real flights, and it is July.

The flights of 2013 are moved to today as they are: each of their times by the same number of
seconds, so that now is July 2nd of their year, early in a night in which nothing flies. So a
workflow that asks for "now" finds them, and finds the same rows for hours.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from pipeline.adapters import bulkload
from pipeline.adapters.warehouse import connect, writing
from pipeline.usecase import query
from tests.flights import thinned_tables
from tests.repository import commit, copy_repository, python
from tests.stories.settings import edit

EVERY = 2  # of two flights one: enough for every gate to be sure
JULY = datetime(2013, 7, 2, 5, 15, tzinfo=UTC)  # between the last departure and the first
SPRING = timedelta(days=91)  # how long ago the champion was trained
SERVED = timedelta(days=21)  # for how long its answers were recorded
QUICK = {
    "history_days: 90": "history_days: 45",
    "sample_rows: 20_000": "sample_rows: 5_000",
    "search: halving": "search: none",
    "n_jobs: 2": "n_jobs: 1",
    "latency_rows: 200": "latency_rows: 20",
    "draws: 2_000": "draws: 200",
    "draws: 1_000": "draws: 50",
    # Where a day ends among the moved flights depends on the hour at which the tests run.
    "resample: day ": "resample: row ",
}


@dataclass(frozen=True)
class Base:
    """What all stories share; each makes a world of its own from it, and changes nothing here.

    `cache` is DVC's cache and `remote` its remote: a retrain that one story ran is restored in the
    next, as on a machine of one's own that keeps its cache from run to run.
    """

    folder: Path

    @property
    def repository(self) -> Path:
        return self.folder / "flights"

    @property
    def remote(self) -> Path:
        return self.folder / "remote"

    @property
    def registry(self) -> Path:
        return self.folder / "mlflow.db"

    @cached_property
    def warehouse(self) -> str:
        return f"sqlite:///{self.folder / 'warehouse.db'}"

    @property
    def machine(self) -> dict[str, str]:
        """What is set on the machine of every job: where DVC keeps its cache."""
        return {
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "DVC_SITE_CACHE_DIR": str(self.folder / "site"),
            "OMP_NUM_THREADS": "1",
        }

    @contextmanager
    def on_machine(self) -> Iterator[None]:
        """This process is on that machine too."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.machine.items():
                patch.setenv(name, value)
            yield


def make_base(folder: Path) -> Base:
    """Made in `folder` by the first process that asks; the others wait for it."""
    folder.mkdir(parents=True, exist_ok=True)
    base = Base(folder)
    with FileLock(folder / "lock"):
        if not (folder / "done").exists():
            shutil.rmtree(base.repository, ignore_errors=True)
            _make(base)
            (folder / "done").touch()
    return base


def _make(base: Base) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    _save_cache_config(base)
    _fill_warehouse(base.warehouse, now - JULY)
    repository = copy_repository(base.repository)
    edit(repository / "params.yaml", QUICK)
    edit(repository / ".dvc/config", {"url = storage": f"url = {base.remote}"})
    commit(repository, "Say how much is tried, and where data is kept")
    start, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (now - SPRING, now - SPRING + SERVED))
    _call(base, "retrain", "--as-of", start, "--apply", code=1)
    commit(repository, "Train the first model")
    _call(base, "set_champion", "--approved-by=ada", "--reason=first", "--apply")
    commit(repository, "Approve the first champion")
    _call(base, "score_rows", "--start", start, "--end", end, "--apply")


def _save_cache_config(base: Base) -> None:
    config = base.folder / "config/dvc/config"
    config.parent.mkdir(parents=True)
    config.write_text(f"[cache]\n    dir = {base.folder / 'cache'}\n")


def _call(base: Base, script: str, *arguments: str, code: int = 0) -> None:
    about = {
        "WAREHOUSE_URL": base.warehouse,
        "MLFLOW_TRACKING_URI": f"sqlite:///{base.registry}",
        **base.machine,
    }
    done = python(base.repository, f"scripts.{script}", *arguments, **about)
    assert done.returncode == code, done.stdout + done.stderr


def _fill_warehouse(url: str, later: timedelta) -> None:
    tables = thinned_tables(months=7, every=EVERY)
    moved = {name: _moved(table, later) for name, table in tables.items()}
    engine = connect(url)
    with writing(engine) as connection:
        bulkload.replace_tables(connection, query.metadata.sorted_tables, moved)
    engine.dispose()


def _moved(table: pd.DataFrame, later: timedelta) -> pd.DataFrame:
    times = table.select_dtypes("datetime")
    return table.assign(**{name: times[name] + later for name in times})
