"""GitHub's own API description: checks of requests and answers, and the smallest objects in it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

HOST = "https://api.github.com"
_JSON = "application/json"
_KEPT = 1_000  # a check takes 2 ms, and a job asks the same again and again
# A ref and a path have slashes of their own, which openapi-core takes for the end of a parameter.
_TAIL = re.compile(r"(?:(?<=/git/ref/)|(?<=/git/refs/)|(?<=/contents/)).+")
_FORMATS = {"date-time": "2013-07-02T00:00:00Z", "uri": HOST, "email": "octocat@example.org"}
_PLAIN = {"string": "text", "integer": 1, "number": 1, "boolean": False, "array": []}


@cache
def _description() -> dict[str, Any]:
    path = Path(__file__).with_name("github_api.json")
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def _checker() -> OpenAPI:
    # The description itself is checked by a test, once: it takes more than a second.
    return OpenAPI.from_dict(_description(), config=Config(spec_validator_cls=None))


def description_fault() -> str | None:
    """What is wrong with the description itself, None if it is valid OpenAPI."""
    try:
        OpenAPI.from_dict(_description()).check_spec()
    except (OpenAPIError, ValueError) as error:
        return str(error)
    return None


def request_fault(method: str, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
    """What is wrong with a request, None if it is as described."""
    return _request_fault(method, path, headers.get("Content-Type", _JSON), body)


@lru_cache(_KEPT)
def _request_fault(method: str, path: str, content_type: str, body: bytes) -> str | None:
    try:
        _checker().validate_request(_request(method, path, content_type, body))
    except OpenAPIError as error:
        return f"{method} {path}: {_words(error)}"
    return None


@lru_cache(_KEPT)
def answer_fault(method: str, path: str, status: int, body: bytes) -> str | None:
    """What is wrong with an answer, None if it is as described or its status is not described."""
    response = MockResponse(body, status_code=status)
    try:
        _checker().validate_response(_request(method, path, _JSON, b""), response)
    except OpenAPIError as error:
        is_described = "Unknown response http status" not in str(error)
        return f"answer {status} to {method} {path}: {_words(error)}" if is_described else None
    return None


def sample(schema: str, **changes: Any) -> dict[str, Any]:
    """The smallest object of the description's `schema`, with `changes`.

    Of a schema that is a list, its smallest item.
    """
    return {**copy.deepcopy(_smallest_of(schema)), **changes}


@cache
def _smallest_of(name: str) -> Any:
    schema = _description()["components"]["schemas"][name]
    item = schema["items"] if schema.get("type") == "array" else schema
    return _smallest({**item, "nullable": False})


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


def _request(method: str, path: str, content_type: str, body: bytes) -> MockRequest:
    plain, _, query = path.partition("?")
    return MockRequest(
        HOST,
        method.lower(),
        _TAIL.sub(lambda found: found[0].replace("/", "%2F"), plain),
        args=dict(parse_qsl(query, keep_blank_values=True)),
        data=body or None,
        content_type=content_type,
    )


def _words(error: OpenAPIError) -> str:
    cause = error.__cause__
    wrong = getattr(cause, "schema_errors", ())
    places = "; ".join(f"{each.json_path}: {each.message[-200:]}" for each in wrong)
    details = places or str(cause or "")
    return f"{str(error)[:200]} ({details})"[:900] if details else str(error)[:500]
