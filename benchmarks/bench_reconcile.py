"""What a reconcile costs: seconds, git processes and requests, with few and with many models.

    python -m benchmarks.bench_reconcile [--models 1000] [--active 10]

Every model has a manifest and the history of a rollout that has settled long ago, one commit a
record; `active` ones have a new manifest, model servers that are asked for their health, and
metrics in a real Prometheus. What is started and asked is counted by Python's own audit events.
Then the same with none active, and with no other models: only the active ones may cost.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.long_history import Settled, write_history
from pipeline.adapters.prometheus import Prometheus
from pipeline.manifest import render_rollout, rollout_path
from pipeline.rolling.reconciler import Reconciler
from tests.repository import commit, git
from tests.rolling.rolled import Rolled, rolled
from tests.rollouts import spec_of
from tests.servers import exporter, prometheus
from tests.servers.binaries import wait_for

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=40)
NAMES = ("model_requests_total", "model_request_seconds_bucket")
SERIES = (
    f'{NAMES[0]}{{{{model_version="{{}}",code="2xx"}}}}',
    f'{NAMES[0]}{{{{model_version="{{}}",code="5xx"}}}}',
    f'{NAMES[1]}{{{{model_version="{{}}",le="+Inf"}}}}',
)
COUNTED: Counter[str] = Counter()


def main() -> int:
    """Build each repository, reconcile, print. Returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=1_000)
    parser.add_argument("--active", type=int, default=10)
    arguments = parser.parse_args()
    sys.addaudithook(count)
    run(arguments.models, arguments.active)
    run(arguments.models, 0)
    run(arguments.active, arguments.active)
    return 0


def run(models: int, active: int) -> None:
    """One repository, from its making to its last look."""
    versions = (spec_of("e", "c").version, spec_of("c", "a").version)
    with TemporaryDirectory(dir="/tmp") as folder, exporter.running() as source:
        source.metrics = {name.format(v): 0.0 for name in SERIES for v in versions}
        targets = [source.address]
        with (
            prometheus.running(Path(folder) / "prometheus", targets=targets) as url,
            rolled(Path(folder) / "world") as world,
        ):
            client = Prometheus(url)
            wait_for(lambda: client.query(f"count({NAMES[0]})", datetime.now(UTC)), 30)
            world.environment, world.now = {"PROMETHEUS_URL": url}, NOW
            commits = fill(world, models, active)
            print(f"\n{models:,} models, {active} active, {commits:,} commits", flush=True)
            measure(world)


def fill(world: Rolled, models: int, active: int) -> int:
    """Settled rollouts of all models, and a new manifest of those that are active.

    Returns how many commits there are.
    """
    settled = [Settled(f"model-{number}", LONG_AGO) for number in range(models)]
    commits = write_history(world.people, settled)
    world.serve(spec_of("e", "c").challenger.digest, spec_of("e", "c").version)
    world.serve(spec_of("c", "a").challenger.digest, spec_of("c", "a").version)
    for one in settled[:active]:
        spec = one.next_spec()
        rollout_path(world.people, one.model).write_text(render_rollout(spec))
    with dated(NOW):
        commit(world.people, "Merge what is new")
    git(world.people, "push", "--quiet", "origin", "main")
    world.clone("runner")
    return commits + 2


def measure(world: Rolled) -> None:
    """What starts every active model, and looks that find nothing due."""
    for what, is_applied in (("starts them", True), ("looks again", False), ("and again", False)):
        world.now = datetime.now(UTC)
        repository = world.repository()
        equipment = world.equipment(repository)
        COUNTED.clear()
        start, used = time.perf_counter(), cpu_seconds()
        run = Reconciler(
            repository, equipment.equip, equipment.clock, world.said.append, is_applied
        )
        found = run.run()
        took, cpu = time.perf_counter() - start, cpu_seconds() - used
        steps = sum(len(result.steps) for result in found)
        asked = ", ".join(f"{count} {name}" for name, count in sorted(COUNTED.items())) or "nothing"
        print(
            f"  {what:>12}: {took:.2f} s, {cpu:.2f} s of CPU, {len(found)} looked at, "
            f"{steps} steps; {asked}"
        )
    print(f"  load {'/'.join(f'{one:.1f}' for one in os.getloadavg())}")


def cpu_seconds() -> float:
    """What this process and its children that have ended have used so far."""
    return sum(os.times()[:4])


def count(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's audit events: a process that is started, a request that is sent."""
    if event == "subprocess.Popen" and "git" in str(arguments[0]):
        COUNTED["git processes"] += 1
    elif event == "http.client.send":
        COUNTED["HTTP requests"] += 1


@contextmanager
def dated(at: datetime) -> Iterator[None]:
    """Commits within are of that time."""
    stamp = at.astimezone(UTC).isoformat()
    os.environ |= {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
    try:
        yield
    finally:
        del os.environ["GIT_AUTHOR_DATE"], os.environ["GIT_COMMITTER_DATE"]


if __name__ == "__main__":
    sys.exit(main())
