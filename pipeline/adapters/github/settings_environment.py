"""Environments: who must approve a job, how long it waits, and from which branches it may run."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from pipeline.adapters.github.connection import Connection
from pipeline.adapters.github.settings_looks import look, look_through, put
from pipeline.adapters.github.shapes import parse
from pipeline.errors import OutsideError
from pipeline.repository_settings import NO_BRANCH, PROTECTED, Fields, words_of


class _Reviewer(BaseModel):
    login: str | None = None
    slug: str | None = None


class _Review(BaseModel):
    type: str
    reviewer: _Reviewer


class _Protection(BaseModel):
    type: str
    wait_timer: int = 0
    prevent_self_review: bool = False
    reviewers: tuple[_Review, ...] = ()


class _BranchPolicy(BaseModel):
    protected_branches: bool
    custom_branch_policies: bool


class _Environment(BaseModel):
    protection_rules: tuple[_Protection, ...] = ()
    deployment_branch_policy: _BranchPolicy | None = None


def read_environments(connection: Connection, names: Collection[str]) -> dict[str, Fields]:
    """The environments of these names that there are."""
    found = {}
    for name in names:
        value = look(connection, _path(name))
        if value is not None:
            shape = parse(_Environment, value, "an environment")
            found[name] = _fields(shape, _branches(connection, name, shape))
    return found


def set_environment(connection: Connection, name: str, fields: Fields) -> None:
    """Make the environment, or set all of it.

    Until the last request no branch may use it but those that could before, and those wished.
    """
    logins, branches = words_of(fields, "reviewers"), words_of(fields, "branches")
    reviewers = [{"type": "User", "id": user_id(connection, login)} for login in logins]
    policy = {"protected_branches": False, "custom_branch_policies": True} if branches else None
    body = {
        "wait_timer": fields["wait_minutes"],
        "prevent_self_review": fields["prevents_self_review"],
        "reviewers": reviewers,
        "deployment_branch_policy": policy,
    }
    put(connection, "PUT", _path(name), body, 200)
    if branches:
        _set_branches(connection, name, branches)


def user_id(connection: Connection, login: str) -> int:
    """The number of an account. Raises OutsideError where there is none of that login."""
    found = look(connection, f"/users/{quote(login, safe='')}")
    if found is None or not isinstance(found.get("id"), int):
        raise OutsideError(f"GitHub: no account {login!r}. Mend configs/approvers.yaml.")
    return int(found["id"])


def _fields(shape: _Environment, branches: tuple[str, ...]) -> Fields:
    rules = {rule.type: rule for rule in shape.protection_rules}
    review, wait = rules.get("required_reviewers"), rules.get("wait_timer")
    names = [_name(each.reviewer) for each in review.reviewers] if review else []
    return {
        "reviewers": tuple(sorted(names)),
        "prevents_self_review": review.prevent_self_review if review else False,
        "wait_minutes": wait.wait_timer if wait else 0,
        "branches": branches,
    }


def _name(reviewer: _Reviewer) -> str:
    return reviewer.login.casefold() if reviewer.login else f"team {reviewer.slug}"


def _branches(connection: Connection, name: str, shape: _Environment) -> tuple[str, ...]:
    policy = shape.deployment_branch_policy
    if policy is None:
        return ()
    if policy.protected_branches:
        return (PROTECTED,)
    return tuple(sorted(_policies(connection, name))) or (NO_BRANCH,)


def _policies(connection: Connection, name: str) -> dict[str, int]:
    """Id by name of the branch policies; one for tags is told as such."""
    items = look_through(connection, f"{_path(name)}/deployment-branch-policies", "branch_policies")
    return {_policy_name(item): int(item["id"]) for item in items}


def _policy_name(item: dict[str, Any]) -> str:
    return f"tag {item['name']}" if item.get("type") == "tag" else str(item["name"])


def _set_branches(connection: Connection, name: str, wished: tuple[str, ...]) -> None:
    path = f"{_path(name)}/deployment-branch-policies"
    found = _policies(connection, name)
    for branch in wished:
        if branch not in found:
            put(connection, "POST", path, {"name": branch, "type": "branch"}, 200, 303)
    for branch, number in found.items():
        if branch not in wished:
            put(connection, "DELETE", f"{path}/{number}", None, 204)


def _path(name: str) -> str:
    return f"/environments/{quote(name, safe='')}"
