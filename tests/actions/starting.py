"""From an event to its runs, and who of a concurrency group may go on."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

from tests.actions.contexts import run_contexts
from tests.actions.engine import engine
from tests.actions.runs import Job, Run
from tests.actions.settings import Settings
from tests.actions.triggers import is_started
from tests.actions.workflows import Library, Workflow
from tests.servers.github_standin.events import Event
from tests.servers.github_standin.people import ACTIONS_BOT
from tests.servers.github_standin.settings_policies import lets_start
from tests.servers.github_standin.world import World

_OF_TOKENS = ("workflow_dispatch", "repository_dispatch")
_TO_APPROVE = ("opened", "synchronize", "reopened")  # of pull_request, whatever types it names
_FIRST_ID = 9_000_001


class Starter:
    """Makes runs of events; `runs` is the history, oldest first."""

    def __init__(self, world: World, settings: Settings, folder: Path) -> None:
        self.runs: list[Run] = []
        self.library = Library(world.git)
        self._world = world
        self._settings = settings
        self._folder = folder
        self._ids = count(_FIRST_ID)

    def start(self, event: Event) -> None:
        """Queue a run for each workflow that `event` starts. Raises Faulty for a broken file.

        What a GITHUB_TOKEN does starts nothing, but for dispatches; a pull request that it opens
        or renews gets runs that somebody must approve, which nobody does here. What a policy does
        not allow is a run that failed without a job.
        """
        is_of_token = event.actor == ACTIONS_BOT and event.name not in _OF_TOKENS
        if is_of_token and not _may_be_approved(event):
            return
        for workflow in self.library.at(event.sha):
            if self._settings.is_enabled(workflow.file) and is_started(workflow, event):
                run = self._new_run(workflow, event)
                if not lets_start(self._world, workflow.path, event.name):
                    run.status, run.conclusion = "completed", "failure"
                elif is_of_token:
                    run.status, run.conclusion = "completed", "action_required"
                else:
                    self.enter(run)

    def enter(self, run: Run) -> None:
        """Let a run into its concurrency group: one runs, the newest other one is pending."""
        contexts = run_contexts(self._world, run, self._settings)
        about = engine().resolve(run.workflow.tree.get("concurrency") or "", contexts)
        rule = {"group": about} if isinstance(about, str) else about
        run.group = str(rule["group"]).lower()
        others = [r for r in self.runs if r is not run and run.group and r.group == run.group]
        pending = [other for other in others if other.status == "pending"]
        holders = [o for o in others if o.status not in ("pending", "completed")]
        run.status = "pending" if holders else "queued"
        if rule.get("queue") != "max":
            for other in pending:
                cancel(other)
        if rule.get("cancel-in-progress") is True:
            for other in holders:
                cancel(other)
            run.status = "queued"

    def leave(self, run: Run) -> None:
        """The oldest pending run of the group goes on."""
        waiting = [r for r in self.runs if run.group and r.group == run.group]
        pending = [other for other in waiting if other.status == "pending"]
        if pending and all(other.status in ("pending", "completed") for other in waiting):
            pending[0].status = "queued"

    def _new_run(self, workflow: Workflow, event: Event) -> Run:
        number = sum(run.workflow.file == workflow.file for run in self.runs) + 1
        run_id = next(self._ids)
        run = Run(run_id, number, workflow, event, event.actor, self._folder / str(run_id))
        run.inputs = typed_inputs(workflow, event)
        run.jobs = new_jobs(workflow)
        self.runs.append(run)
        return run


def _may_be_approved(event: Event) -> bool:
    return event.name == "pull_request" and event.payload["action"] in _TO_APPROVE


def cancel(run: Run) -> None:
    """Jobs that did not start are cancelled; of a run that goes on, `if: always()` still runs."""
    run.is_cancelled = True
    has_begun = any(job.started_at for job in run.jobs.values())
    for job in run.jobs.values():
        if job.state == "waiting" or (not has_begun and job.state != "completed"):
            job.state, job.result = "completed", "cancelled"
    if not has_begun:
        run.status, run.conclusion = "completed", "cancelled"


def new_jobs(workflow: Workflow) -> dict[str, Job]:
    """One for each job of the file; a matrix is told apart when its job's turn comes."""
    return {name: Job(name, name) for name in workflow.jobs}


def typed_inputs(workflow: Workflow, event: Event) -> dict[str, Any]:
    """The context `inputs`: texts of the event as what the workflow says that they are."""
    if event.name != "workflow_dispatch":
        return {}
    given = event.payload["inputs"]
    return {name: _typed(about, given[name]) for name, about in workflow.inputs.items()}


def _typed(about: dict[str, Any], value: str) -> Any:
    kind = about.get("type")
    if kind == "boolean":
        return value == "true"
    if kind == "number" and value:
        return float(value) if "." in value else int(value)
    return value
