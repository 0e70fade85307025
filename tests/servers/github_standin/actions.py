"""GitHub Actions: a workflow is asked to run. Who asked for what is written down; tests/actions,
where it is attached, runs it."""

from __future__ import annotations

from typing import Any

import yaml

from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.events import note_workflow_dispatch
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
    told = {key: str(value) for key, value in inputs.items()}
    _check_choices(known, told)
    asked = {"workflow": name, "ref": ref, "inputs": inputs, "actor": call.viewer.login}
    call.world.workflow_dispatches.append(asked)
    full = f"refs/heads/{branch}" if f"refs/heads/{branch}" in refs else f"refs/tags/{branch}"
    note_workflow_dispatch(call.world, call.viewer.login, name, full, _filled(known, told))
    return Answer(204)


def _check_choices(known: dict[str, Any], told: dict[str, str]) -> None:
    """Raises Refusal (422) for a choice that the workflow does not offer."""
    for key, value in told.items():
        options = (known[key] or {}).get("options")
        if options is not None and value not in [str(option) for option in options]:
            words = f"Provided value '{value}' for input '{key}' not in the list of allowed values"
            raise Refusal(422, words)


def _filled(known: dict[str, Any], told: dict[str, str]) -> dict[str, str]:
    """All inputs that the workflow has, as the event shows them: texts, with their defaults."""
    defaults = {key: (about or {}).get("default", "") for key, about in known.items()}
    return {key: told.get(key, _as_text(default)) for key, default in defaults.items()}


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


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
