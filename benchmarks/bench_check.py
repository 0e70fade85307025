"""A whole check of the triggers, cold process to verdict, against its queries alone.

    python -m benchmarks.bench_check [--runs 5] [--every 1 10]

The peers send the very statements of the check to SQLite and fetch their rows: no configuration, no
bins, no verdict. One does it with SQLAlchemy, as a plain script would, the other one with the
standard library's bare driver. All run in turn, on one flight of `--every` of January to June 2013
with a made-up champion; the median counts. The aim is a ratio of at most 2.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bench_repro import row
from tests.monitored import monitored_repository

AT = "2013-04-16T12:00:00Z"  # nothing is due: most checks are like this
RECORD = """
import json, sys, sqlalchemy as sa
from scripts import check_triggers
sent = []
@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def keep(connection, cursor, statement, parameters, context, many):
    sent.append([statement, [str(p) if hasattr(p, "year") else p for p in parameters]])
check_triggers.main(["--local", "--at", sys.argv[1]])
json.dump(sent, open("sent.json", "w"))
"""
WITH_SQLALCHEMY = """
import json
import sqlalchemy as sa
with sa.create_engine("sqlite:///warehouse.db").connect() as connection:
    for statement, parameters in json.load(open("sent.json")):
        connection.exec_driver_sql(statement, tuple(parameters)).fetchall()
"""
BARE = """
import json, sqlite3
database = sqlite3.connect("warehouse.db")
for statement, parameters in json.load(open("sent.json")):
    database.execute(statement, parameters).fetchall()
"""


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--every", type=int, nargs="+", default=[1, 10])
    arguments = parser.parse_args()
    print("| flights | peer: the queries alone | a check, s | peer, s | ratio | aim |")
    print("|---|---|--:|--:|--:|--:|", flush=True)
    for every in arguments.every:
        with tempfile.TemporaryDirectory() as folder:
            repository = monitored_repository(Path(folder) / "flights", every)
            run(repository, "-c", RECORD, AT)
            for name, pairs in measured(repository, arguments.runs).items():
                print(f"| one of {every} | {name} | {row(pairs)} | ≤ 2 |", flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f}")


def measured(repository: Path, runs: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of a check and of a peer, in turn, by the peer's name."""
    check = ("-m", "scripts.check_triggers", "--local", "--at", AT)
    peers = {"SQLAlchemy": WITH_SQLALCHEMY, "bare driver": BARE}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in peers}
    for _ in range(runs + 1):
        ours = run(repository, *check)
        for name, code in peers.items():
            times[name].append((ours, run(repository, "-c", code)))
    return {name: pairs[1:] for name, pairs in times.items()}  # the first run filled the caches


def run(repository: Path, *command: str) -> float:
    """Run Python in the repository; seconds of wall time."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
