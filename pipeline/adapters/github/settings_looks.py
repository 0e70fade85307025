"""Looking at settings: what is there, what the plan lacks, and what a token may not see."""

from __future__ import annotations

from typing import Any

from pipeline.adapters.github.answers import Answer, message_of, pause_after
from pipeline.adapters.github.connection import Connection, json_of
from pipeline.errors import OutsideError

PAGE = 30  # the most of variables that GitHub gives at once
_MOST_PAGES = 40
_LACKING = ("upgrade to github", "billing plan", "plan does not support")


class PlanLacks(OutsideError):
    """The account's plan does not have this; the message is GitHub's."""


class NotSeen(OutsideError):
    """The token may not see it; the message is GitHub's."""


def look(connection: Connection, path: str) -> Any:
    """The JSON value at `path`, None where nothing is.

    Raises PlanLacks or NotSeen where GitHub refuses, OutsideError for all else.
    """
    answer = connection.request("GET", path)
    if answer.status == 404:
        return None
    return checked(connection, f"GET {path}", answer, expected=(200,))


def checked(connection: Connection, what: str, answer: Answer, expected: tuple[int, ...]) -> Any:
    """The JSON value of an answer, None for an empty one. Raises as `look` does."""
    if answer.status in expected:
        return json_of(answer, what) if answer.text else None
    words = _words(answer)
    if answer.status in (403, 422) and any(part in words.lower() for part in _LACKING):
        raise PlanLacks(words)
    if answer.status == 403 and pause_after(answer, 0) is None:
        raise NotSeen(words)
    raise connection.error(what, answer)


def put(connection: Connection, verb: str, path: str, body: Any, *expected: int) -> Any:
    """Set what may be set twice. Raises as `look` does."""
    answer = connection.request(verb, path, body)
    return checked(connection, f"{verb} {path}", answer, expected)


def look_through(connection: Connection, path: str, field: str) -> list[Any]:
    """All items of a list that GitHub gives as `field` of an object, page by page."""
    items: list[Any] = []
    for page in range(1, _MOST_PAGES + 1):
        found = look(connection, f"{path}?per_page={PAGE}&page={page}") or {}
        shown = found.get(field, [])
        items += shown
        if len(shown) < PAGE:
            break
    return items


def _words(answer: Answer) -> str:
    words = message_of(answer)
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:300]
