"""Actions policies: which events may start which workflows. Those of the repository itself alone.

An administrator alone sees them. The list names them; each has its own address for what it says.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, invalid, not_found
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.world import World

_BLOCKED = "pull_request_target"  # in public repositories, since December 2, 2026
_EVENTS = "restrict_action_events"


def lets_start(world: World, path: str, event: str) -> bool:
    """Whether the workflow at `path` may be started by `event`, by all policies that are about it.

    Where none restricts its events, GitHub's default policy holds in a public repository.
    """
    allowed = [
        rule["parameters"]["allowed_events"]
        for policy in world.settings.policies.values()
        if policy["enforcement"] == "active" and _is_about(policy, path)
        for rule in policy["rules"]
        if rule["type"] == _EVENTS
    ]
    if not allowed:
        return world.is_private or event != _BLOCKED
    return all(event in events for events in allowed)


def list_policies(call: Call) -> Answer:
    _must_see(call)
    names = ("id", "name", "target", "source", "source_type", "enforcement")
    policies = call.world.settings.policies.values()
    return listed(call, [{name: each[name] for name in names} for each in policies], "policies")


def get_policy(call: Call) -> Answer:
    _must_see(call)
    return Answer(200, sample("actions-policy", **_find(call)))


def make_policy(call: Call) -> Answer:
    _must_see(call)
    number = next(call.world.ids)
    _keep(call, number, {})
    return Answer(201, sample("actions-policy", **call.world.settings.policies[number]))


def put_policy(call: Call) -> Answer:
    """What is not named stays as it is."""
    _must_see(call)
    known = _find(call)
    _keep(call, known["id"], known)
    return Answer(200, sample("actions-policy", **call.world.settings.policies[known["id"]]))


def _must_see(call: Call) -> None:
    if not call.viewer.account.is_at_least("admin"):
        raise not_found()
    if call.world.is_private and call.world.settings.plan == "free":
        raise Refusal(403, "Upgrade to GitHub Pro or make this repository public.")


def _find(call: Call) -> dict[str, Any]:
    found = call.world.settings.policies.get(int(call.part("policy_id")))
    if found is None:
        raise not_found()
    return found


def _keep(call: Call, number: int, known: dict[str, Any]) -> None:
    world, given = call.world, call.body
    others = [p for p in world.settings.policies.values() if p["id"] != number]
    if any(other["name"] == given.get("name") for other in others):
        raise invalid("Policy", "name", "custom", "Name must be unique")
    paths = given.get("conditions", {}).get("workflow_path")
    if paths is not None and not (paths["include"] or paths["exclude"]):
        raise invalid("Policy", "conditions", "custom", "At least one pattern is required")
    of = {"id": number, "target": "actions", "source": world.full_name, "source_type": "Repository"}
    world.settings.policies[number] = {"conditions": {}, "rules": [], **known, **given, **of}


def _is_about(policy: dict[str, Any], path: str) -> bool:
    paths = policy["conditions"].get("workflow_path")
    if paths is None:
        return True
    is_named = not paths["include"] or paths["include"] == ["~ALL"]
    is_included = is_named or any(fnmatchcase(path, pattern) for pattern in paths["include"])
    return is_included and not any(fnmatchcase(path, pattern) for pattern in paths["exclude"])


_SET = ("administration:write",)
ROUTES = (
    Route("GET", "/actions/policies", list_policies, *_SET),
    Route("POST", "/actions/policies", make_policy, *_SET),
    Route("GET", "/actions/policies/{policy_id}", get_policy, *_SET),
    Route("PUT", "/actions/policies/{policy_id}", put_policy, *_SET),
)
