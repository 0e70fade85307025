"""Telling people of a pull request: labels, reviewers, assignees; and what they reviewed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.adapters.github.answers import Refused
from pipeline.adapters.github.connection import Connection
from pipeline.adapters.github.shapes import ReviewShape, parse_all
from pipeline.forge import Review

MOST_REVIEW_PAGES = 20


def add_labels(connection: Connection, number: int, labels: Sequence[str]) -> list[str]:
    """Add labels; GitHub makes those that the repository lacks. Returns what was refused."""
    return _add(connection, f"/issues/{number}/labels", "labels", labels)


def add_assignees(connection: Connection, number: int, logins: Sequence[str]) -> list[str]:
    """Assign people; those without access GitHub leaves out without a word."""
    return _add(connection, f"/issues/{number}/assignees", "assignees", logins)


def ask_reviewers(connection: Connection, number: int, reviewers: Sequence[str]) -> list[str]:
    """Ask for reviews: logins, and `owner/team` for a team. Returns what was refused.

    GitHub refuses all of a request for one name, so after a refusal they are asked one by one.
    """
    path = f"/pulls/{number}/requested_reviewers"
    people = [name for name in reviewers if "/" not in name]
    teams = [name.partition("/")[2] for name in reviewers if "/" in name]
    refused = _add(connection, path, "reviewers", people)
    return [*refused, *_add(connection, path, "team_reviewers", teams)]


def list_reviews(connection: Connection, number: int) -> tuple[Review, ...]:
    """The submitted reviews, oldest first."""
    items = connection.pages(f"/pulls/{number}/reviews", MOST_REVIEW_PAGES)
    values = [shape.value() for shape in parse_all(ReviewShape, items, "a review")]
    found = [review for review in values if review is not None]
    return tuple(sorted(found, key=lambda review: review.submitted_at))


def _add(connection: Connection, path: str, field: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    try:
        _send(connection, path, {field: list(names)})
    except Refused as error:
        if len(names) == 1:
            return [f"{names[0]}: {error}"]
        return [why for name in names for why in _add(connection, path, field, [name])]
    return []


def _send(connection: Connection, path: str, body: dict[str, Any]) -> None:
    connection.send("POST", path, body, expected={200, 201})
