"""Labels. Adding one that is not there makes it, if the token may write issues."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, invalid, not_found
from tests.servers.github_standin.objects import label
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.world import Issue, Label


def put_labels(call: Call, issue: Issue, names: Iterable[Any]) -> None:
    """Add labels, given as names or as objects with a name."""
    wanted = [str(name["name"] if isinstance(name, dict) else name) for name in names]
    missing = [name for name in wanted if name.lower() not in call.world.labels]
    if missing and not call.viewer.may("issues", "write"):
        raise Refusal(403, "You do not have permission to create labels on this repository.")
    for name in missing:
        _make(call, name, {})
    for name in wanted:
        if name.lower() not in issue.labels:
            issue.labels.append(name.lower())
            issue.updated_at = call.world.now()


def list_labels(call: Call) -> Answer:
    return listed(call, [label(call.world, name) for name in sorted(call.world.labels)])


def make_label(call: Call) -> Answer:
    name = str(call.body["name"])
    if name.lower() in call.world.labels:
        raise invalid("Label", "name", "already_exists")
    _make(call, name, call.body)
    return Answer(201, label(call.world, name))


def get_label(call: Call) -> Answer:
    if call.part("name").lower() not in call.world.labels:
        raise not_found()
    return Answer(200, label(call.world, call.part("name")))


def edit_label(call: Call) -> Answer:
    """Its colour and text; the name stays."""
    found = call.world.labels.get(call.part("name").lower())
    if found is None:
        raise not_found()
    found.color = call.body.get("color", found.color)
    found.description = call.body.get("description", found.description)
    return Answer(200, label(call.world, found.name))


def list_issue_labels(call: Call) -> Answer:
    issue = call.issue()
    call.must_of(issue, "read")
    return listed(call, _all_of(call, issue))


def add_labels(call: Call) -> Answer:
    """The body is `{"labels": [...]}`: the bare list that PyGithub sends is not described."""
    issue = call.issue()
    call.must_of(issue, "write")
    put_labels(call, issue, call.body["labels"])
    return Answer(200, _all_of(call, issue))


def remove_label(call: Call) -> Answer:
    issue, name = call.issue(), call.part("name").lower()
    call.must_of(issue, "write")
    if name not in issue.labels:
        raise Refusal(404, "Label does not exist")
    issue.labels.remove(name)
    issue.updated_at = call.world.now()
    return Answer(200, _all_of(call, issue))


def _make(call: Call, name: str, body: dict[str, Any]) -> None:
    if not name.strip() or len(name) > 50:
        raise invalid("Label", "name", "invalid")
    color, text = body.get("color", "ededed"), body.get("description", "")
    if len(text) > 100:
        raise invalid("Label", "description", "invalid")
    call.world.labels[name.lower()] = Label(next(call.world.ids), name, color, text)


def _all_of(call: Call, issue: Issue) -> list[dict[str, Any]]:
    return [label(call.world, name) for name in issue.labels]


ROUTES = (
    Route("GET", "/labels", list_labels),
    Route("POST", "/labels", make_label, "issues:write", "write"),
    Route("GET", "/labels/{name}", get_label),
    Route("PATCH", "/labels/{name}", edit_label, "issues:write", "write"),
    Route("GET", "/issues/{issue_number}/labels", list_issue_labels),
    Route("POST", "/issues/{issue_number}/labels", add_labels, role="triage"),
    Route("DELETE", "/issues/{issue_number}/labels/{name}", remove_label, role="triage"),
)
