"""Seconds from a push to the weight at a real Envoy, with a watchdog that pulls as it is shipped.

    python -m benchmarks.bench_push [--runs 6]

Forward: a merge is pushed, a job reconciles and pushes its record (its own seconds are told apart),
the watchdog pulls that and sets the weight. Back: the revert of the merge is pushed, and the
watchdog does it without any job. A look each 5 s and a pull each 15 s, so the mean cannot be much
less than half of 15 s. GitHub's queue is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.repository import commit, git
from tests.rolling.live import Live, live, run_script, watching
from tests.rollouts import MODEL, plan
from tests.servers.binaries import wait_for

PULL_SECONDS = 15
SHIPPED = ("--every=5", f"--pull-every={PULL_SECONDS}", "--apply")
Figures = dict[str, list[float]]


def main() -> int:
    """Measure and print. Returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=6)
    arguments = parser.parse_args()
    found: Figures = {
        "merge to record, by the job": [],
        "record to weight": [],
        "revert to weight 0": [],
    }
    with TemporaryDirectory(dir="/tmp") as folder, live(Path(folder) / "live", servers=2) as world:
        leave_to_the_watchdog(world)
        with watching(world.watcher, *SHIPPED, PROMETHEUS_URL=world.prometheus):
            for number in range(arguments.runs):
                there_and_back(world, found, is_first=number == 0)
    for what, seconds in found.items():
        median, most = statistics.median(seconds), max(seconds)
        print(f"{what}: median {median:.1f} s, most {most:.1f} s of {len(seconds)}")
    print(f"load {'/'.join(f'{one:.1f}' for one in os.getloadavg())}")
    return 0


def leave_to_the_watchdog(world: Live) -> None:
    """From here on a reconcile changes no traffic, as in a job of GitHub's.

    The watchdog's clone keeps its own settings. Committed, lest a merge takes the change along and
    its revert takes it back.
    """
    path = world.home / "configs/serving.yaml"
    serving = json.loads(path.read_text())
    serving["serving"]["default"]["traffic"]["reach"] = "git"
    path.write_text(json.dumps(serving))
    commit(world.home, "Leave the traffic to the watchdog")


def there_and_back(world: Live, found: Figures, *, is_first: bool) -> None:
    """One merge and its revert, each until Envoy has it."""
    world.merge(1, plan())
    merge = git(world.home, "rev-parse", "main").strip()
    if not is_first:
        said = ("--model", MODEL, "--reason", "once more", "--local", "--apply")
        run_script(world.home, "control_rollout", "retry", *said)
    out_of_step()
    start = time.time()
    with ThreadPoolExecutor(1) as pool:  # it may be pulled before the job has ended
        job = pool.submit(world.reconcile)
        until(lambda: world.traffic.observe().challenger_basis_points == 500)
        weighted = time.time()
        job.result()
    found["merge to record, by the job"].append(pushed_at(world) - start)
    found["record to weight"].append(weighted - pushed_at(world))
    out_of_step()
    git(world.home, "revert", "--no-edit", "--mainline=1", merge)
    until(lambda: world.traffic.observe().challenger_basis_points == 0)
    found["revert to weight 0"].append(time.time() - pushed_at(world))
    world.reconcile()


def out_of_step() -> None:
    """At any moment between two pulls: a run ends at a pull, and the next would begin with it."""
    time.sleep(random.uniform(0, PULL_SECONDS))  # noqa: S311 (no secret)


def pushed_at(world: Live) -> float:
    """When main moved last, in seconds since 1970."""
    return (world.home / ".git/refs/heads/main").stat().st_mtime


def until(is_so: Callable[[], bool]) -> None:
    """Wait for it, for two minutes at most."""
    wait_for(is_so, 120)


if __name__ == "__main__":
    sys.exit(main())
