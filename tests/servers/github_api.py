"""GitHub's own API description: checks of requests and answers, and the smallest objects in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

HOST = "https://api.github.com"
_FORMATS = {"date-time": "2013-07-02T00:00:00Z", "uri": HOST, "email": "octocat@example.org"}
_PLAIN = {"string": "text", "integer": 1, "number": 1, "boolean": False, "array": []}


@cache
def _description() -> dict[str, Any]:
    path = Path(__file__).with_name("github_api.json")
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def _checker() -> OpenAPI:
    return OpenAPI.from_dict(_description())


def request_fault(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
    """What is wrong with a request, None if it is as described."""
    try:
        _checker().validate_request(_request(method, path, headers, body))
    except OpenAPIError as error:
        return f"{method} {path}: {_words(error)}"
    return None


def answer_fault(method: str, path: str, status: int, body: bytes) -> str | None:
    """What is wrong with an answer, None if it is as described or its status is not described."""
    response = MockResponse(body, status_code=status)
    try:
        _checker().validate_response(_request(method, path, {}, b""), response)
    except OpenAPIError as error:
        is_described = "Unknown response http status" not in str(error)
        return f"answer {status} to {method} {path}: {_words(error)}" if is_described else None
    return None


def sample(schema: str, **changes: Any) -> dict[str, Any]:
    """The smallest object of the description's `schema`, with `changes`."""
    return {**_smallest(_description()["components"]["schemas"][schema]), **changes}


def _smallest(schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        schema = _description()["components"]["schemas"][schema["$ref"].split("/")[-1]]
    if schema.get("nullable") or "enum" in schema:
        return None if schema.get("nullable") else schema["enum"][0]
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema:
            return _smallest(schema[kind][0])
    if schema.get("type") == "object" or "properties" in schema:
        required = schema.get("required", ())
        return {name: _smallest(schema["properties"][name]) for name in required}
    return _FORMATS.get(schema.get("format", ""), _PLAIN[schema["type"]])


def _request(method: str, path: str, headers: Mapping[str, str], body: bytes) -> MockRequest:
    content_type = headers.get("Content-Type", "application/json")
    return MockRequest(HOST, method.lower(), path, data=body or None, content_type=content_type)


def _words(error: OpenAPIError) -> str:
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    return f"{error}{cause}"[:500]
