"""Rulesets through the API; those that are active hold: merges and pushes meet them."""

from __future__ import annotations

from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, invalid, not_found
from tests.servers.github_standin.people import ACTIONS_BOT, APP_BOT
from tests.servers.github_standin.routes import Call, Route, listed
from tests.servers.github_standin.rules import Rules, rules_of
from tests.servers.github_standin.settings_protection import protect
from tests.servers.github_standin.settings_state import ACTIONS_APP, APP
from tests.servers.github_standin.world import World

_BARE = ("deletion", "non_fast_forward")


def list_rulesets(call: Call) -> Answer:
    """Without rules, conditions and bypass lists: each has its own address for those."""
    _must_have(call)
    names = ("id", "name", "target", "source", "source_type", "enforcement")
    with_parents = call.query.get("includes_parents", "true") == "true"
    rulesets = [
        found
        for found in call.world.settings.rulesets.values()
        if with_parents or found["source_type"] == "Repository"
    ]
    return listed(call, [{name: found[name] for name in names} for found in rulesets])


def list_rules(call: Call) -> Answer:
    """The rules that hold for a branch, whoever may bypass them, each with its ruleset."""
    world = call.world
    if not world.settings.rulesets:
        return listed(call, rules_of(world, call.part("branch")).listed(world.full_name))
    return listed(
        call,
        [
            {
                **rule,
                "ruleset_source_type": found["source_type"],
                "ruleset_source": found["source"],
                "ruleset_id": found["id"],
            }
            for found in _active(world)
            for rule in found["rules"]
            if call.part("branch") == world.default_branch
        ],
    )


def get_ruleset(call: Call) -> Answer:
    _must_have(call)
    return Answer(200, _seen(call, _find(call)))


def make_ruleset(call: Call) -> Answer:
    _must_have(call)
    number = next(call.world.ids)
    _keep(call, number, {})
    return Answer(201, _seen(call, call.world.settings.rulesets[number]))


def put_ruleset(call: Call) -> Answer:
    """What is not named stays as it is."""
    _must_have(call)
    known = _find(call)
    _keep(call, known["id"], known)
    return Answer(200, _seen(call, call.world.settings.rulesets[known["id"]]))


def hold(world: World) -> None:
    """Make the rules hold that are active for the default branch."""
    on_default = _active(world)
    rules = {rule["type"]: rule.get("parameters", {}) for r in on_default for rule in r["rules"]}
    actors = [actor for r in on_default for actor in r["bypass_actors"]]
    pull, checks = rules.get("pull_request"), rules.get("required_status_checks", {})
    contexts = checks.get("required_status_checks", ())
    is_pinned = any(check.get("integration_id") == ACTIONS_APP for check in contexts)
    world.rules = Rules(
        approvals=(pull or {}).get("required_approving_review_count", 0),
        dismisses_stale=(pull or {}).get("dismiss_stale_reviews_on_push", False),
        needs_code_owner=(pull or {}).get("require_code_owner_review", False),
        checks=tuple(check["context"] for check in contexts),
        is_strict=checks.get("strict_required_status_checks_policy", False),
        methods=tuple((pull or {}).get("allowed_merge_methods", ("merge", "squash"))),
        checks_by=ACTIONS_BOT if is_pinned else None,
        ruleset_id=on_default[0]["id"] if on_default else 1,
        others=tuple(kind for kind in _BARE if kind in rules),
    )
    protect(
        world.git.path,
        world.default_branch,
        takes_pulls_only=pull is not None or bool(contexts),
        forbids=tuple(kind for kind in _BARE if kind in rules),
        passing=_logins(actors),
    )


def _must_have(call: Call) -> None:
    words = call.world.settings.lacks("rulesets", is_private=call.world.is_private)
    if words:
        raise Refusal(403, words)


def _find(call: Call) -> dict[str, Any]:
    found = call.world.settings.rulesets.get(int(call.part("ruleset_id")))
    if found is None:
        raise not_found()
    return found


def _keep(call: Call, number: int, known: dict[str, Any]) -> None:
    world, given = call.world, call.body
    others = [r for r in world.settings.rulesets.values() if r["id"] != number]
    if any(other["name"] == given.get("name") for other in others):
        raise invalid("Ruleset", "name", "custom", "Name must be unique")
    for actor in given.get("bypass_actors", ()):
        if actor["actor_type"] == "Integration" and actor["actor_id"] != APP:
            name = "GitHub Actions" if actor["actor_id"] == ACTIONS_APP else "This"
            words = "integration must be part of the ruleset source or owner organization"
            raise invalid("Ruleset", "bypass_actors", "custom", f"Actor {name} {words}")
    fresh = {"target": "branch", "conditions": None, "rules": [], "bypass_actors": []}
    of = {"id": number, "source": world.full_name, "source_type": "Repository"}
    world.settings.rulesets[number] = {**fresh, **known, **given, **of}
    hold(world)


def _seen(call: Call, ruleset: dict[str, Any]) -> dict[str, Any]:
    """Who may bypass is shown to administrators alone; of an organisation's, to its owners."""
    shown = sample("repository-ruleset", **ruleset)
    is_ours = ruleset["source_type"] == "Repository"
    if not is_ours or not call.viewer.account.is_at_least("admin"):
        del shown["bypass_actors"]
    return shown


def _active(world: World) -> list[dict[str, Any]]:
    """The rulesets that hold for the default branch."""
    active = [r for r in world.settings.rulesets.values() if r["enforcement"] == "active"]
    return [found for found in active if _is_on(world, found)]


def _is_on(world: World, ruleset: dict[str, Any]) -> bool:
    names = ((ruleset["conditions"] or {}).get("ref_name") or {}).get("include", [])
    return bool({"~DEFAULT_BRANCH", "~ALL", f"refs/heads/{world.default_branch}"} & set(names))


def _logins(actors: list[dict[str, Any]]) -> tuple[str, ...]:
    """The accounts that may bypass: of actors the stand-in knows its own App alone."""
    is_app = any(a["actor_type"] == "Integration" and a["actor_id"] == APP for a in actors)
    return (APP_BOT,) if is_app else ()


_SET = ("administration:write", "admin")
ROUTES = (
    Route("GET", "/rulesets", list_rulesets),
    Route("POST", "/rulesets", make_ruleset, *_SET),
    Route("GET", "/rulesets/{ruleset_id}", get_ruleset),
    Route("GET", "/rules/branches/{branch}", list_rules),
    Route("PUT", "/rulesets/{ruleset_id}", put_ruleset, *_SET),
)
