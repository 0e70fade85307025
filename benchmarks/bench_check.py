"""A whole check of the triggers, cold process to verdict, against its queries alone.

    python -m benchmarks.bench_check [--runs 5]

The peer is a bare interpreter that sends the very statements of the check to SQLite, through the
standard library, and fetches their rows: no configuration, no bins, no verdict. Both run
alternately, on the flights of 2013 with a made-up champion; the median counts. The aim is a ratio
of at most 2.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.monitored import monitored_repository

AT = "2013-06-11T12:00:00Z"
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
QUERIES = """
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
        pairs = [
            (run(repository, *check), run(repository, "-c", QUERIES))
            for _ in range(arguments.runs + 1)
        ][1:]  # the first one fills the caches of both
    ours, peers = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{statements} statements, load {os.getloadavg()[0]:.1f}\n")
    print("| a check, s | interpreter and queries, s | ratio | aim |\n|--:|--:|--:|--:|")
    print(f"| {statistics.median(ours):.2f} | {statistics.median(peers):.2f} | {ratio:.2f} | ≤ 2 |")


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
