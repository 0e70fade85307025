"""Environments: reviewers, a wait, and the branches that may use them."""

from __future__ import annotations

from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.objects import user
from tests.servers.github_standin.routes import Call, Route
from tests.servers.github_standin.settings_state import Environment

_MOST_REVIEWERS = 6


def get_environment(call: Call) -> Answer:
    return Answer(200, _object(call, *_find(call)))


def put_environment(call: Call) -> Answer:
    """All of it is set; what is not named goes back to nothing."""
    name, body, settings = call.part("environment_name"), call.body, call.world.settings
    policy = body.get("deployment_branch_policy")
    logins = [_login(call, each) for each in body.get("reviewers") or ()]
    _must_have(call, "reviewers", bool(logins))
    _must_have(call, "branches", policy is not None)
    if len(logins) > _MOST_REVIEWERS:
        raise Refusal(422, "Failed to create the environment protection rule. Too many reviewers.")
    known = settings.environments.get(name) or Environment(next(call.world.ids))
    known.reviewers = logins
    known.prevents_self_review = bool(logins) and body.get("prevent_self_review", False)
    known.wait_minutes = body.get("wait_timer", 0)
    known.branches = None if policy is None else known.branches or {}
    settings.environments[name] = known
    return Answer(200, _object(call, name, known))


def list_branches(call: Call) -> Answer:
    _, environment = _find(call)
    found = [_policy(name, number) for name, number in (environment.branches or {}).items()]
    return Answer(200, {"total_count": len(found), "branch_policies": found})


def add_branch(call: Call) -> Answer:
    _, environment = _find(call)
    name = call.body["name"]
    if environment.branches is None:
        raise not_found()
    environment.branches.setdefault(name, next(call.world.ids))
    return Answer(200, _policy(name, environment.branches[name]))


def remove_branch(call: Call) -> Answer:
    _, environment = _find(call)
    number = int(call.part("branch_policy_id"))
    names = [name for name, known in (environment.branches or {}).items() if known == number]
    if environment.branches is None or not names:
        raise not_found()
    del environment.branches[names[0]]
    return Answer(204)


def _find(call: Call) -> tuple[str, Environment]:
    name = call.part("environment_name")
    if name not in call.world.settings.environments:
        raise not_found()
    return name, call.world.settings.environments[name]


def _must_have(call: Call, feature: str, is_asked: bool) -> None:
    words = call.world.settings.lacks(feature, is_private=call.world.is_private)
    if is_asked and words:
        raise Refusal(422, words)


def _login(call: Call, reviewer: dict[str, Any]) -> str:
    """Reviewers must be able to see the repository."""
    for account in call.world.people.accounts.values():
        if account.id == reviewer["id"] and account.is_at_least("read") and not account.is_bot:
            return account.login
    raise Refusal(422, "Failed to create the environment protection rule. Invalid reviewer.")


def _object(call: Call, name: str, environment: Environment) -> dict[str, Any]:
    rules: list[dict[str, Any]] = []
    if environment.wait_minutes:
        rules.append({"type": "wait_timer", "wait_timer": environment.wait_minutes})
    if environment.reviewers:
        people = [{"type": "User", "reviewer": user(call.world, w)} for w in environment.reviewers]
        review = {"prevent_self_review": environment.prevents_self_review, "reviewers": people}
        rules.append({"type": "required_reviewers", **review})
    if environment.branches is not None:
        rules.append({"type": "branch_policy"})
    policy = {"protected_branches": False, "custom_branch_policies": True}
    return sample(
        "environment",
        id=environment.id,
        name=name,
        protection_rules=[{"id": n, "node_id": f"GA_{n}", **rule} for n, rule in enumerate(rules)],
        deployment_branch_policy=None if environment.branches is None else policy,
    )


def _policy(name: str, number: int) -> dict[str, Any]:
    return {"id": number, "node_id": f"GB_{number}", "name": name, "type": "branch"}


_ONE = "/environments/{environment_name}"
_BRANCHES = f"{_ONE}/deployment-branch-policies"
_SET = ("administration:write", "admin")
ROUTES = (
    Route("GET", _ONE, get_environment, "actions:read"),
    Route("PUT", _ONE, put_environment, *_SET),
    Route("GET", _BRANCHES, list_branches, "actions:read"),
    Route("POST", _BRANCHES, add_branch, *_SET),
    Route("DELETE", f"{_BRANCHES}/{{branch_policy_id}}", remove_branch, *_SET),
)
