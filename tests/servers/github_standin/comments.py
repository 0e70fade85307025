"""Comments on issues and pull requests."""

from __future__ import annotations

from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import invalid, not_found
from tests.servers.github_standin.objects import comment_object, stamp
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.world import Comment

_LONGEST = 65_536


def list_comments(call: Call) -> Answer:
    """Oldest first."""
    issue, since = call.issue(), call.query.get("since", "")
    call.must_of(issue, "read")
    found = [
        comment_object(call.world, comment)
        for comment in call.world.comments.values()
        if comment.number == issue.number and since <= str(stamp(comment.updated_at))
    ]
    return listed(call, found)


def add_comment(call: Call) -> Answer:
    issue, world = call.issue(), call.world
    call.must_of(issue, "write")
    body, now = _body(call), world.now()
    comment = Comment(next(world.ids), issue.number, call.viewer.login, body, now, now)
    world.comments[comment.id] = comment
    issue.updated_at = now
    return Answer(201, comment_object(world, comment))


def get_comment(call: Call) -> Answer:
    comment = _comment(call)
    call.must_of(call.world.issues[comment.number], "read")
    return Answer(200, comment_object(call.world, comment))


def edit_comment(call: Call) -> Answer:
    comment = _comment(call)
    call.must_of(call.world.issues[comment.number], "write")
    call.must_be("write", or_author=comment.author)
    comment.body, comment.updated_at = _body(call), call.world.now()
    return Answer(200, comment_object(call.world, comment))


def _comment(call: Call) -> Comment:
    comment = call.world.comments.get(int(call.part("comment_id")))
    if comment is None:
        raise not_found()
    return comment


def _body(call: Call) -> str:
    body = str(call.body["body"])
    why = None
    if not body.strip():
        why = "Body cannot be blank"
    elif len(body) > _LONGEST:
        why = f"Body is too long (maximum is {_LONGEST} characters)"
    if why is not None:
        raise invalid("IssueComment", "data", "unprocessable", why)
    return body


ROUTES = (
    Route("GET", "/issues/{issue_number}/comments", list_comments),
    Route("POST", "/issues/{issue_number}/comments", add_comment),
    Route("GET", "/issues/comments/{comment_id}", get_comment),
    Route("PATCH", "/issues/comments/{comment_id}", edit_comment),
)
