"""The main job on the real flights, run once for all tests that start from what it leaves."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tests.flights import save_tables, thinned_tables
from tests.repository import commit, copy_repository, edit, git, python

EVERY = 2  # of two flights one: enough for every gate to be sure, with room, whichever half it is
QUICK = {
    "history_days: 90": "history_days: 45",
    "trials: 6": "trials: 2",
    "cv_folds: 3": "cv_folds: 2",
    "n_jobs: 2": "n_jobs: 1",  # each worker process would import scikit-learn once more
    "sample_rows: 20_000": "sample_rows: 5_000",
    "latency_rows: 200": "latency_rows: 20",
    "draws: 2_000": "draws: 400",
    "draws: 1_000": "draws: 100",
}
OBJECTS = (".git/objects", ".dvc/cache/files", ".dvc/storage/files")
# A metrics provider is what the tests of rollouts are about.
UNWATCHED = {"monitoring_configured: {required: true}": "monitoring_configured: {required: false}"}


@dataclass(frozen=True)
class Retrained:
    """Three repositories, each a step further. Tests copy them before they change anything.

    `started`: the warehouse is filled and the first model trained, not yet approved; what the job
    said of that is in summary.md beside it.
    `champion`: a person approved it. `july`: retrained as of July 2nd, when the summer had changed
    the flights, and committed on main.
    """

    started: Path
    champion: Path
    july: Path


def retrained(folder: Path) -> Retrained:
    """Made in `folder` by the first process that asks; the others wait for it."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Retrained(*(folder / name for name in ("started", "champion", "july")))
    with FileLock(folder / "lock"):
        if not (folder / "done").exists():
            _start(made.started)
            _approve(made.started, made.champion)
            _retrain(made.champion, made.july)
            (folder / "done").touch()
    return made


def copy_of(repository: Path, target: Path, *, reads_warehouse: bool = False) -> Path:
    """A copy that a test may change; with `reads_warehouse`, all but its largest file.

    Git and DVC never change an object: those are links, and not 40 MB to write for each test.
    """
    shared = (f"{repository}/warehouse.db",) * reads_warehouse
    objects = tuple(f"{repository}/{folder}/" for folder in OBJECTS)

    def copy(source: str, to: str) -> str:
        if source.startswith((*objects, *shared)):
            os.link(source, to)
            return to
        return str(shutil.copy2(source, to))

    shutil.copytree(repository, target, symlinks=True, copy_function=copy)
    return target


def _start(repository: Path) -> None:
    copy_repository(repository)
    edit(repository / "params.yaml", QUICK)
    edit(repository / "configs/gates.yaml", UNWATCHED)
    save_tables(f"sqlite:///{repository / 'warehouse.db'}", thinned_tables(months=7, every=EVERY))
    summary = str(repository.with_name("summary.md"))
    asked = ("--as-of", "2013-04-02", "--apply")
    first = python(repository, "scripts.retrain", *asked, GITHUB_STEP_SUMMARY=summary)
    assert first.returncode == 1, first.stdout + first.stderr
    commit(repository, "Train the first model")


def _approve(started: Path, repository: Path) -> None:
    copy_of(started, repository)
    done = python(
        repository, "scripts.set_champion", "--approved-by=ada", "--reason=first", "--apply"
    )
    assert done.returncode == 0, done.stderr
    commit(repository, "Approve the first champion")


def _retrain(champion: Path, repository: Path) -> None:
    copy_of(champion, repository)
    run = python(repository, "scripts.retrain", "--as-of", "2013-07-02", "--apply")
    assert run.returncode == 0, run.stdout + run.stderr
    commit(repository, "Retrain as of July")
    git(repository, "repack", "--quiet", "-a", "-d")  # many tests copy it
