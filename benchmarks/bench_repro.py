"""`dvc repro` from nothing against one plain script, and a no-op `dvc repro` against `dvc status`.

    python -m benchmarks.bench_repro [--runs 3] [--trials 6 48]

Each pair is measured alternately in one run, on a copy of this checkout in a temporary folder, on
the flights of 2013; the median counts. The plain script is benchmarks/plain_retrain.py.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.repository import copy_repository


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--trials", type=int, nargs="+", default=[6, 48], help="parameter sets of each search"
    )
    arguments = parser.parse_args()
    print("| | ours, s | peer, s | ratio | aim |\n|---|--:|--:|--:|--:|", flush=True)
    for trials in arguments.trials:
        with tempfile.TemporaryDirectory() as folder:
            repository = copy_checkout(Path(folder) / "flights", trials)
            run(repository, "-m", "scripts.seed_warehouse", "--apply")
            whole = row([from_nothing(repository) for _ in range(arguments.runs)])
            nothing = row([no_op(repository) for _ in range(2 * arguments.runs)])
        name = f"`dvc repro` from nothing / plain script, {trials} parameter sets"
        print(f"| {name} | {whole} | ≤ 1.25 |", flush=True)
    print(f"| no-op `dvc repro` / `dvc status` | {nothing} | ≤ 1.5 |")


def from_nothing(repository: Path) -> tuple[float, float]:
    """Seconds of a whole `dvc repro`, and of the plain script."""
    clear(repository)
    ours = run(repository, "-m", "dvc", "repro")
    return ours, run(repository, "-m", "benchmarks.plain_retrain")


def no_op(repository: Path) -> tuple[float, float]:
    """Seconds of a `dvc repro` that has nothing to do, and of `dvc status`."""
    status = run(repository, "-m", "dvc", "status")
    return run(repository, "-m", "dvc", "repro"), status


def copy_checkout(target: Path, trials: int) -> Path:
    """Copy this checkout into a repository of its own that searches `trials` parameter sets."""
    params = copy_repository(target) / "params.yaml"
    params.write_text(re.sub(r"  trials: \d+", f"  trials: {trials}", params.read_text()))
    return target


def clear(repository: Path) -> None:
    """Forget every earlier run: outputs, cache and lock."""
    for path in ("artifacts", ".dvc/cache", ".dvc/tmp"):
        shutil.rmtree(repository / path, ignore_errors=True)
    (repository / "dvc.lock").unlink(missing_ok=True)


def run(repository: Path, *command: str) -> float:
    """Run Python in the repository; seconds of wall time."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        cwd=repository,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(repository)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def row(pairs: list[tuple[float, float]]) -> str:
    """Medians of both, and the median of the ratios."""
    ours, peers = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    return f"{statistics.median(ours):.2f} | {statistics.median(peers):.2f} | {ratio:.2f}"


if __name__ == "__main__":
    main()
