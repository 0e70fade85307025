"""Peak memory of five million rows through collect, validate and featurize.

    python -m benchmarks.bench_memory [--rows 5_000_000]

The rows are the flights of the shipped window, each repeated with ids of its own, in a SQLite
warehouse in a temporary folder (about 2.5 GB). The figures are what the stages themselves record.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sqlite3
import tempfile
from pathlib import Path

from benchmarks.bench_repro import copy_checkout, run

WINDOW_ROWS = 112_479  # of the shipped as_of


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        repository = copy_checkout(Path(folder) / "flights", trials=1)
        run(repository, "-m", "scripts.seed_warehouse", "--apply")
        repeat_rows(repository / "warehouse.db", math.ceil(arguments.rows / WINDOW_ROWS))
        os.environ["WAREHOUSE_URL"] = f"sqlite:///{repository / 'warehouse.db'}"
        for stage in ("collect", "validate", "featurize"):
            run(repository, "-m", "pipeline.stages", stage)
        costs = json.loads((repository / "artifacts/timings.json").read_text())
        rows = json.loads((repository / "artifacts/collect/summary.json").read_text())["rows"]
    print(f"{rows:,} rows:\n\n| stage | peak memory, MB | seconds |\n|---|--:|--:|")
    for stage, cost in costs.items():
        print(f"| {stage} | {cost['peak_memory_mb']:,.0f} | {cost['seconds']:.1f} |")


def repeat_rows(path: Path, times: int) -> None:
    """Give every flight from March to June, and its labels, `times` - 1 copies with other ids."""
    copies = (
        "WITH RECURSIVE copies(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copies WHERE k < :last) "
    )
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous = OFF")
        for table in ("flights", "flight_labels"):
            names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            others = ", ".join(name for name in names if name != "id")
            database.execute(
                f"INSERT INTO {table} (id, {others}) {copies}"  # noqa: S608 (names of our own)
                f"SELECT id || '#' || k, {others} FROM {table}, copies "
                "WHERE available_at BETWEEN '2013-03-03' AND '2013-07-02'",
                {"last": times - 1},
            )


if __name__ == "__main__":
    main()
