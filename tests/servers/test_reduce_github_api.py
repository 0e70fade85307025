"""The reduced description checks as much as the whole one does, for the endpoints that it keeps."""

import copy

from tests.servers.reduce_github_api import reduce_api

THING = {
    "type": "object",
    "description": "a text",
    "required": ["description", "owner"],
    "properties": {
        "description": {"type": "string", "description": "a text", "examples": ["x"]},
        "owner": {"$ref": "#/components/schemas/owner"},
    },
}
SCHEMA = {"$ref": "#/components/schemas/thing"}
WHOLE = {
    "openapi": "3.0.3",
    "info": {"version": "7", "license": {"name": "MIT"}},
    "paths": {
        "/things": {
            "get": {
                "summary": "a text",
                "x-github": {"category": "x"},
                "responses": {
                    "200": {
                        "description": "a text",
                        "content": {"application/json": {"schema": SCHEMA, "examples": {"a": 1}}},
                    },
                    "204": {"description": "a text"},
                },
            },
            "delete": {"responses": {"204": {"description": "a text"}}},
        },
        "/others": {"get": {"responses": {"204": {"description": "a text"}}}},
    },
    "components": {
        "schemas": {
            "thing": THING,
            "owner": {"type": "object", "properties": {"next": SCHEMA}},
            "unused": {"type": "string"},
        }
    },
}


def test_only_the_endpoints_and_what_they_refer_to_are_kept():
    reduced = reduce_api(WHOLE, {"/things": ("get",)})
    assert list(reduced["paths"]) == ["/things"]
    assert list(reduced["paths"]["/things"]) == ["get"]
    assert set(reduced["components"]["schemas"]) == {"thing", "owner"}


def test_texts_go_and_fields_that_are_named_like_texts_stay():
    reduced = reduce_api(WHOLE, {"/things": ("get",)})
    thing = reduced["components"]["schemas"]["thing"]
    assert thing["properties"]["description"] == {"type": "string"}
    assert thing["required"] == ["description", "owner"]
    assert "a text" not in str(reduced)


def test_a_response_keeps_the_description_that_openapi_wants():
    responses = reduce_api(WHOLE, {"/things": ("get",)})["paths"]["/things"]["get"]["responses"]
    assert responses["204"] == {"description": ""}
    assert responses["200"]["description"] == ""
    assert responses["200"]["content"]["application/json"] == {"schema": SCHEMA}


def test_null_is_one_of_the_values_where_it_is_allowed():
    whole = copy.deepcopy(WHOLE)
    enums = {"a": {"enum": ["x"], "nullable": True}, "b": {"enum": ["x"]}}
    whole["components"]["schemas"]["thing"]["properties"] |= enums
    thing = reduce_api(whole, {"/things": ("get",)})["components"]["schemas"]["thing"]
    assert thing["properties"]["a"]["enum"] == ["x", None]
    assert thing["properties"]["b"]["enum"] == ["x"]
