"""A repository of many models whose rollouts took place: one commit a merge and one a record."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.champion import render_champion
from pipeline.core.rollout.simulation import Simulation
from pipeline.manifest import RolloutSpec, render_rollout
from pipeline.rollout_scenario import Scenario
from pipeline.rollout_status import Record, render_record
from tests.rollouts import MINUTE, champion_of, spec_of


@dataclass(frozen=True)
class Settled:
    """A model whose challenger `c` took over from `a`, beginning at `since`."""

    model: str
    since: datetime

    @property
    def spec(self) -> RolloutSpec:
        """The manifest that was rolled out."""
        champion = champion_of("a").model_copy(update={"model": self.model})
        return spec_of("c", "a").model_copy(update={"model": self.model, "champion": champion})

    def next_spec(self) -> RolloutSpec:
        """A manifest for the next challenger, `e`."""
        champion = self._champion()
        return spec_of("e", "c").model_copy(update={"model": self.model, "champion": champion})

    def _champion(self):
        return champion_of("c", previous=champion_of("a").digest).model_copy(
            update={"model": self.model, "as_of": self.spec.challenger.as_of}
        )

    def commits(self) -> Iterator[tuple[datetime, dict[str, str]]]:
        """Time and files of each commit, oldest first."""
        folder = f"rollouts/{self.model}"
        files = {"champion.yaml": render_champion(self.spec.champion)}
        files["rollout.yaml"] = render_rollout(self.spec)
        yield self.since, {f"{folder}/{name}": text for name, text in files.items()}
        for record in records_of_a_rollout(self.since):
            mine = record.model_copy(
                update={
                    "model": self.model,
                    "spec": self.spec.digest,
                    "champion_before": self.spec.champion if record.champion_before else None,
                }
            )
            added = {f"{folder}/status/{record.name}": render_record(mine)}
            if record.kind == "promoted":
                added[f"{folder}/champion.yaml"] = render_champion(self._champion())
            yield record.at, added


@functools.cache
def records_of_a_rollout(since: datetime) -> tuple[Record, ...]:
    """What the core records of a healthy challenger."""
    scenario = Scenario(tick=5 * MINUTE, end=timedelta(hours=8))
    return tuple(c.record for c in Simulation(spec_of(), scenario, since).run().world.commits)


def write_history(repository: Path, models: Sequence[Settled]) -> int:
    """Add all their commits to main at `repository`, oldest first. Returns how many there are."""
    commits = sorted((c for one in models for c in one.commits()), key=lambda pair: pair[0])
    command = ["git", "fast-import", "--quiet", "--force"]
    process = subprocess.Popen(command, cwd=repository, stdin=subprocess.PIPE)
    assert process.stdin is not None
    for number, (at, files) in enumerate(commits):
        process.stdin.write(_commit(at, files, is_first=number == 0))
    process.stdin.close()
    if process.wait() != 0:
        raise RuntimeError("git fast-import failed")
    subprocess.run(["git", "reset", "--quiet", "--hard", "main"], cwd=repository, check=True)
    return len(commits)


def _commit(at: datetime, files: dict[str, str], *, is_first: bool) -> bytes:
    who = f"perennial <perennial@noreply.invalid> {int(at.timestamp())} +0000"
    lines = [f"commit refs/heads/main\ncommitter {who}\n".encode(), b"data 2\nx\n"]
    if is_first:
        lines.append(b"from refs/heads/main^0\n")
    for path, text in files.items():
        raw = text.encode()
        lines.append(f"M 100644 inline {path}\ndata {len(raw)}\n".encode() + raw + b"\n")
    return b"".join([*lines, b"\n"])
