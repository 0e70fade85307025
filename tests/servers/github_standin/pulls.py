"""Pull requests: list, open, look and edit."""

from __future__ import annotations

from typing import Any

from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, invalid
from tests.servers.github_standin.events import note_pull
from tests.servers.github_standin.issues import checked_text, new_issue
from tests.servers.github_standin.merging import mergeable_state
from tests.servers.github_standin.people import ACTIONS_BOT
from tests.servers.github_standin.pull_objects import pull_object
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.states import has_twin, set_state
from tests.servers.github_standin.sync import head_of, show
from tests.servers.github_standin.world import Issue, Pull, World


def list_pulls(call: Call) -> Answer:
    """Newest first. A `head` without `owner:` is no filter at all, as on GitHub."""
    query = call.query
    state, head, base = query.get("state", "open"), query.get("head", ""), query.get("base")
    found = [
        (issue, issue.pull)
        for issue in call.world.issues.values()
        if issue.pull is not None
        and state in ("all", "open" if issue.is_open else "closed")
        and (":" not in head or head == f"{issue.pull.head_owner}:{issue.pull.head_ref}")
        and base in (None, issue.pull.base_ref)
    ]
    is_updated = query.get("sort") == "updated"
    default = "desc" if query.get("sort", "created") == "created" else "asc"
    found.sort(
        key=lambda pair: (pair[0].updated_at if is_updated else pair[0].created_at, pair[0].number),
        reverse=query.get("direction", default) == "desc",
    )
    return listed(call, [pull_object(call.world, *pair) for pair in found])


def open_pull(call: Call) -> Answer:
    world, body, viewer = call.world, call.body, call.viewer
    if viewer.login == ACTIONS_BOT and not world.may_actions_open_pulls:
        words = "GitHub Actions is not permitted to create or approve pull requests."
        raise Refusal(403, words)
    title = checked_text("PullRequest", body, "title", 256)
    text = checked_text("PullRequest", body, "body", 65_536)
    pull = _new_pull(world, str(body["head"]), str(body["base"]))
    if pull.head_owner == world.owner:
        call.must_be("write")
    pull.is_draft = bool(body.get("draft"))
    _check_new(world, pull)
    issue = new_issue(call, title or "", text)
    issue.pull = pull
    show(world, issue, pull)
    note_pull(world, "opened", issue, viewer.login)
    return _one(call, issue, pull, 201)


def get_pull(call: Call) -> Answer:
    return _one(call, *call.pull(), 200)


def edit_pull(call: Call) -> Answer:
    world, body = call.world, call.body
    issue, pull = call.pull()
    call.must_be("triage", or_author=issue.author)
    changes = _changes(issue, pull, body)
    if body.get("title") is not None:
        issue.title = checked_text("PullRequest", body, "title", 256) or ""
    if body.get("body") is not None:
        issue.body = checked_text("PullRequest", body, "body", 65_536)
    if body.get("base") not in (None, pull.base_ref):
        _retarget(world, issue, pull, str(body["base"]))
    set_state(call, issue, body.get("state"))
    issue.updated_at = world.now()
    if changes:
        note_pull(world, "edited", issue, call.viewer.login, changes=changes)
    return _one(call, issue, pull, 200)


def _changes(issue: Issue, pull: Pull, body: dict[str, Any]) -> dict[str, Any]:
    """What an edit changes, and from what."""
    known = {"title": issue.title, "body": issue.body, "base": pull.base_ref}
    return {
        name: {"from": value}
        for name, value in known.items()
        if body.get(name) not in (None, value)
    }


def _new_pull(world: World, head: str, base: str) -> Pull:
    owner, _, ref = head.rpartition(":")
    pull = Pull(owner or world.owner, ref, "", base, "")
    found = head_of(world, pull)
    if found is None:
        raise invalid("PullRequest", "head", "invalid")
    tip = world.git.refs().get(f"refs/heads/{base}")
    if tip is None:
        raise invalid("PullRequest", "base", "invalid")
    pull.head, pull.base, pull.base_tip = found, tip, tip
    return pull


def _check_new(world: World, pull: Pull) -> None:
    why = None
    if has_twin(world, pull):
        why = f"A pull request already exists for {pull.head_owner}:{pull.head_ref}."
    elif not world.git.commits_between(pull.base, pull.head):
        why = f"No commits between {pull.base_ref} and {pull.head_ref}"
    if why is not None:
        error = {"resource": "PullRequest", "code": "custom", "message": why}
        raise Refusal(422, "Validation Failed", [error])


def _retarget(world: World, issue: Issue, pull: Pull, base: str) -> None:
    tip = world.git.refs().get(f"refs/heads/{base}")
    if tip is None:
        raise invalid("PullRequest", "base", "invalid")
    pull.base_ref, pull.base, pull.base_tip = base, tip, tip
    issue.updated_at = world.now()
    show(world, issue, pull)


def _one(call: Call, issue: Issue, pull: Pull, status: int) -> Answer:
    state = mergeable_state(call.world, issue, pull)
    return Answer(status, pull_object(call.world, issue, pull, state))


_READ, _WRITE = "pull_requests:read", "pull_requests:write"
ROUTES = (
    Route("GET", "/pulls", list_pulls, _READ),
    Route("POST", "/pulls", open_pull, _WRITE),
    Route("GET", "/pulls/{pull_number}", get_pull, _READ),
    Route("PATCH", "/pulls/{pull_number}", edit_pull, _WRITE),
)
