"""How often a healthy challenger is rolled back, looked at every few seconds for a whole rollout.

    python -m benchmarks.bench_false_rollbacks [--runs 200] [--first 0] [--every 5] [--processes 2]

The shipped plan from merge to the end of its bake, on a fake clock: the core that decides live,
seeded counts of 60 requests a second, champion and challenger alike (1 % errors, p95 of 90 ms).
A look whose figures are all on the right side of every limit cannot be a FAIL, so of those only one
a minute is decided in full, since a stage may end by it. `--every-look` decides each.
Prints one line a run, then how many ended otherwise than promoted, with a 95 % interval (Clopper
and Pearson 1934).
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from scipy import stats

from pipeline.core.rollout.simulation import Simulation
from pipeline.rollout_config import CONDITIONS, RolloutPlan, load_rollout_plan
from pipeline.rollout_scenario import Behaviour, Scenario
from pipeline.rollout_status import Sample
from tests.rollouts import START, spec_of

ROOT = Path(__file__).parents[1]
IN_FULL = timedelta(minutes=1)
HEALTHY = Behaviour(error_rate=0.01, latency_p95_ms=90.0, accuracy=0.78)


@dataclass(frozen=True)
class Run:
    """One simulated rollout: its last phase, how often it was looked at, and why it ended."""

    seed: int
    phase: str
    hours: float
    looks: int
    why: str


def main() -> int:
    """Simulate and print. Returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first run")
    parser.add_argument("--every-look", action="store_true", help="decide each look in full")
    parser.add_argument("--every", type=int, default=5, help="seconds between two looks")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    every = timedelta(seconds=arguments.every)
    runs = []
    with ProcessPoolExecutor(arguments.processes) as pool:
        seeds = range(arguments.first, arguments.first + arguments.runs)
        in_full = every if arguments.every_look else IN_FULL
        asked = [pool.submit(simulate, seed, every, in_full) for seed in seeds]
        for future in asked:
            run = future.result()
            runs.append(run)
            print(f"{run.seed:>4} {run.phase} after {run.hours:.1f} h. {run.why}", flush=True)
    print(render_rate(runs))
    return 0


def simulate(seed: int, every: timedelta, in_full: timedelta) -> Run:
    """One rollout of a healthy challenger, looked at `every` so long until it is over."""
    spec = spec_of().model_copy(update={"plan": load_rollout_plan(ROOT)})
    scenario = Scenario(seed=seed, tick=every, champion=HEALTHY, challenger=HEALTHY)
    simulation = Simulation(spec, scenario, START)
    now, looks, due, phase = START, 0, START, ""
    while now <= START + scenario.end and phase not in ("Promoted", "RolledBack"):
        simulation.pass_time(now)
        found = simulation.samples(now)
        looks += 1
        if now >= due or may_fail(spec.plan, found):
            simulation.look(now, found)
            due = now + in_full
            phase = simulation.moments.pop().phase
        now += every
    _, last = simulation.steps[-1]
    why = last.reason if phase != "Promoted" else ""
    return Run(seed, phase, (now - START) / timedelta(hours=1), looks, why)


def may_fail(plan: RolloutPlan, samples: tuple[Sample, ...]) -> bool:
    """Whether any figure is beyond a limit of any stage, or as far from the champion's."""
    values = {(s.metric, s.role): s.value for s in samples if s.value is not None}
    for criterion in {c for stage in plan.stages for c in stage.criteria}:
        value = values.get((criterion.metric, "challenger"), criterion.limit)
        if (value > criterion.limit) if criterion.bound == "max" else (value < criterion.limit):
            return True
    return any(is_reached(plan, name, values) for name in CONDITIONS)


def is_reached(plan: RolloutPlan, name: str, values: Mapping[tuple[str, str], float]) -> bool:
    """Whether the difference of a rollback condition is there, be it by chance or not."""
    limit = getattr(plan.rollback_conditions, name)
    challenger, champion = (values.get((CONDITIONS[name], r)) for r in ("challenger", "champion"))
    if limit is None or challenger is None or champion is None:
        return False
    if name == "latency_spike_pct":
        return challenger >= champion * (1 + limit / 100)
    worse = champion - challenger if "drop" in name else challenger - champion
    return worse >= limit - 1e-9


def render_rate(runs: list[Run]) -> str:
    """The phases, and the rate of what should not have been."""
    phases = Counter(run.phase for run in runs)
    wrong = len(runs) - phases["Promoted"]
    test = stats.binomtest(wrong, len(runs))
    low, high = test.proportion_ci(method="exact")
    shown = ", ".join(f"{count} {phase}" for phase, count in phases.most_common())
    looks = sum(run.looks for run in runs)
    return (
        f"{len(runs)} rollouts, {looks:,} looks: {shown}\n"
        f"not promoted: {wrong / len(runs):.2%} (95 % interval {low:.2%} to {high:.2%})"
    )


if __name__ == "__main__":
    sys.exit(main())
