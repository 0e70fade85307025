"""What is known of a workflow run: its jobs, their steps, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.actions.matrix import Combination
from tests.actions.workflows import Workflow
from tests.servers.github_standin.events import Event


@dataclass
class Step:
    """`outcome` is before, `conclusion` after continue-on-error: success, failure, skipped, ..."""

    id: str
    name: str
    outcome: str = "skipped"
    conclusion: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Job:
    """`state` is queued, waiting (for an environment's reviewers) or completed."""

    key: str
    id: str
    name: str = ""
    combination: Combination | None = None  # None until it is known
    state: str = "queued"
    result: str = ""
    environment: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    log: str = ""
    summary: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    attempt: int = 1

    def step(self, name: str) -> Step:
        """The step of a name or id."""
        return next(step for step in self.steps if name in (step.id, step.name))

    @property
    def minutes(self) -> int:
        """As GitHub bills: every job that ran is rounded up to a whole minute."""
        if self.started_at is None or self.completed_at is None:
            return 0
        seconds = (self.completed_at - self.started_at).total_seconds()
        return max(1, -int(-seconds // 60))


@dataclass
class Approval:
    """What a reviewer said of an environment: `state` is approved or rejected."""

    environment: str
    login: str
    state: str
    comment: str = ""
    attempt: int = 1


@dataclass
class Run:
    """`status` is queued, pending (behind another of its group), waiting or completed.

    `group` is that of `concurrency`, "" for none; `inputs` are those of a workflow_dispatch.
    """

    id: int
    number: int
    workflow: Workflow
    event: Event
    triggering_actor: str
    folder: Path
    status: str = "queued"
    conclusion: str = ""
    attempt: int = 1
    group: str = ""
    is_cancelled: bool = False
    inputs: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    approvals: list[Approval] = field(default_factory=list)
    earlier: list[dict[str, Job]] = field(default_factory=list)  # the jobs of each attempt before

    @property
    def actor(self) -> str:
        return self.event.actor

    @property
    def is_done(self) -> bool:
        return self.status == "completed"

    @property
    def minutes(self) -> int:
        return sum(job.minutes for job in self.jobs.values())

    @property
    def log(self) -> str:
        return "".join(f"== {job.key}: {job.result}\n{job.log}" for job in self.jobs.values())

    def of(self, job: str) -> list[Job]:
        """All jobs of one name in the file: several where it has a matrix."""
        return [each for each in self.jobs.values() if each.id == job]

    def result_of(self, job: str) -> str:
        """The worst result of a job's combinations, "" while one is not over."""
        return worst(each.result for each in self.of(job))

    def __str__(self) -> str:
        results = ", ".join(f"{job.key}: {job.result or job.state}" for job in self.jobs.values())
        end = self.conclusion or self.status
        return f"{self.workflow.name} #{self.number} ({self.event.name}) {end} [{results}]"


def worst(results: Iterable[str]) -> str:
    """The result of several; "" as long as one has none."""
    found = set(results)
    order = ("", "failure", "cancelled", "success", "skipped")
    return next((result for result in order if result in found), "skipped")
