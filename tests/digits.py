"""The second use case: scikit-learn's scanned digits, given times, in a SQLite warehouse."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from sklearn.datasets import load_digits

from tests.repository import ROOT, commit, copy_repository, edit

OVERLAY = ROOT / "tests" / "second_usecase"
START = datetime(2026, 1, 1)  # noqa: DTZ001 (naive UTC, as warehouses keep it)
MIRRORED_FROM = datetime(2026, 2, 5)  # noqa: DTZ001
FIRST_AS_OF = "2026-02-05"
LAST_AS_OF = "2026-03-15"
QUICK = {
    "trials: 6": "trials: 2",
    "n_jobs: 2": "n_jobs: 1",  # each worker process would import scikit-learn once more
    "latency_rows: 200": "latency_rows: 20",
    "draws: 2_000": "draws: 400",
    "draws: 1_000": "draws: 100",
}


def digits_repository(folder: Path) -> Path:
    """A copy of the template with the digits in place of the flights, and their warehouse."""
    repository = copy_repository(folder, OVERLAY)
    edit(repository / "params.yaml", QUICK)
    commit(repository, "Say how much is tried")
    save_warehouse(repository / "warehouse.db")
    return repository


def save_warehouse(path: Path) -> None:
    """One scan an hour from January 1st, by two operators; someone reads each six hours later.

    From February 5th on the scanner mirrors them, so that there is something to learn anew.
    """
    digits = load_digits()
    plain = digits.images.reshape(-1, 4, 2, 4, 2).sum(axis=(2, 4)).astype(int)
    mirrored = plain[:, :, ::-1]
    with sqlite3.connect(path) as database:
        columns = ", ".join(f"cell_{number:02} INTEGER" for number in range(16))
        database.execute(
            f"CREATE TABLE scans (scan TEXT, scanned_at TEXT, operator TEXT, {columns})"
        )
        database.execute("CREATE TABLE readings (scan TEXT, is_even INTEGER, read_at TEXT)")
        marks = ", ".join("?" * 19)
        for number, digit in enumerate(digits.target):
            at = START + timedelta(hours=number)
            cells = (mirrored if at >= MIRRORED_FROM else plain)[number].ravel()
            scan = [f"scan-{number:04}", _text(at), ("ann", "bob")[number % 2], *map(int, cells)]
            database.execute(f"INSERT INTO scans VALUES ({marks})", scan)  # noqa: S608
            reading = (scan[0], int(digit % 2 == 0), _text(at + timedelta(hours=6)))
            database.execute("INSERT INTO readings VALUES (?, ?, ?)", reading)


def change_warehouse(repository: Path, *statements: str) -> None:
    """Run SQL against the repository's warehouse."""
    with sqlite3.connect(repository / "warehouse.db") as database:
        for statement in statements:
            database.execute(statement)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.000000")
