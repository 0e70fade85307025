"""One reconcile of 1,000 models of which 10 roll out, and a cold start to the first decision.

    python -m benchmarks.bench_reconcile [--models 1000] [--active 10]

Real git (a bare remote and a clone), a traffic layer of one file, metrics from a file. Prints the
seconds and how often anything outside git was asked: only active models cost.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.champion import render_champion
from pipeline.manifest import render_rollout
from pipeline.rolling.reconciler import Reconciler
from tests.repository import commit, git
from tests.rolling.rolled import Rolled, file_spec, rolled


def main() -> int:
    """Make the repository, reconcile once, print. Returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=1_000)
    parser.add_argument("--active", type=int, default=10)
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder, rolled(Path(folder) / "world") as world:
        fill(world, arguments.models, arguments.active)
        world.clone("runner")
        measure(world)
    start = time.perf_counter()
    command = [sys.executable, "-m", "scripts.reconcile_rollouts", "--help"]
    subprocess.run(command, check=True, capture_output=True)
    print(f"cold start of the script: {time.perf_counter() - start:.2f} s")
    return 0


def fill(world: Rolled, models: int, active: int) -> None:
    """`models` models with a champion each; `active` of them with a manifest that just came."""
    spec = file_spec()
    for number in range(models):
        name = f"model-{number}"
        folder = world.people / "rollouts" / name
        folder.mkdir(parents=True)
        champion = spec.champion.model_copy(update={"model": name})
        (folder / "champion.yaml").write_text(render_champion(champion))
        if number < active:
            mine = spec.model_copy(update={"model": name, "champion": champion})
            (folder / "rollout.yaml").write_text(render_rollout(mine))
    world.serve(spec.challenger.digest, spec.version)
    world.record(spec)
    commit(world.people, "Many models")
    git(world.people, "push", "--quiet", "origin", "main")


def measure(world: Rolled) -> None:
    """One run that starts every active model, and one that finds nothing to do."""
    repository = world.repository()
    equipped: list[str] = []
    equipment = world.equipment(repository)

    def equip(state):
        equipped.append(state.model)
        return equipment.equip(state)

    for what, is_applied in (("plan", False), ("plan again", False)):
        equipped.clear()
        start = time.perf_counter()
        found = Reconciler(repository, equip, equipment.clock, lambda _: None, is_applied).run()
        took = time.perf_counter() - start
        print(f"{what}: {took:.2f} s, {len(found)} model(s) looked at, {len(equipped)} asked for")


if __name__ == "__main__":
    sys.exit(main())
