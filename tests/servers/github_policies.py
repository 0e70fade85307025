"""Actions policies, which the npm package with GitHub's API description does not have yet.

Written down from GitHub's page "REST API endpoints for GitHub Actions policies", in the terms of
that description; reduce_github_api.py lays it over what the package says.
"""

from __future__ import annotations

from typing import Any

_POLICIES = "/repos/{owner}/{repo}/actions/policies"
_ID = {"in": "path", "name": "policy_id", "required": True, "schema": {"type": "integer"}}
_PARENTS = {
    "in": "query",
    "name": "has_parents",
    "required": False,
    "schema": {"default": True, "type": "boolean"},
}
_PLACE = [{"$ref": f"#/components/parameters/{name}"} for name in ("owner", "repo")]
_PAGES = [{"$ref": f"#/components/parameters/{name}"} for name in ("per-page", "page")]
_POLICY = {"$ref": "#/components/schemas/actions-policy"}
_WORDS = {"items": {"type": "string"}, "type": "array"}
_ENFORCEMENT = {"enum": ["disabled", "active", "evaluate"], "type": "string"}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}, "description": ""}


def _operation(
    name: str, parameters: list[Any], success: tuple[str, Any], body: Any = None
) -> dict[str, Any]:
    failures = {"404": "not_found", "500": "internal_error"}
    failures |= {} if body is None else {"422": "validation_failed"}
    references = {
        code: {"$ref": f"#/components/responses/{kind}"} for code, kind in failures.items()
    }
    asked = {} if body is None else {"requestBody": {**_json(body), "required": True}}
    return {
        "operationId": f"actions/{name}",
        "parameters": [*_PLACE, *parameters],
        **asked,
        "responses": {success[0]: _json(success[1]), **references},
    }


_ASKED = {
    "name": {"type": "string"},
    "enforcement": _ENFORCEMENT,
    "conditions": {"$ref": "#/components/schemas/actions-policy-conditions"},
    "rules": {"items": {"$ref": "#/components/schemas/actions-policy-rule"}, "type": "array"},
}
_NEW = {"properties": _ASKED, "required": ["name", "enforcement"], "type": "object"}
_CHANGED = {"properties": _ASKED, "type": "object"}
_LISTED = {
    "properties": {
        "total_count": {"type": "integer"},
        "policies": {"items": _POLICY, "type": "array"},
    },
    "required": ["total_count", "policies"],
    "type": "object",
}

PATHS: dict[str, Any] = {
    _POLICIES: {
        "get": _operation("list-repo-policies", [*_PAGES, _PARENTS], ("200", _LISTED)),
        "post": _operation("create-repo-policy", [], ("201", _POLICY), _NEW),
    },
    f"{_POLICIES}/{{policy_id}}": {
        "get": _operation("get-repo-policy", [_ID], ("200", _POLICY)),
        "put": _operation("update-repo-policy", [_ID], ("200", _POLICY), _CHANGED),
    },
}
SCHEMAS: dict[str, Any] = {
    "actions-policy": {
        "properties": {
            "id": {"type": "integer"},
            "target": {"enum": ["actions"], "type": "string"},
            "source_type": {"enum": ["Repository", "Organization", "Enterprise"], "type": "string"},
            "source": {"type": "string"},
            **_ASKED,
        },
        "required": ["id", "name", "target", "source_type", "source", "enforcement"],
        "type": "object",
    },
    "actions-policy-conditions": {
        "additionalProperties": False,
        "properties": {
            "workflow_path": {
                "properties": {"include": _WORDS, "exclude": _WORDS},
                "required": ["include", "exclude"],
                "type": "object",
            }
        },
        "type": "object",
    },
    "actions-policy-rule": {
        "oneOf": [
            {"$ref": "#/components/schemas/actions-policy-actors"},
            {"$ref": "#/components/schemas/actions-policy-events"},
        ]
    },
    "actions-policy-actors": {
        "properties": {
            "type": {"enum": ["restrict_actions_actors"], "type": "string"},
            "parameters": {
                "properties": {"allowed_actors": {"items": {"type": "object"}, "type": "array"}},
                "required": ["allowed_actors"],
                "type": "object",
            },
        },
        "required": ["type"],
        "type": "object",
    },
    "actions-policy-events": {
        "properties": {
            "type": {"enum": ["restrict_action_events"], "type": "string"},
            "parameters": {
                "properties": {"allowed_events": _WORDS},
                "required": ["allowed_events"],
                "type": "object",
            },
        },
        "required": ["type"],
        "type": "object",
    },
}
