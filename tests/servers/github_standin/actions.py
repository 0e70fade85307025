"""GitHub Actions: a workflow is asked to run. Nothing runs; who asked for what is written down."""

from __future__ import annotations

from typing import Any

import yaml

from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.routes import Call, Route


def dispatch_workflow(call: Call) -> Answer:
    """The file must be on the ref, be meant to be dispatched, and know the inputs."""
    name, ref = call.part("workflow_id"), str(call.body["ref"])
    inputs = call.body.get("inputs", {})
    branch = ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    refs = call.world.git.refs()
    tip = refs.get(f"refs/heads/{branch}") or refs.get(f"refs/tags/{branch}")
    if tip is None:
        raise Refusal(422, f"No ref found for: {ref}")
    known = _inputs(call, tip, name)
    unknown = sorted(set(inputs) - set(known))
    if unknown:
        raise Refusal(422, f"Unexpected inputs provided: {unknown}")
    missing = [key for key, about in known.items() if _is_missing(about, inputs.get(key))]
    if missing:
        raise Refusal(422, f"Required input '{missing[0]}' not provided")
    asked = {"workflow": name, "ref": ref, "inputs": inputs, "actor": call.viewer.login}
    call.world.workflow_dispatches.append(asked)
    return Answer(204)


def _inputs(call: Call, commit: str, name: str) -> dict[str, Any]:
    """The inputs that a workflow declares."""
    path = f".github/workflows/{name}"
    if not call.world.git.run("ls-tree", commit, "--", path):
        raise not_found()
    workflow = yaml.safe_load(call.world.git.run("cat-file", "blob", f"{commit}:{path}"))
    triggers = workflow.get(True, workflow.get("on"))  # YAML 1.1 reads the key `on` as true
    if "workflow_dispatch" not in triggers:
        raise Refusal(422, "Workflow does not have 'workflow_dispatch' trigger")
    about = triggers["workflow_dispatch"] if isinstance(triggers, dict) else None
    return (about or {}).get("inputs") or {}


def _is_missing(about: dict[str, Any] | None, given: Any) -> bool:
    return bool((about or {}).get("required")) and given is None and "default" not in (about or {})


ROUTES = (
    Route(
        "POST",
        "/actions/workflows/{workflow_id}/dispatches",
        dispatch_workflow,
        "actions:write",
        "write",
    ),
)
