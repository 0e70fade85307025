"""Actions minutes of a month with two rollouts, against a cron that looks every five minutes.

    python -m benchmarks.bench_minutes [--seconds S] [--checkout-seconds S]

The month is played: a healthy challenger and one that fails in its second stage, both by the
shipped plan and the core that decides live. A merge is a push; whatever a watchdog then finds due
is one dispatch; the schedule is the one in rollout.yml. A job's own commits start none. Each job
is billed in whole minutes. Its seconds are measured here (fresh light install and a look, as in
bench_cold_start) unless they are given; checkout and Python are added as --checkout-seconds.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from cronsim import CronSim

from benchmarks.bench_cold_start import cold, merged
from pipeline.core.rollout.simulation import Simulation
from pipeline.rollout_config import load_rollout_plan
from pipeline.rollout_scenario import Behaviour, Event, Scenario
from pipeline.rollout_status import Kind
from tests.rolling.rolled import rolled
from tests.rollouts import spec_of

ROOT = Path(__file__).parents[1]
MONTH = datetime(2026, 6, 1, tzinfo=UTC)
DAYS = timedelta(days=30)
NAIVE = "*/5 * * * *"
FAILS = Event(at=timedelta(hours=5), challenger=Behaviour(error_rate=0.2))
ROLLOUTS = {timedelta(days=2, hours=9): (), timedelta(days=16, hours=9): (FAILS,)}


def main() -> int:
    """Play the month and print. Returns 1 above 5 %."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, help="of a job, without checkout")
    parser.add_argument("--checkout-seconds", type=float, default=15.0, help="assumed")
    arguments = parser.parse_args()
    seconds = measured() if arguments.seconds is None else arguments.seconds
    billed = math.ceil((seconds + arguments.checkout_seconds) / 60)
    jobs = Counter(kind for _, kind in jobs_of_a_month())
    minutes = {kind: count * billed for kind, count in sorted(jobs.items())}
    naive = len(list(ticks(NAIVE))) * billed
    total = sum(minutes.values())
    print(f"a job: {seconds:.1f} s and {arguments.checkout_seconds:g} s, billed {billed} min")
    for kind, found in minutes.items():
        print(f"  {kind:<9} {jobs[kind]:>6,} jobs {found:>6,} min")
    print(f"  all       {sum(jobs.values()):>6,} jobs {total:>6,} min")
    print(f"  naive     {len(list(ticks(NAIVE))):>6,} jobs {naive:>6,} min")
    print(
        f"{total / naive:.2%} of the naive cron; with the schedule switched off, as where nothing"
    )
    print(f"rolls out, {(total - minutes['schedule']) / naive:.2%}")
    return 0 if total <= 0.05 * naive else 1


def jobs_of_a_month() -> Iterator[tuple[datetime, str]]:
    """When a job is billed, and what started it."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/rollout.yml").read_text())
    (schedule,) = workflow[True]["schedule"]  # YAML 1.1 reads `on` as true
    yield from ((at, "schedule") for at in ticks(schedule["cron"]))
    plan = load_rollout_plan(ROOT)
    for since, events in ROLLOUTS.items():
        spec = spec_of().model_copy(update={"plan": plan})
        scenario = Scenario(events=events)
        for at, step in Simulation(spec, scenario, MONTH + since).run().steps:
            if step.record is not None:
                is_merge = step.record.kind is Kind.STAGE and step.record.stage == 1
                yield at, "push" if is_merge else "dispatch"


def ticks(cron: str) -> Iterator[datetime]:
    """The times of a schedule within the month."""
    for at in CronSim(cron, MONTH - timedelta(minutes=1)):
        if at >= MONTH + DAYS:
            return
        yield at


def measured() -> float:
    """Seconds of a fresh light install and a look that decides something."""
    with TemporaryDirectory(dir="/tmp") as folder, rolled(Path(folder) / "world") as world:
        return sum(cold(Path(folder) / "environment", merged(world), is_cached=True))


if __name__ == "__main__":
    sys.exit(main())
