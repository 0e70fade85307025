"""Issues, and what pull requests share with them: labels and assignees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, invalid
from tests.servers.github_standin.labels import put_labels
from tests.servers.github_standin.objects import issue_object, stamp
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.states import set_state
from tests.servers.github_standin.world import Issue


def checked_text(resource: str, body: Mapping[str, Any], name: str, longest: int) -> str | None:
    """A text of the request. Raises Refusal (422) for one that is too long, or for no title."""
    text = body.get(name)
    if name == "title":
        text = str(text or "").strip()
        if not text:
            raise invalid(resource, name, "missing_field")
    if text is not None and len(text) > longest:
        words = f"{name} is too long (maximum is {longest} characters)"
        raise invalid(resource, name, "custom", words)
    return text


def new_issue(call: Call, title: str, body: str | None) -> Issue:
    """The next number goes to it. Issues and pull requests share one row of numbers."""
    world, now = call.world, call.world.now()
    number = len(world.issues) + 1
    issue = Issue(next(world.ids), number, title, body, call.viewer.login, now, now)
    world.issues[number] = issue
    return issue


def list_issues(call: Call) -> Answer:
    """Pull requests are among them, as on GitHub; a label's name ignores case."""
    query = call.query
    state = query.get("state", "open")
    labels = {name.lower() for name in query.get("labels", "").split(",") if name}
    found = [
        issue
        for issue in call.world.issues.values()
        if state in ("all", "open" if issue.is_open else "closed")
        and labels <= set(issue.labels)
        and query.get("creator") in (None, issue.author)
        and query.get("assignee", "*") in ("*", *issue.assignees)
        and query.get("since", "") <= str(stamp(issue.updated_at))
    ]
    is_updated = query.get("sort") == "updated"
    found.sort(
        key=lambda issue: (issue.updated_at if is_updated else issue.created_at, issue.number),
        reverse=query.get("direction", "desc") == "desc",
    )
    return listed(call, [issue_object(call.world, issue) for issue in found])


def open_issue(call: Call) -> Answer:
    body = call.body
    title = checked_text("Issue", {**body, "title": str(body["title"])}, "title", 256)
    text = checked_text("Issue", body, "body", 65_536)
    wrong = [name for name in body.get("assignees", ()) if not _is_assignable(call, name)]
    if wrong:
        raise invalid("Issue", "assignees", "invalid")
    issue = new_issue(call, title or "", text)
    if call.viewer.account.is_at_least("triage"):  # others' labels and assignees are dropped
        put_labels(call, issue, body.get("labels", ()))
        issue.assignees = list(body.get("assignees", ()))
    return Answer(201, issue_object(call.world, issue))


def get_issue(call: Call) -> Answer:
    issue = call.issue()
    if call.world.is_private:  # issues' grant for a pull request as well, unlike elsewhere
        call.viewer.must("issues", "read")
    return Answer(200, issue_object(call.world, issue))


def edit_issue(call: Call) -> Answer:
    issue, body = call.issue(), call.body
    call.must_of(issue, "write")
    call.must_be("triage", or_author=issue.author)
    if body.get("title") is not None:
        issue.title = checked_text("Issue", body, "title", 256) or ""
    if "body" in body:
        issue.body = checked_text("Issue", body, "body", 65_536)
    if "labels" in body:
        issue.labels = []
        put_labels(call, issue, body["labels"])
    if "assignees" in body:
        issue.assignees = [name for name in body["assignees"] if _is_assignable(call, name)]
    set_state(call, issue, body.get("state"), body.get("state_reason") or _reason(issue))
    issue.updated_at = call.world.now()
    return Answer(200, issue_object(call.world, issue))


def add_assignees(call: Call) -> Answer:
    """At most 10; whoever cannot be assigned is left out without a word, as on GitHub."""
    issue = call.issue()
    call.must_of(issue, "write")
    for login in call.body.get("assignees", ()):
        if _is_assignable(call, login) and login not in issue.assignees:
            issue.assignees = [*issue.assignees, login][:10]
    return Answer(201, issue_object(call.world, issue))


def _reason(issue: Issue) -> str | None:
    return None if issue.pull else "completed"


def _is_assignable(call: Call, login: str) -> bool:
    if not isinstance(login, str):
        raise Refusal(422, "Validation Failed", [])
    return call.world.people.has_write(login)


ROUTES = (
    Route("GET", "/issues", list_issues, "issues:read"),
    Route("POST", "/issues", open_issue, "issues:write"),
    Route("GET", "/issues/{issue_number}", get_issue),
    Route("PATCH", "/issues/{issue_number}", edit_issue),
    Route("POST", "/issues/{issue_number}/assignees", add_assignees, role="triage"),
)
