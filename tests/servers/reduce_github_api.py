"""Reduce GitHub's API description to the endpoints that the stand-in serves.

    npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
    python tests/servers/reduce_github_api.py package

It writes github_api.json beside this file, with the package's licence in it. Texts and examples are
left out; what is checked (paths, parameters, schemas, required fields) is kept as it is, but for
two things that GitHub answers though its description has forgotten them (`_mend_heads`, `_mended`),
and for what it has on its pages alone (github_policies.py).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

if __package__:
    from tests.servers import github_policies
else:  # run as a file
    import github_policies

_REPOSITORY = "/repos/{owner}/{repo}"
_BRANCH_POLICIES = _REPOSITORY + "/environments/{environment_name}/deployment-branch-policies"
ENDPOINTS = {
    "/orgs/{org}": ("get",),
    "/user": ("get",),
    "/users/{username}": ("get",),
    _REPOSITORY: ("get",),
    _REPOSITORY + "/actions/organization-secrets": ("get",),
    _REPOSITORY + "/actions/permissions": ("get", "put"),
    _REPOSITORY + "/actions/permissions/workflow": ("get", "put"),
    _REPOSITORY + "/actions/policies": ("get", "post"),
    _REPOSITORY + "/actions/policies/{policy_id}": ("get", "put"),
    _REPOSITORY + "/actions/runs/{run_id}": ("get",),
    _REPOSITORY + "/actions/runs/{run_id}/approvals": ("get",),
    _REPOSITORY + "/actions/secrets": ("get",),
    _REPOSITORY + "/actions/variables": ("get", "post"),
    _REPOSITORY + "/actions/variables/{name}": ("patch",),
    _REPOSITORY + "/actions/workflows": ("get",),
    _REPOSITORY + "/actions/workflows/{workflow_id}/dispatches": ("post",),
    _REPOSITORY + "/activity": ("get",),
    _REPOSITORY + "/branches/{branch}/protection": ("get",),
    _REPOSITORY + "/check-runs": ("post",),
    _REPOSITORY + "/collaborators/{username}/permission": ("get",),
    _REPOSITORY + "/commits/{ref}/check-runs": ("get",),
    _REPOSITORY + "/commits/{ref}/status": ("get",),
    _REPOSITORY + "/commits/{ref}/statuses": ("get",),
    _REPOSITORY + "/contents/{path}": ("get",),
    _REPOSITORY + "/dispatches": ("post",),
    _REPOSITORY + "/environments/{environment_name}": ("get", "put"),
    _BRANCH_POLICIES: ("get", "post"),
    _BRANCH_POLICIES + "/{branch_policy_id}": ("delete",),
    _REPOSITORY + "/environments/{environment_name}/secrets": ("get",),
    _REPOSITORY + "/git/ref/{ref}": ("get",),
    _REPOSITORY + "/git/refs/{ref}": ("delete",),
    _REPOSITORY + "/issues": ("get", "post"),
    _REPOSITORY + "/issues/comments/{comment_id}": ("get", "patch"),
    _REPOSITORY + "/issues/{issue_number}": ("get", "patch"),
    _REPOSITORY + "/issues/{issue_number}/assignees": ("post",),
    _REPOSITORY + "/issues/{issue_number}/comments": ("get", "post"),
    _REPOSITORY + "/issues/{issue_number}/labels": ("get", "post"),
    _REPOSITORY + "/issues/{issue_number}/labels/{name}": ("delete",),
    _REPOSITORY + "/labels": ("get", "post"),
    _REPOSITORY + "/labels/{name}": ("get", "patch"),
    _REPOSITORY + "/pages": ("get", "post", "put"),
    _REPOSITORY + "/pulls": ("get", "post"),
    _REPOSITORY + "/pulls/{pull_number}": ("get", "patch"),
    _REPOSITORY + "/pulls/{pull_number}/commits": ("get",),
    _REPOSITORY + "/pulls/{pull_number}/files": ("get",),
    _REPOSITORY + "/pulls/{pull_number}/merge": ("get", "put"),
    _REPOSITORY + "/pulls/{pull_number}/requested_reviewers": ("get", "post"),
    _REPOSITORY + "/pulls/{pull_number}/reviews": ("get", "post"),
    _REPOSITORY + "/pulls/{pull_number}/reviews/{review_id}/dismissals": ("put",),
    _REPOSITORY + "/rules/branches/{branch}": ("get",),
    _REPOSITORY + "/rulesets": ("get", "post"),
    _REPOSITORY + "/rulesets/{ruleset_id}": ("get", "put"),
    _REPOSITORY + "/statuses/{sha}": ("post",),
}
_TEXTS = {"description", "summary", "example", "examples", "externalDocs", "tags"}
_HINTS = {"discriminator"}  # oneOf says as much, and openapi-core cannot follow it into a list
_NAMES = {"properties", "schemas", "responses", "parameters", "headers"}  # their keys are names


def main(package: Path) -> None:
    """Write the reduced description of the unpacked npm package in the folder `package`."""
    whole = json.loads((package / "generated" / "api.github.com.json").read_text(encoding="utf-8"))
    whole["paths"] = {**github_policies.PATHS, **whole["paths"]}
    schemas = whole["components"]["schemas"]
    whole["components"]["schemas"] = {**github_policies.SCHEMAS, **schemas}
    reduced = reduce_api(whole, ENDPOINTS)
    _mend_heads(reduced["components"]["schemas"])
    reduced["info"]["x-licence"] = (package / "LICENSE").read_text(encoding="utf-8")
    target = Path(__file__).with_name("github_api.json")
    target.write_text(_as_lines(reduced), encoding="utf-8")


def _mend_heads(schemas: dict[str, Any]) -> None:
    """The repository of a pull request's head is null once the fork is gone."""
    for name in ("pull-request", "pull-request-simple"):
        head = schemas[name]["properties"]["head"]["properties"]
        head["repo"] = {"$ref": "#/components/schemas/nullable-repository"}


def _as_lines(reduced: dict[str, Any]) -> str:
    """JSON with one line for each path and component: short, and readable as a difference."""

    def part(value: Any, depth: int) -> str:
        if depth == 0 or not isinstance(value, dict):
            return json.dumps(value, sort_keys=True, separators=(",", ":"))
        items = (f"{json.dumps(key)}: {part(value[key], depth - 1)}" for key in sorted(value))
        return "{\n" + ",\n".join(items) + "\n}"

    return part(reduced, 3) + "\n"


def reduce_api(whole: dict[str, Any], endpoints: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """The description with only `endpoints` (path to methods) and all that they refer to."""
    paths = {
        path: {method: _without_texts(whole["paths"][path][method]) for method in methods}
        for path, methods in endpoints.items()
    }
    components: dict[str, dict[str, Any]] = {}
    waiting = list(_references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in components.setdefault(kind, {}):
            part = _without_texts(whole["components"][kind][name])
            components[kind][name] = part
            waiting += _references(part)
    info = {
        "title": "GitHub's REST API, reduced to what the tests use",
        "version": whole["info"]["version"],
        "license": {"name": whole["info"]["license"]["name"]},
    }
    servers = [{"url": "https://api.github.com"}]
    return {
        "openapi": whole["openapi"],
        "info": info,
        "servers": servers,
        "paths": paths,
        "components": components,
    }


def _without_texts(value: Any, *, are_names: bool = False) -> Any:
    if isinstance(value, list):
        return [_without_texts(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {
        key: _without_texts(item, are_names=key in _NAMES and not are_names)
        for key, item in value.items()
        if are_names or not (key in _TEXTS | _HINTS or key.startswith("x-"))
    }
    kept = kept if are_names else _mended(kept)
    # A response must have a description, if only an empty one.
    is_response = not are_names and "content" in value and "description" in value
    return {**kept, "description": ""} if is_response or set(value) == {"description"} else kept


def _mended(schema: dict[str, Any]) -> dict[str, Any]:
    """Where null is allowed, it is one of the values."""
    if schema.get("nullable") is True and "enum" in schema and None not in schema["enum"]:
        return {**schema, "enum": [*schema["enum"], None]}
    return schema


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if not isinstance(value, dict):
        return []
    here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return here + [found for item in value.values() for found in _references(item)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
