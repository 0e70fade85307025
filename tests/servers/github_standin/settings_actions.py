"""Settings of Actions: on or off, what its token may do, variables, and the names of secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.routes import Call, Route, listed


def get_permissions(call: Call) -> Answer:
    is_on = call.world.settings.actions_enabled
    return Answer(200, {"enabled": is_on, **({"allowed_actions": "all"} if is_on else {})})


def set_permissions(call: Call) -> Answer:
    call.world.settings.actions_enabled = call.body["enabled"]
    return Answer(204)


def get_token(call: Call) -> Answer:
    body = {
        "default_workflow_permissions": call.world.settings.default_permissions,
        "can_approve_pull_request_reviews": call.world.may_actions_open_pulls,
    }
    return Answer(200, body)


def set_token(call: Call) -> Answer:
    world, body = call.world, call.body
    settings = world.settings
    name = "default_workflow_permissions"
    settings.default_permissions = body.get(name, settings.default_permissions)
    opens = body.get("can_approve_pull_request_reviews", world.may_actions_open_pulls)
    world.may_actions_open_pulls = opens
    return Answer(204)


def list_variables(call: Call) -> Answer:
    """Ten a page by default, thirty at most."""
    found = sorted(call.world.settings.variables.items())
    size = min(int(call.query.get("per_page", 10)), 30)
    start = (int(call.query.get("page", 1)) - 1) * size
    shown = [sample("actions-variable", name=n, value=v) for n, v in found[start : start + size]]
    return Answer(200, {"total_count": len(found), "variables": shown})


def make_variable(call: Call) -> Answer:
    name, variables = str(call.body["name"]).upper(), call.world.settings.variables
    if name in variables:
        raise Refusal(409, "Already exists - Variable already exists")
    variables[name] = call.body["value"]
    return Answer(201, {})


def change_variable(call: Call) -> Answer:
    name = call.part("name").upper()
    if name not in call.world.settings.variables:
        raise not_found()
    call.world.settings.variables[name] = call.body["value"]
    return Answer(204)


def list_secrets(call: Call) -> Answer:
    return _names(call, call.world.settings.secrets)


def list_shared_secrets(call: Call) -> Answer:
    return _names(call, call.world.settings.shared_secrets)


def list_environment_secrets(call: Call) -> Answer:
    environment = call.world.settings.environments.get(call.part("environment_name"))
    if environment is None:
        raise not_found()
    return _names(call, environment.secrets)


def list_workflows(call: Call) -> Answer:
    """Those on the default branch."""
    git, folder = call.world.git, ".github/workflows/"
    names = git.run("ls-tree", "--name-only", call.world.default_branch, folder).splitlines()
    states = call.world.settings.workflow_states
    found = [
        sample("workflow", path=name, state=states.get(name.removeprefix(folder), "active"))
        for name in names
    ]
    return listed(call, found, wrap="workflows")


def _names(call: Call, names: Iterable[str]) -> Answer:
    found: list[Any] = [sample("actions-secret", name=name) for name in sorted(names)]
    return listed(call, found, wrap="secrets")


_READ = ("administration:write", "admin")  # an administrator alone sees these at all
_ENVIRONMENT_SECRETS = "/environments/{environment_name}/secrets"
ROUTES = (
    Route("GET", "/actions/permissions", get_permissions, *_READ),
    Route("PUT", "/actions/permissions", set_permissions, *_READ),
    Route("GET", "/actions/permissions/workflow", get_token, *_READ),
    Route("PUT", "/actions/permissions/workflow", set_token, *_READ),
    Route("GET", "/actions/variables", list_variables, "variables:write", "write"),
    Route("POST", "/actions/variables", make_variable, "variables:write", "write"),
    Route("PATCH", "/actions/variables/{name}", change_variable, "variables:write", "write"),
    Route("GET", "/actions/secrets", list_secrets, "secrets:write", "write"),
    Route("GET", "/actions/organization-secrets", list_shared_secrets, "secrets:write", "write"),
    Route("GET", _ENVIRONMENT_SECRETS, list_environment_secrets, "secrets:write", "write"),
    Route("GET", "/actions/workflows", list_workflows, "actions:read"),
)
