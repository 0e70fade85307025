"""Which settings a repository should have, from configs/repository.yaml and what its plan allows.

With a GitHub App main takes pull requests alone, and the App's own records. Without one the job's
token must be able to push those records, and GitHub lets no ruleset tell it from anybody else: so
main is then protected from deletion and rewriting, and from nothing more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline.errors import ConfigurationError
from pipeline.repository_config import (
    MAX_REVIEWERS,
    EnvironmentWish,
    PolicyWish,
    RepositoryConfig,
    RulesetWish,
)
from pipeline.repository_settings import BY_APP, Account, Fields, Key, Kind

APP_VARIABLE = "PERENNIAL_APP_ID"
NEVER = ("deletion", "non_fast_forward")  # in either mode nobody deletes or rewrites main
Roles = Mapping[str, tuple[str, ...]]


def wished_settings(
    config: RepositoryConfig, roles: Roles, account: Account, lacking: Collection[str] = ()
) -> dict[Key, Fields]:
    """Every setting that should be, in the order to set them in. `roles` are logins by role.

    What the plan lacks (a Kind, or "reviewers") is left out. Raises ConfigurationError for an
    environment with a role that nobody knows, or more reviewers than GitHub takes.
    """
    wished: dict[Key, Fields] = {
        Key(Kind.ACTIONS): {"enabled": True},
        Key(Kind.TOKEN): {
            "default_permissions": config.actions.default_permissions,
            "may_open_pull_requests": config.actions.may_open_pull_requests,
        },
    }
    if (
        not account.is_private
    ):  # in private ones no event is blocked, and most plans have no policies
        for name, policy in config.policies.items():
            wished[Key(Kind.POLICY, name)] = _policy(policy)
    app = {} if config.app_id is None else {APP_VARIABLE: str(config.app_id)}
    for name, value in {**config.variables, **app}.items():
        wished[Key(Kind.VARIABLE, name)] = {"value": value}
    for name, label in config.labels.items():
        wished[Key(Kind.LABEL, name)] = {"color": label.color, "description": label.description}
    people = _reviewers(config.environments, roles)
    for name, environment in config.environments.items():
        reviewers = () if "reviewers" in lacking else people[name]
        wished[Key(Kind.ENVIRONMENT, name)] = _environment(environment, reviewers)
    if config.pages == "always" or (config.pages == "when_public" and not account.is_private):
        wished[Key(Kind.PAGES)] = {"builds_from": "workflow"}
    wished[Key(Kind.RULESET, config.ruleset.name)] = _ruleset(config.ruleset, config.app_id)
    return {key: fields for key, fields in wished.items() if key.kind not in lacking}


def _reviewers(
    environments: Mapping[str, EnvironmentWish], roles: Roles
) -> dict[str, tuple[str, ...]]:
    found, faults = {}, []
    for name, environment in environments.items():
        where, wanted = f"environments.{name}.reviewers", environment.reviewers
        faults += [f"{where}: no role {role!r}" for role in sorted({*wanted} - {*roles})]
        logins = {login.casefold() for role in wanted for login in roles.get(role, ())}
        if len(logins) > MAX_REVIEWERS:
            faults.append(f"{where}: {len(logins)} people, GitHub takes {MAX_REVIEWERS}")
        found[name] = tuple(sorted(logins))
    if faults:
        raise ConfigurationError("configs/repository.yaml", faults)
    return found


def _environment(wish: EnvironmentWish, reviewers: tuple[str, ...]) -> Fields:
    return {
        "reviewers": reviewers,
        "prevents_self_review": bool(reviewers),  # nobody ever approves a request of their own
        "wait_minutes": 0,
        "branches": tuple(sorted(wish.branches)),
    }


def _policy(wish: PolicyWish) -> Fields:
    return {
        "enforcement": "active",
        "workflows": tuple(sorted(wish.workflows)),
        "excludes": (),
        "events": tuple(sorted(wish.events)),
        "other_rules": (),
    }


def _ruleset(wish: RulesetWish, app_id: int | None) -> Fields:
    """Each field of GitHub's that matters; None stands for a rule that is not there."""
    has_app = app_id is not None
    origin = "" if wish.checks_from is None else f"{BY_APP}{wish.checks_from}"
    checks = tuple(sorted(f"{name}{origin}" for name in wish.checks))
    return {
        "enforcement": "active",
        "includes": ("~DEFAULT_BRANCH",),
        "excludes": (),
        "forbids": NEVER,
        "approvals": wish.approvals if has_app else None,
        "code_owners": wish.code_owners if has_app else None,
        "dismiss_stale": wish.dismiss_stale if has_app else None,
        "last_push_approval": wish.last_push_approval if has_app else None,
        "merge_methods": tuple(sorted(wish.merge_methods)) if has_app else None,
        "checks": checks if has_app and checks else None,
        "other_rules": (),
        "bypass": (f"Integration {app_id} always",) if has_app else (),
    }
