"""A look at an A/B test over ten million outcomes, against Spotify's confidence: time and memory.

    python -m benchmarks.bench_abtest --peers-python PEERS/bin/python [--rows 10000000]

Spotify's library lives in an environment of its own, PEERS; without it it is left out:

    python -m venv PEERS && PEERS/bin/pip install spotify-confidence pyarrow 'pandas<3'

One Parquet file is made, seeded, and a DuckDB warehouse of the same outcomes. Each part runs in a
fresh process and ends with a difference and an interval. Ours from the file counts each unit once,
routes each unit again, looks at every clock and adds exactly; ours from the warehouse lets DuckDB
count each unit's first answer. Spotify's is given two columns of the file, summed by pandas: it
does none of the checks. The last rows are the statistics alone, from counts that are there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS, LOOKS = 20, 20
CHUNK = 1_000_000
A, B = ("sha256:" + letter * 64 for letter in "ab")
LABELS = {
    "file": "ours, from the file, with every check",
    "warehouse": "ours, from DuckDB, with every check",
    "confidence": "pandas and Spotify's confidence, no checks",
    "ours-counts": "ours, from counts",
    "confidence-counts": "Spotify's confidence, from counts",
}
Work = Callable[[Path], dict[str, Any]]


def main(arguments: list[str] | None = None) -> int:
    """Measure everything and print Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--peers-python", metavar="PATH")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.part:
        part, folder = options.part[0], Path(options.part[1])
        said = make(folder, options.rows) if part == "make" else timed(PARTS[part](), folder)
        print(json.dumps(said))
        return 0
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {options.rows:,} outcomes\n")
    with tempfile.TemporaryDirectory() as name:
        run("make", Path(name), options)
        print("| | work, s | its CPU, s | process, s | memory, MiB | difference | interval |")
        print("|---|--:|--:|--:|--:|--:|---|")
        for part, label in LABELS.items():
            if options.peers_python or not part.startswith("confidence"):
                tell(label, run(part, Path(name), options))
    return 0


def tell(label: str, found: dict[str, Any]) -> None:
    """One row of the table."""
    low, high = found["interval"]
    print(
        f"| {label} | {found['seconds']:.4g} | {found['cpu']:.4g} | {found['process']:.1f} | "
        f"{found['peak']:,.0f} | "
        f"{found['difference']:+.5f} | {low:+.5f} to {high:+.5f} |"
    )


def run(part: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One part in a fresh process, with its time and peak memory."""
    python = options.peers_python if part.startswith("confidence") else sys.executable
    command = [python, "-m", "benchmarks.bench_abtest", "--rows", str(options.rows)]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        child = subprocess.Popen(
            [*command, "--part", part, str(folder)],
            stdout=output,
            cwd=ROOT,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{part} failed with exit code {child.returncode}")
        output.seek(0)
        said = json.loads(output.read().splitlines()[-1])
    return {**said, "process": time.perf_counter() - start, "peak": usage.ru_maxrss / 1024}


def timed(work: Work, folder: Path) -> dict[str, Any]:
    """What `work` found and how long it took, its imports left out."""
    start, cpu = time.perf_counter(), time.process_time()
    found = work(folder)
    spent = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu}
    return {**found, **spent}


def from_file() -> Work:
    """The way of `scripts.ab_test status --outcomes`."""
    from pipeline.monitoring.ab_outcomes import looks_from_file  # noqa: PLC0415

    experiment, moments = experiment_of(), moments_of()
    return lambda folder: judge(
        looks_from_file(folder / "outcomes.parquet", experiment, moments, moments[-1])
    )


def from_warehouse() -> Work:
    """The way of `scripts.ab_test status`."""
    import sqlalchemy as sa  # noqa: PLC0415

    from pipeline.monitoring.ab_outcomes import looks_from_warehouse  # noqa: PLC0415

    columns = {"id": sa.String, "model": sa.String, "score": sa.Double, "available_at": sa.DateTime}
    answers = sa.table("predictions", *(sa.column(n, kind()) for n, kind in columns.items()))
    columns = {"id": sa.String, "label": sa.Integer, "available_at": sa.DateTime}
    labels = sa.table("labels", *(sa.column(n, kind()) for n, kind in columns.items()))
    experiment, moments = experiment_of(), moments_of()

    def work(folder: Path) -> dict[str, Any]:
        engine = sa.create_engine(f"duckdb:///{folder / 'warehouse.duckdb'}")
        with engine.connect() as connection:
            looks = looks_from_warehouse(
                connection,
                sa.select(labels),
                sa.select(answers),
                experiment,
                threshold=0.5,
                moments=moments,
                clock=moments[-1],
            )
        return judge(looks)

    return work


def from_counts() -> Work:
    """The statistics of one look."""
    from pipeline.core.abtest.evidence import Cell, Evidence, Period  # noqa: PLC0415
    from pipeline.core.abtest.looks import Look  # noqa: PLC0415
    from pipeline.core.abtest.sums import counts  # noqa: PLC0415

    def work(folder: Path) -> dict[str, Any]:
        known = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
        cells = [Cell(n, metrics={"accuracy": counts(n, right)}) for n, right in known]
        return judge((Look(moments_of()[-1], Evidence((Period(5_000, *cells),))),))

    return work


def confidence() -> Work:
    """Two columns of the file, summed by pandas."""
    import pandas as pd  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415, F401 (which read_parquet imports on first use)

    test = z_test()

    def work(folder: Path) -> dict[str, Any]:
        frame = pd.read_parquet(folder / "outcomes.parquet", columns=["variant", "accuracy"])
        summed = frame.groupby("variant", observed=True)["accuracy"].agg(["sum", "count"])
        return test(summed.reset_index())

    return work


def confidence_of_counts() -> Work:
    """The statistics alone."""
    import pandas as pd  # noqa: PLC0415

    test = z_test()

    def work(folder: Path) -> dict[str, Any]:
        known = json.loads((folder / "counts.json").read_text(encoding="utf-8"))
        rows = [
            {"variant": name, "sum": right, "count": n}
            for name, (n, right) in zip(("model_a", "model_b"), known, strict=True)
        ]
        return test(pd.DataFrame(rows))

    return work


def z_test() -> Callable[[Any], dict[str, Any]]:
    """Spotify's test of a proportion, for one look."""
    import spotify_confidence  # noqa: PLC0415

    def test(frame: Any) -> dict[str, Any]:
        found = spotify_confidence.ZTest(
            frame,
            numerator_column="sum",
            numerator_sum_squares_column="sum",
            denominator_column="count",
            categorical_group_columns="variant",
        ).difference(level_1="model_a", level_2="model_b")
        row = found.iloc[0]
        interval = [float(row["ci_lower"]), float(row["ci_upper"])]
        return {"difference": float(row["difference"]), "interval": interval}

    return test


def judge(looks: Any) -> dict[str, Any]:
    """The answer from all looks."""
    from pipeline.core.abtest.verdict import assess_ab_test  # noqa: PLC0415

    found = assess_ab_test(experiment_of().test, looks, is_over=False)
    now = found.latest
    return {
        "result": found.result,
        "difference": now.estimate.difference,
        "interval": [now.interval.low, now.interval.high],
    }


def moments_of() -> list[datetime]:
    """The looks."""
    return [START + timedelta(days=DAYS * (look + 1) / LOOKS) for look in range(LOOKS)]


def experiment_of() -> Any:
    """An even test of a day's maturity."""
    from pipeline.config import parse_section  # noqa: PLC0415
    from pipeline.experiment import Experiment  # noqa: PLC0415

    primary = {"metric": "accuracy", "kind": "proportion", "direction": "higher_is_better"}
    test = {
        "split": {"model_a": 50, "model_b": 50},
        "unit": "request",
        "duration": f"{DAYS}d",
        "maturity": "2h",
        "primary": primary | {"min_effect": 0.001, "expected": 0.8},
        "test": "confidence_sequence",
        "alpha": 0.05,
        "power": 0.8,
        "burn_in": 200,
        "min_samples": 1_000,
        "mismatch_alpha": 0.001,
        "max_missing_fraction": 0.05,
        "max_faulty_fraction": 0.001,
    }
    values = {
        "schema": 1,
        "id": "exp-1",
        "model": "m",
        "salt": "exp-1",
        "model_a": A,
        "model_b": B,
        "started_at": START,
        "weights": ({"at": START, "challenger_basis_points": 5_000},),
        "test": test,
    }
    return parse_section(Experiment, values, "the benchmark")


def make(folder: Path, rows: int) -> dict[str, Any]:
    """The Parquet file, the warehouse and the counts."""
    import duckdb  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from pipeline.core.routing import assign_many  # noqa: PLC0415

    generator = np.random.default_rng(0)
    span, writer = DAYS * 86_400_000_000 - 3_600_000_000, None
    counted = np.zeros((2, 2), dtype=np.int64)
    for first in range(0, rows, CHUNK):
        numbers = np.arange(first, min(first + CHUNK, rows))
        units = np.char.add(b"r", numbers.astype("S12"))
        is_b = assign_many("exp-1", units) < 5_000
        right = generator.random(len(numbers)) < np.where(is_b, 0.801, 0.8)
        micros = (numbers / rows * (span - 1)).astype(np.int64)
        at = np.datetime64(START.replace(tzinfo=None), "us") + micros.astype("timedelta64[us]")
        names = pa.array(["model_a", "model_b"])
        table = pa.table(
            {
                "unit": pa.array(units.astype(str)),
                "variant": pa.DictionaryArray.from_arrays(is_b.astype(np.int8), names),
                "assigned_at": at,
                "outcome_at": at + np.timedelta64(1, "h"),
                "accuracy": right.astype(np.float64),
            }
        )
        writer = writer or pq.ParquetWriter(folder / "outcomes.parquet", table.schema)
        writer.write_table(table)
        for side in (0, 1):
            counted[side] += ((is_b == side).sum(), right[is_b == side].sum())
    if writer is not None:
        writer.close()
    (folder / "counts.json").write_text(json.dumps(counted.tolist()), encoding="utf-8")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as database:
        outcomes = database.read_parquet(str(folder / "outcomes.parquet"))
        database.register("outcomes", outcomes)
        database.execute(
            "CREATE TABLE predictions AS SELECT unit AS id, CASE WHEN variant = 'model_b' THEN ? "
            "ELSE ? END AS model, CASE WHEN accuracy = 1 THEN 0.9 ELSE 0.1 END AS score, "
            "assigned_at AS available_at FROM outcomes",
            [B, A],
        )
        database.execute(
            "CREATE TABLE labels AS SELECT unit AS id, 1 AS label, outcome_at AS available_at "
            "FROM outcomes"
        )
    return {}


PARTS: dict[str, Callable[[], Work]] = {
    "file": from_file,
    "warehouse": from_warehouse,
    "confidence": confidence,
    "ours-counts": from_counts,
    "confidence-counts": confidence_of_counts,
}

if __name__ == "__main__":
    sys.exit(main())
