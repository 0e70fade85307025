"""What the API says of runs: the run, its approvals, and its jobs as check runs."""

from __future__ import annotations

from typing import Any

from tests.actions.runs import Job, Run
from tests.servers.github_api import sample
from tests.servers.github_standin.objects import stamp, user
from tests.servers.github_standin.people import ACTIONS_BOT
from tests.servers.github_standin.standin import GitHubStandIn
from tests.servers.github_standin.world import Status, World


def show_run(github: GitHubStandIn, run: Run) -> None:
    """From now on `GET /actions/runs/{id}` and its approvals are as the run is."""
    github.put_run(run.id, _run_object(github.world, run), _approvals(github.world, run))


def show_job(world: World, run: Run, job: Job) -> None:
    """A job that is over is a check of its run's commit."""
    check = Status(
        next(world.ids),
        run.event.head_sha,
        job.name,
        "completed",
        None,
        f"{world.page}/actions/runs/{run.id}",
        ACTIONS_BOT,
        world.now(),
        is_check=True,
        conclusion=job.result,
    )
    world.statuses.append(check)


def _run_object(world: World, run: Run) -> dict[str, Any]:
    return sample(
        "workflow-run",
        id=run.id,
        name=run.workflow.name,
        path=run.workflow.path,
        run_number=run.number,
        run_attempt=run.attempt,
        event=run.event.name,
        status=run.status,
        conclusion=run.conclusion or None,
        head_branch=run.event.ref.removeprefix("refs/heads/"),
        head_sha=run.event.head_sha,
        actor=user(world, run.actor),
        triggering_actor=user(world, run.triggering_actor),
        html_url=f"{world.page}/actions/runs/{run.id}",
        updated_at=stamp(world.now()),
    )


def _approvals(world: World, run: Run) -> list[dict[str, Any]]:
    return [
        sample(
            "environment-approvals",
            user=user(world, each.login),
            state=each.state,
            comment=each.comment,
            environments=[{"name": each.environment}],
        )
        for each in reversed(run.approvals)
    ]
