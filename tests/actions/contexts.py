"""The contexts that expressions see, as GitHub fills them."""

from __future__ import annotations

from typing import Any

from tests.actions.runs import Job, Run
from tests.actions.settings import Settings
from tests.actions.workflows import needs_of
from tests.servers.github_standin.world import World

Contexts = dict[str, Any]
RUNNER = {"name": "stand-in", "os": "Linux", "arch": "X64", "environment": "github-hosted"}


def github_context(world: World, run: Run, job: str = "", token: str = "") -> dict[str, Any]:
    """`github`; its values of one word are the variables GITHUB_* of a step as well."""
    event = run.event
    pull = event.payload.get("pull_request") or {}
    is_pull = event.name in ("pull_request", "pull_request_target")
    kind = "tag" if event.ref.startswith("refs/tags/") else "branch"
    workflow = run.workflow
    return {
        "actor": run.actor,
        "api_url": world.url(),
        "base_ref": pull["base"]["ref"] if is_pull else "",
        "event": event.payload,
        "event_name": event.name,
        "graphql_url": f"{world.url()}/graphql",
        "head_ref": pull["head"]["ref"] if is_pull else "",
        "job": job,
        "ref": event.ref,
        "ref_name": event.ref.removeprefix("refs/heads/").removeprefix("refs/tags/"),
        "ref_type": kind,
        "repository": world.full_name,
        "repository_owner": world.owner,
        "retention_days": "90",
        "run_attempt": str(run.attempt),
        "run_id": str(run.id),
        "run_number": str(run.number),
        "server_url": world.url(),
        "sha": event.sha,
        "token": token,
        "triggering_actor": run.triggering_actor,
        "workflow": workflow.name,
        "workflow_ref": f"{world.full_name}/{workflow.path}@{event.ref}",
        "workflow_sha": event.sha,
    }


def run_contexts(world: World, run: Run, settings: Settings) -> Contexts:
    """What the whole run knows: for `concurrency` and the `if` of jobs."""
    return {
        "github": github_context(world, run),
        "inputs": run.inputs,
        "vars": settings.variables,
        "needs": {},
    }


def job_contexts(world: World, run: Run, job: Job, settings: Settings) -> Contexts:
    """What a job's own keys and its `if` see."""
    named = needs_of(run.workflow.jobs[job.id])
    needs = {
        name: {"result": run.result_of(name), "outputs": _outputs_of(run, name)} for name in named
    }
    total = len(run.of(job.id))
    strategy = {"job-total": total, "job-index": run.of(job.id).index(job), "fail-fast": True}
    return {
        **run_contexts(world, run, settings),
        "needs": needs,
        "strategy": strategy,
        "matrix": job.combination or {},
    }


def status_of(run: Run, job: str) -> dict[str, bool]:
    """What success(), failure() and cancelled() are before a job: of all that it waits for."""
    results = [run.result_of(name) for name in run.workflow.ancestors(job)]
    return {
        "success": not run.is_cancelled and all(result == "success" for result in results),
        "failure": not run.is_cancelled and "failure" in results,
        "cancelled": run.is_cancelled,
    }


def _outputs_of(run: Run, job: str) -> dict[str, str]:
    merged: dict[str, str] = {}
    for each in run.of(job):
        merged |= {name: value for name, value in each.outputs.items() if value}
    return merged
