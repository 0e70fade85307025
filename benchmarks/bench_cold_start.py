"""Seconds from nothing to the first decision: the light install, then one look that finds a merge.

    python -m benchmarks.bench_cold_start [--runs 3]

A fresh environment by uv with requirements/light.txt, once with what uv keeps from before and with
--download once without; then scripts/reconcile_rollouts.py in a clone of a repository whose
manifest was just merged, as the job runs it but for --apply.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.rolling.live import outside
from tests.rolling.rolled import Rolled, file_spec, rolled

ROOT = Path(__file__).parents[1]
LIGHT = ROOT / "requirements" / "light.txt"


def main() -> int:
    """Measure and print. Returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--download", action="store_true", help="once without uv's cache")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir="/tmp") as folder, rolled(Path(folder) / "world") as world:
        clone = merged(world)
        if arguments.download:
            told("an empty cache", [cold(Path(folder) / "first", clone, is_cached=False)])
        runs = [cold(Path(folder) / f"e{n}", clone, is_cached=True) for n in range(arguments.runs)]
        told("a warm cache", runs)
    return 0


def merged(world: Rolled) -> Path:
    """A clone of a repository with a manifest that nobody has acted on."""
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    clone = world.clone("runner")
    backends = {"file": str(world.serving / "addresses.yaml")}
    traffic = {"reach": "git", "folder": str(world.serving)}
    metrics = {"file": str(world.serving / "samples.jsonl")}
    default = {"backends": backends, "traffic": traffic, "metrics": metrics}
    (clone / "configs").mkdir()
    (clone / "configs/serving.yaml").write_text(json.dumps({"serving": {"default": default}}))
    return clone


def cold(folder: Path, clone: Path, *, is_cached: bool) -> tuple[float, float]:
    """Seconds of the install, and of the first decision after it."""
    environment = outside()
    if not is_cached:
        environment["UV_CACHE_DIR"] = str(folder.with_name("cache"))
    start = time.perf_counter()
    run("uv", "venv", "--quiet", "--python", sys.executable, str(folder), **environment)
    python = str(folder / "bin" / "python")
    install = ("uv", "pip", "install", "--quiet", "--python", python, "--requirements", str(LIGHT))
    run(*install, **environment)
    installed = time.perf_counter()
    command = (python, "-m", "scripts.reconcile_rollouts", "--no-issues")
    told = run(*command, where=clone, **environment)
    assert "stage-1" in told, told
    return installed - start, time.perf_counter() - installed


def run(*command: str, where: Path = ROOT, **environment: str) -> str:
    """What a command printed. It must succeed."""
    done = subprocess.run(
        command, cwd=where, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout


def told(what: str, runs: list[tuple[float, float]]) -> None:
    """Print the medians, and the load of this machine."""
    install, decide = (statistics.median(times) for times in zip(*runs, strict=True))
    loads = "/".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"{what}: install {install:.1f} s, first decision {decide:.1f} s after it, "
        f"{install + decide:.1f} s in all ({len(runs)} run(s), load {loads})"
    )


if __name__ == "__main__":
    sys.exit(main())
