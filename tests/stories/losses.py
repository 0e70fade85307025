"""Machines that are lost: each job once, at a random step or at a random request of its own."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.actions import Actions
from tests.stories.base import Base
from tests.stories.untrained import Digests, digests
from tests.stories.world import a_world

Place = tuple[str, str]  # a workflow's file, and a job of it
SEED = os.environ.get("STORY_SEED", "2013")  # set it to have other places hit
WRITING = ("POST", "PUT", "PATCH", "DELETE")


@dataclass
class Losses:
    """Counts what the first run of each job sends, and kills it at the request that is `due`.

    A machine that is lost at a request has sent it: it takes effect, and nobody hears the answer.
    """

    actions: Actions
    due: dict[Place, int] = field(default_factory=dict)
    sent: Counter[Place] = field(default_factory=Counter)
    first: dict[Place, int] = field(default_factory=dict)

    def watch(self) -> None:
        """From now on."""
        for method in WRITING:
            self._wait_for(method)

    def draw(self, jobs: Iterable[Place], sent: Mapping[Place, int], *, has_app: bool) -> None:
        """Decide where each job is lost, and print it; `sent` is what such jobs send."""
        random = Random(f"{SEED} {has_app}")  # noqa: S311 (nothing secret)
        print(f"STORY_SEED={SEED}")
        for place in jobs:
            if sent.get(place) and random.random() < 0.6:
                self.due[place] = random.randint(1, sent[place])
                print(*place, f"is lost at request {self.due[place]} of {sent[place]}")
                continue
            file, job = place
            steps = [name for owner, name in self.actions.steps(file) if owner == job]
            step, when = random.choice(steps), random.choice(("before", "after"))
            self.actions.kill(file, job, step, when)
            print(*place, f"is lost {when} {step}")

    def _wait_for(self, method: str) -> None:
        self.actions.github.meanwhile(method, "*", lambda: self._meet(method))

    def _meet(self, method: str) -> None:
        self._wait_for(method)
        found = self._running()
        if found is None:
            return
        place, run = found
        if self.first.setdefault(place, run) == run:
            self.sent[place] += 1
            if self.sent[place] == self.due.get(place):
                del self.due[place]
                self.actions.kill_now()

    def _running(self) -> tuple[Place, int] | None:
        for run in self.actions.runs:
            for job in run.jobs.values():
                if job.started_at is not None and job.completed_at is None:
                    return (run.workflow.file, job.id), run.id
        return None


@contextmanager
def a_watched_world(
    base: Base, folder: Path, *, has_app: bool, variables: Mapping[str, str]
) -> Iterator[tuple[Digests, Losses]]:
    """A new world in which nothing has happened, and what its jobs send is counted."""
    with (
        a_world(base, folder, has_app=has_app, variables=variables) as world,
        digests(world) as place,
    ):
        losses = Losses(world.actions)
        losses.watch()
        yield place, losses


def settle(actions: Actions, *, by: str = "ada", whole: bool = False, fault: str = "") -> int:
    """Run all there is, and what was lost again until nothing is. How many runs had been lost.

    `by` presses "Re-run failed jobs", or with `whole` "Re-run all jobs"; ada approves what waits.
    A run that failed without a loss must have said `fault`.
    """
    again = 0
    while True:
        waiting = actions.settle()
        failed = [run for run in actions.runs if run.conclusion == "failure"]
        lost = [run for run in failed if "lost communication" in run.log]
        for run in failed:
            assert run in lost or (fault and fault in run.log), f"{run}\n{run.log}"
        for run in waiting:
            actions.approve(run, by="ada")
        for run in lost:
            actions.rerun(run, by=by, failed_only=not whole)
        again += len(lost)
        if not (waiting or lost):
            return again


def done(actions: Actions) -> set[Place]:
    """The jobs that had a machine, and by now are over."""
    found = ((run.workflow.file, job) for run in actions.runs for job in run.jobs.values())
    return {(file, job.id) for file, job in found if job.started_at is not None}
