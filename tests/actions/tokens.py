"""What a job's GITHUB_TOKEN may do: what the job asks for, and nothing else."""

from __future__ import annotations

from typing import Any

from tests.actions.runs import Job, Run
from tests.actions.settings import Settings
from tests.servers.github_standin.people import SCOPES

Grants = dict[str, str]
_FROM_FORKS = ("pull_request", "pull_request_review")


def grants_of(run: Run, job: Job, settings: Settings) -> Grants:
    """The job's permissions, else the workflow's, else the repository's default.

    A pull request of a fork gets to read at most, whatever its workflow says.
    """
    workflow = run.workflow
    asked = workflow.jobs[job.id].get("permissions", workflow.tree.get("permissions"))
    grants = settings.default_grants() if asked is None else _parsed(asked)
    if is_from_fork(run):
        return {scope: "read" for scope, level in grants.items() if level != "none"}
    return grants


def is_from_fork(run: Run) -> bool:
    """Whether the run is of a fork's code, and so gets no secrets either."""
    if run.event.name not in _FROM_FORKS:
        return False
    head = run.event.payload["pull_request"]["head"]["repo"]
    return head is None or head["full_name"] != run.event.payload["repository"]["full_name"]


def _parsed(asked: Any) -> Grants:
    if isinstance(asked, str):
        return dict.fromkeys(SCOPES, asked.removesuffix("-all"))
    return {scope.replace("-", "_"): level for scope, level in asked.items()}
