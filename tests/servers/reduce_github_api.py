"""Reduce GitHub's API description to the endpoints that the stand-in serves.

    npm pack @octokit/openapi && tar xzf octokit-openapi-*.tgz
    python tests/servers/reduce_github_api.py package

It writes github_api.json beside this file, with the package's licence in it. Texts and examples are
left out; what is checked (paths, parameters, schemas, required fields) is kept as it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ENDPOINTS = {
    "/repos/{owner}/{repo}/dispatches": ("post",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}/approvals": ("get",),
}
_TEXTS = {"description", "summary", "example", "examples", "externalDocs", "tags"}
_NAMES = {"properties", "schemas", "responses", "parameters", "headers"}  # their keys are names


def main(package: Path) -> None:
    """Write the reduced description of the unpacked npm package in the folder `package`."""
    whole = json.loads((package / "generated" / "api.github.com.json").read_text(encoding="utf-8"))
    reduced = reduce_api(whole, ENDPOINTS)
    reduced["info"]["x-licence"] = (package / "LICENSE").read_text(encoding="utf-8")
    target = Path(__file__).with_name("github_api.json")
    target.write_text(json.dumps(reduced, indent=1, sort_keys=True) + "\n", encoding="utf-8")


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
        if are_names or not (key in _TEXTS or key.startswith("x-"))
    }
    # A response must have a description, if only an empty one.
    is_response = not are_names and "content" in value and "description" in value
    return {**kept, "description": ""} if is_response or set(value) == {"description"} else kept


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if not isinstance(value, dict):
        return []
    here = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return here + [found for item in value.values() for found in _references(item)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
