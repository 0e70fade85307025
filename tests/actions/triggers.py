"""Whether an event starts a workflow: `on`, with its types, branches and paths."""

from __future__ import annotations

from typing import Any

from tests.actions.patterns import passes
from tests.actions.workflows import Workflow
from tests.servers.github_standin.events import Event

_PULL_TYPES = ["opened", "synchronize", "reopened"]
_TYPES = {"pull_request": _PULL_TYPES, "pull_request_target": _PULL_TYPES}
_SKIPS = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")


def is_started(workflow: Workflow, event: Event) -> bool:
    """Whether `event` starts `workflow`. Who made the event is not looked at here."""
    about = workflow.events.get(event.name)
    if about is None:
        return False
    if event.name in ("schedule", "workflow_dispatch"):
        return event.payload["workflow"] == workflow.path
    if event.name == "push":
        return _is_pushed(about, event)
    return _is_type(about, event) and _is_base(about, event) and not _is_skipped(event)


def _is_type(about: dict[str, Any], event: Event) -> bool:
    types = about.get("types", _TYPES.get(event.name))
    return types is None or event.payload["action"] in types


def _is_base(about: dict[str, Any], event: Event) -> bool:
    """For pull requests, `branches` are their bases and `paths` what they change."""
    if not event.name.startswith("pull_request"):
        return True
    base = event.payload["pull_request"]["base"]["ref"]
    return passes([base], about.get("branches"), about.get("branches-ignore")) and passes(
        event.paths, about.get("paths"), about.get("paths-ignore")
    )


def _is_pushed(about: dict[str, Any], event: Event) -> bool:
    if event.payload["deleted"] or _is_skipped(event):
        return False
    kind, _, name = event.ref.removeprefix("refs/").partition("/")
    own, other = ("branches", "tags") if kind == "heads" else ("tags", "branches")
    named = {key for key in (own, other) if key in about or f"{key}-ignore" in about}
    if named and own not in named:
        return False
    is_named = passes([name], about.get(own), about.get(f"{own}-ignore"))
    return is_named and passes(event.paths, about.get("paths"), about.get("paths-ignore"))


def _is_skipped(event: Event) -> bool:
    if event.name not in ("push", "pull_request"):
        return False
    return any(word in event.message for word in _SKIPS)
