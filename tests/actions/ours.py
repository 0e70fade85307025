"""Our own workflow files, and events such as GitHub would tell them, for tests of what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.actions.contexts import job_contexts, status_of
from tests.actions.engine import engine
from tests.actions.runs import Run
from tests.actions.settings import Settings
from tests.actions.starting import new_jobs, typed_inputs
from tests.actions.workflows import Workflow
from tests.servers.github_standin.events import Event
from tests.servers.github_standin.world import World

ROOT = Path(__file__).parent.parent.parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))


def read(name: str) -> Workflow:
    parsed = engine().workflow(name, (ROOT / ".github/workflows" / name).read_text())
    return Workflow(name, parsed["tree"], parsed["events"])


def event(world: World, name: str, body: dict[str, Any] | None = None, by: str = "alice") -> Event:
    """Something that somebody did, on main as it is."""
    sha = world.git.refs()["refs/heads/main"]
    return Event(world, name, by, "refs/heads/main", sha, sha, lambda: body or {})


def push(world: World, email: str, by: str = "alice") -> Event:
    """A push whose newest commit was committed by `email`."""
    committed = {"head_commit": {"committer": {"email": email}}, "deleted": False}
    return event(world, "push", committed, by)


def pull_request(
    world: World,
    name: str = "pull_request_target",
    branch: str = "perennial/retrain/m-1",
    fork: str | None = None,
    state: str = "approved",
) -> Event:
    """Something about pull request 7, from a branch of ours or of `fork`; `state` of a review."""
    head = {"ref": branch, "repo": {"full_name": f"{fork or world.owner}/model"}}
    body = {
        "action": "opened",
        "pull_request": {"number": 7, "head": head, "base": {"ref": "main"}},
    }
    if name == "pull_request_review":
        body["review"] = {"state": state}
    return event(world, name, body)


def dispatch(world: World, **inputs: str) -> Event:
    """A workflow is started by hand."""
    return event(world, "workflow_dispatch", {"inputs": inputs})


def decided(
    world: World,
    file: str,
    started_by: Event,
    job: str,
    variables: dict[str, str] | None = None,
    **needs: Any,
) -> bool:
    """Whether the job of a file runs, when those that it needs ended as told.

    `needs` are results, or (result, outputs).
    """
    workflow = read(file)
    run = Run(1, 1, workflow, started_by, started_by.actor, Path())
    if started_by.name == "workflow_dispatch":
        given = dict.fromkeys(workflow.inputs, "") | started_by.payload["inputs"]
        run.event.payload["inputs"] = given
        run.inputs = typed_inputs(workflow, run.event)
    run.jobs = new_jobs(workflow)
    for name, told in needs.items():
        each = run.jobs[name]
        each.result, each.outputs = (told, {}) if isinstance(told, str) else told
    world.settings.variables = dict(variables or {})
    contexts = job_contexts(world, run, run.jobs[job], Settings(world))
    return engine().condition(workflow.jobs[job]["if"], contexts, status_of(run, job))
