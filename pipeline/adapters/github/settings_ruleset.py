"""A branch ruleset, which PyGithub has no word for, as flat fields and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from pipeline.adapters.github.connection import Connection
from pipeline.adapters.github.settings_looks import NotSeen, look, put
from pipeline.adapters.github.shapes import parse, parse_all
from pipeline.repository_settings import BY_APP, Fields, Value, words_of

_PULL = {  # field -> GitHub's parameter of the rule pull_request
    "approvals": "required_approving_review_count",
    "code_owners": "require_code_owner_review",
    "dismiss_stale": "dismiss_stale_reviews_on_push",
    "last_push_approval": "require_last_push_approval",
}
_BARE = ("deletion", "non_fast_forward")
_OURS = {*_BARE, "pull_request", "required_status_checks"}
_STRICTER = (  # parameters that we never wish for, and that setting a ruleset turns off
    ("pull_request", "required_review_thread_resolution"),
    ("pull_request", "required_reviewers"),
    ("required_status_checks", "strict_required_status_checks_policy"),
)
_PUSHES = ("always", "exempt")  # the other mode of a bypass is for pull requests alone


@dataclass(frozen=True)
class HeldRule:
    """A rule that holds for a branch, by GitHub's word, and the ruleset that it is of."""

    kind: str
    source: str
    ruleset: int | None

    def __str__(self) -> str:
        return f"{self.kind} ({self.source})"


class _Held(BaseModel):
    type: str
    ruleset_source: str = "?"
    ruleset_id: int | None = None


class _Listed(BaseModel):
    id: int
    name: str
    target: str | None = None


class _RefName(BaseModel):
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class _Conditions(BaseModel):
    ref_name: _RefName = _RefName()


class _Rule(BaseModel):
    type: str
    parameters: dict[str, Any] | None = None


class _Actor(BaseModel):
    actor_id: int | None = None
    actor_type: str
    bypass_mode: str = "always"


class _Ruleset(BaseModel):
    enforcement: str
    bypass_actors: tuple[_Actor, ...] | None = None
    conditions: _Conditions | None = None
    rules: tuple[_Rule, ...] = ()


def read_rulesets(connection: Connection, names: Collection[str]) -> dict[str, Fields]:
    """The rulesets of these names. Raises NotSeen where GitHub hides who may bypass them."""
    found = {}
    for name, number in ruleset_numbers(connection).items():
        if name in names:
            shape = parse(_Ruleset, look(connection, f"/rulesets/{number}"), "a ruleset")
            found[name] = _fields(shape)
    return found


def set_ruleset(connection: Connection, name: str, fields: Fields) -> None:
    """Make the ruleset, or set all of it but what we have no word for, which stays as it is."""
    body = _body(name, fields)
    number = ruleset_numbers(connection).get(name)
    if number is None:
        connection.create("/rulesets", body, lambda: ruleset_numbers(connection).get(name))
        return
    found = parse(_Ruleset, look(connection, f"/rulesets/{number}"), "a ruleset")
    put(connection, "PUT", f"/rulesets/{number}", _with_kept(body, found), 200)


def ruleset_numbers(connection: Connection) -> dict[str, int]:
    """Id by name of the repository's own rulesets of branches; those of its organisation aside."""
    listed = look(connection, "/rulesets?includes_parents=false&per_page=100") or []
    shapes = parse_all(_Listed, listed, "a ruleset")
    return {shape.name: shape.id for shape in shapes if shape.target in (None, "branch")}


def rules_on(connection: Connection, branch: str) -> list[HeldRule]:
    """The rules that hold for a branch, also those that the caller may bypass."""
    found = look(connection, f"/rules/branches/{quote(branch, safe='')}?per_page=100") or []
    shapes = parse_all(_Held, found, "a rule")
    return [HeldRule(shape.type, shape.ruleset_source, shape.ruleset_id) for shape in shapes]


def apps_past(connection: Connection, number: int) -> frozenset[int] | None:
    """The Apps that a ruleset lets push past it; None where GitHub hides who that is."""
    found = look(connection, f"/rulesets/{number}")
    actors = None if found is None else parse(_Ruleset, found, "a ruleset").bypass_actors
    if actors is None:
        return None
    passing = (a for a in actors if a.actor_type == "Integration" and a.bypass_mode in _PUSHES)
    return frozenset(actor.actor_id for actor in passing if actor.actor_id is not None)


def _fields(shape: _Ruleset) -> Fields:
    if shape.bypass_actors is None:
        raise NotSeen("GitHub shows who may bypass a ruleset to administrators alone")
    rules = {rule.type: rule.parameters or {} for rule in shape.rules}
    names = (shape.conditions or _Conditions()).ref_name
    pull, checks = rules.get("pull_request"), rules.get("required_status_checks")
    methods = None if pull is None else pull.get("allowed_merge_methods", ())
    of_pull: dict[str, Value] = {
        field: None if pull is None else pull.get(theirs) for field, theirs in _PULL.items()
    }
    return {
        "enforcement": shape.enforcement,
        "includes": names.include,
        "excludes": names.exclude,
        "forbids": tuple(name for name in _BARE if name in rules),
        **of_pull,
        "merge_methods": None if methods is None else tuple(sorted(methods)),
        "checks": None if checks is None else _checks(checks),
        "other_rules": _others(rules),
        "bypass": tuple(sorted(_actor(actor) for actor in shape.bypass_actors)),
    }


def _others(rules: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """What holds beside our own rules: other kinds, and parameters that ask for more."""
    stricter = [f"{kind}: {name}" for kind, name in _STRICTER if rules.get(kind, {}).get(name)]
    return tuple(sorted([*(set(rules) - _OURS), *stricter]))


def _checks(parameters: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        sorted(
            check["context"]
            + (f"{BY_APP}{check['integration_id']}" if check.get("integration_id") else "")
            for check in parameters.get("required_status_checks", ())
        )
    )


def _actor(actor: _Actor) -> str:
    number = "" if actor.actor_id is None else f" {actor.actor_id}"
    return f"{actor.actor_type}{number} {actor.bypass_mode}"


def _body(name: str, fields: Fields) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [{"type": kind} for kind in words_of(fields, "forbids")]
    if fields["approvals"] is not None:
        pull: dict[str, Any] = {theirs: fields[field] for field, theirs in _PULL.items()}
        methods = words_of(fields, "merge_methods")
        pull |= {"allowed_merge_methods": methods, "required_review_thread_resolution": False}
        rules.append({"type": "pull_request", "parameters": pull})
    if fields["checks"]:
        checks = [_check(text) for text in words_of(fields, "checks")]
        asked = {"required_status_checks": checks, "strict_required_status_checks_policy": False}
        rules.append({"type": "required_status_checks", "parameters": asked})
    names = {"include": words_of(fields, "includes"), "exclude": words_of(fields, "excludes")}
    return {
        "name": name,
        "target": "branch",
        "enforcement": fields["enforcement"],
        "conditions": {"ref_name": names},
        "rules": rules,
        "bypass_actors": [_actor_body(text) for text in words_of(fields, "bypass")],
    }


def _with_kept(body: dict[str, Any], found: _Ruleset) -> dict[str, Any]:
    """`body` with what only somebody else sets: left out, it would be turned off unsaid.

    Such as the parameter dismissal_restriction.
    """
    kept = {rule.type: _foreign(rule) for rule in found.rules}
    rules = [
        {**rule, "parameters": {**kept.get(rule["type"], {}), **rule["parameters"]}}
        if "parameters" in rule
        else rule
        for rule in body["rules"]
    ]
    return {**body, "rules": rules}


def _foreign(rule: _Rule) -> dict[str, Any]:
    """What is turned on and neither ours nor named as stricter; GitHub shows what is off, too."""
    return {
        name: value
        for name, value in (rule.parameters or {}).items()
        if (rule.type, name) not in _STRICTER and _is_on(value)
    }


def _is_on(value: object) -> bool:
    return bool(value.get("enabled", value) if isinstance(value, dict) else value)


def _check(text: str) -> dict[str, Any]:
    context, _, app = text.partition(BY_APP)
    return {"context": context, **({"integration_id": int(app)} if app else {})}


def _actor_body(text: str) -> dict[str, Any]:
    kind, *number, mode = text.split(" ")
    return {
        "actor_id": int(number[0]) if number else None,
        "actor_type": kind,
        "bypass_mode": mode,
    }
