"""Issues and comments; to GitHub a pull request is an issue too, and its comments are these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from pipeline.adapters.github.connection import Connection
from pipeline.adapters.github.shapes import CommentShape, IssueShape, is_same, parse, parse_all
from pipeline.forge import Comment, Issue

MOST_PAGES = 20


def list_comments(connection: Connection, number: int) -> tuple[Comment, ...]:
    """The comments of an issue or pull request, oldest first."""
    items = connection.pages(f"/issues/{number}/comments", MOST_PAGES)
    return tuple(shape.value() for shape in parse_all(CommentShape, items, "a comment"))


def add_comment(connection: Connection, number: int, body: str, login: str) -> Comment:
    """Comment once: where the answer was lost, the same words by `login` are the comment."""
    path = f"/issues/{number}/comments"
    before = {comment.id for comment in list_comments(connection, number)}

    def look() -> Any:
        items = connection.pages(path, MOST_PAGES)
        return _newest(items, lambda item: item.id not in before and _says(item, body, login))

    made = connection.create(path, {"body": body}, look)
    return parse(CommentShape, made, "a comment").value()


def edit_comment(connection: Connection, comment_id: int, body: str) -> None:
    """Replace what a comment says."""
    path = f"/issues/comments/{comment_id}"
    connection.send("PATCH", path, {"body": body}, expected={200})


def list_issues(connection: Connection, label: str) -> tuple[Issue, ...]:
    """The issues with `label`, open and closed, newest first."""
    return tuple(
        shape.value()
        for shape in parse_all(IssueShape, _labelled(connection, label), "an issue")
        if shape.pull_request is None
    )


def open_issue(
    connection: Connection, title: str, body: str, labels: Sequence[str], login: str
) -> Issue:
    """Open one once: where the answer was lost, an open one by `login` with this title is it."""

    def look() -> Any:
        items = _labelled(connection, labels[0] if labels else "")
        for item in items:
            shape = parse(IssueShape, item, "an issue")
            issue = shape.value()
            is_ours = is_same(issue.author, login) and issue.is_open and issue.title == title
            if is_ours and shape.pull_request is None:
                return item
        return None

    asked = {"title": title, "body": body, "labels": list(labels)}
    made = connection.create("/issues", asked, look)
    return parse(IssueShape, made, "an issue").value()


def edit_issue(connection: Connection, number: int, body: str, *, is_open: bool) -> None:
    """Replace what an issue says, and open or close it."""
    change = {"body": body, "state": "open" if is_open else "closed"}
    connection.send("PATCH", f"/issues/{number}", change, expected={200})


def _labelled(connection: Connection, label: str) -> list[Any]:
    asked = "/issues?state=all&sort=created&direction=desc"
    return connection.pages(
        f"{asked}&labels={quote(label, safe='')}" if label else asked, MOST_PAGES
    )


def _newest(items: Sequence[Any], is_it: Callable[[CommentShape], bool]) -> Any:
    for item in reversed(items):
        if is_it(parse(CommentShape, item, "a comment")):
            return item
    return None


def _says(shape: CommentShape, body: str, login: str) -> bool:
    comment = shape.value()
    said = comment.body.replace("\r\n", "\n").strip()
    return is_same(comment.author, login) and said == body.replace("\r\n", "\n").strip()
