"""A classic branch protection: older than rulesets, and it holds beside them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, BeforeValidator

from pipeline.adapters.github.answers import message_of
from pipeline.adapters.github.connection import Connection
from pipeline.adapters.github.settings_looks import NotSeen, checked
from pipeline.adapters.github.shapes import parse

_NONE = "Branch not protected"  # any other 404 is a token that may not know


class _App(BaseModel):
    id: int


class _Passing(BaseModel):
    apps: tuple[_App, ...] = ()


class _Reviews(BaseModel):
    bypass_pull_request_allowances: _Passing = _Passing()


class _Checks(BaseModel):
    contexts: tuple[str, ...] = ()
    checks: tuple[dict[str, Any], ...] = ()


_Switch = Annotated[bool, BeforeValidator(lambda value: value.get("enabled", False))]


class _Protection(BaseModel):
    required_pull_request_reviews: _Reviews | None = None
    required_status_checks: _Checks | None = None
    restrictions: _Passing | None = None
    required_signatures: _Switch = False
    lock_branch: _Switch = False


def read_protection(connection: Connection, branch: str) -> dict[str, frozenset[int]]:
    """What keeps a push from `branch`, by GitHub's name, with the ids of the Apps that it lets in.

    Raises PlanLacks, NotSeen (GitHub tells administrators alone) or OutsideError.
    """
    path = f"/branches/{quote(branch, safe='')}/protection"
    answer = connection.request("GET", path)
    if answer.status == 404:
        words = message_of(answer)
        if words != _NONE:
            raise NotSeen(words)
        return {}
    found = parse(_Protection, checked(connection, f"GET {path}", answer, (200,)), "a protection")
    reviews, checks = found.required_pull_request_reviews, found.required_status_checks
    passing = {
        "required_pull_request_reviews": reviews and reviews.bypass_pull_request_allowances,
        "required_status_checks": _Passing() if checks and _names_some(checks) else None,
        "restrictions": found.restrictions,
        "required_signatures": _Passing() if found.required_signatures else None,
        "lock_branch": _Passing() if found.lock_branch else None,
    }
    return {
        rule: frozenset(app.id for app in lets_in.apps)
        for rule, lets_in in passing.items()
        if lets_in is not None
    }


def _names_some(checks: _Checks) -> bool:
    """Without any, "must be up to date" says nothing of a push."""
    return bool(checks.contexts or checks.checks)
