"""A whole check of the triggers, cold process to verdict, against its queries alone.

    python -m benchmarks.bench_check [--runs 5]

The peers send the very statements of the check to SQLite and fetch their rows: no configuration, no
bins, no verdict. One does it with SQLAlchemy, as a plain script would, the other one with the
standard library's bare driver. All run in turn, on every tenth flight of 2013 with a made-up
champion; the median counts. The aim is a ratio of at most 2.
"""

from __future__ import annotations

import argparse
import json
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
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        repository = monitored_repository(Path(folder) / "flights")
        run(repository, "-c", RECORD, AT)
        statements = len(json.loads((repository / "sent.json").read_text()))
        check = ("-m", "scripts.check_triggers", "--local", "--at", AT)
        peers = {"SQLAlchemy": WITH_SQLALCHEMY, "bare driver": BARE}
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in peers}
        for _ in range(arguments.runs + 1):
            ours = run(repository, *check)
            for name, code in peers.items():
                times[name].append((ours, run(repository, "-c", code)))
    print(f"{statements} statements, load {os.getloadavg()[0]:.1f}\n")
    print("| peer: the queries alone | a check, s | peer, s | ratio | aim |\n|---|--:|--:|--:|--:|")
    for name, pairs in times.items():
        print(f"| {name} | {row(pairs[1:])} | ≤ 2 |")  # the first run filled the caches


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
