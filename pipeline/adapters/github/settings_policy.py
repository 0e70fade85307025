"""An Actions policy that says which events may start some workflows, as flat fields and back.

In a public repository GitHub lets nobody start `pull_request_target` unless such a policy does.
"""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel

from pipeline.adapters.github.connection import Connection
from pipeline.adapters.github.settings_looks import NotSeen, look, put
from pipeline.adapters.github.shapes import parse
from pipeline.repository_settings import Fields, words_of

_EVENTS = "restrict_action_events"
_PATH = "/actions/policies"
_NONE = (
    "GitHub shows this token no Actions policies; where a GitHub Enterprise Server has none, write "
    "`policies: {}` into configs/repository.yaml"
)


class _Listed(BaseModel):
    id: int
    name: str


class _List(BaseModel):
    policies: tuple[_Listed, ...]


class _Paths(BaseModel):
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class _Conditions(BaseModel):
    workflow_path: _Paths = _Paths()


class _Parameters(BaseModel):
    allowed_events: tuple[str, ...] = ()


class _Rule(BaseModel):
    type: str
    parameters: _Parameters = _Parameters()


class _Policy(BaseModel):
    enforcement: str
    conditions: _Conditions = _Conditions()
    rules: tuple[_Rule, ...] = ()


def read_policies(connection: Connection, names: Collection[str]) -> dict[str, Fields]:
    """The policies of these names. Raises NotSeen where GitHub shows the token none at all."""
    found = {}
    for name, number in _numbers(connection).items():
        if name in names:
            found[name] = _fields(parse(_Policy, look(connection, f"{_PATH}/{number}"), "a policy"))
    return found


def set_policy(connection: Connection, name: str, fields: Fields) -> None:
    """Make the policy, or set all of it."""
    paths = {"include": words_of(fields, "workflows"), "exclude": words_of(fields, "excludes")}
    events = {"allowed_events": words_of(fields, "events")}
    body = {
        "name": name,
        "enforcement": fields["enforcement"],
        "conditions": {"workflow_path": paths},
        "rules": [{"type": _EVENTS, "parameters": events}],
    }
    number = _numbers(connection).get(name)
    if number is None:
        connection.create(_PATH, body, lambda: _numbers(connection).get(name))
        return
    put(connection, "PUT", f"{_PATH}/{number}", body, 200)


def _numbers(connection: Connection) -> dict[str, int]:
    """Id by name of the repository's own policies; those of its organisation aside."""
    found = look(connection, f"{_PATH}?has_parents=false&per_page=100")
    if found is None:
        raise NotSeen(_NONE)
    return {one.name: one.id for one in parse(_List, found, "the policies").policies}


def _fields(shape: _Policy) -> Fields:
    events = [event for rule in shape.rules for event in rule.parameters.allowed_events]
    return {
        "enforcement": shape.enforcement,
        "workflows": tuple(sorted(shape.conditions.workflow_path.include)),
        "excludes": tuple(sorted(shape.conditions.workflow_path.exclude)),
        "events": tuple(sorted(events)),
        "other_rules": tuple(sorted({rule.type for rule in shape.rules} - {_EVENTS})),
    }
