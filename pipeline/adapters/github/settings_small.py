"""The small settings: Actions and its token, variables, labels, and Pages."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from pipeline.adapters.github.connection import Connection
from pipeline.adapters.github.settings_looks import look, look_through, put
from pipeline.repository_settings import Fields

ONLY = "repository"  # the name of what is there once
_TOKEN = {  # field -> GitHub's
    "default_permissions": "default_workflow_permissions",
    "may_open_pull_requests": "can_approve_pull_request_reviews",
}


def read_actions(connection: Connection, _: Collection[str]) -> dict[str, Fields]:
    """Whether Actions is on."""
    found = look(connection, "/actions/permissions") or {}
    return {ONLY: {"enabled": bool(found.get("enabled"))}}


def set_actions(connection: Connection, _: str, fields: Fields) -> None:
    """Turn Actions on; which actions may run is then set by hand, if not all."""
    body = {"enabled": fields["enabled"], "allowed_actions": "all"}
    put(connection, "PUT", "/actions/permissions", body, 204)


def read_token(connection: Connection, _: Collection[str]) -> dict[str, Fields]:
    """What a job's token may do where the job does not say."""
    found = look(connection, "/actions/permissions/workflow") or {}
    return {ONLY: {field: found.get(theirs) for field, theirs in _TOKEN.items()}}


def set_token(connection: Connection, _: str, fields: Fields) -> None:
    """Set both at once."""
    body = {theirs: fields[field] for field, theirs in _TOKEN.items()}
    put(connection, "PUT", "/actions/permissions/workflow", body, 204)


def read_variables(connection: Connection, _: Collection[str]) -> dict[str, Fields]:
    """All variables of the repository: they are no secrets."""
    items = look_through(connection, "/actions/variables", "variables")
    return {str(item["name"]).upper(): {"value": str(item["value"])} for item in items}


def set_variable(connection: Connection, name: str, fields: Fields) -> None:
    """Make it, or change it."""
    body = {"name": name, "value": fields["value"]}
    if name in read_variables(connection, ()):
        put(connection, "PATCH", f"/actions/variables/{name}", body, 204)
    else:
        put(connection, "POST", "/actions/variables", body, 201, 409)


def read_labels(connection: Connection, names: Collection[str]) -> dict[str, Fields]:
    """The labels of these names; to GitHub capitals are no difference."""
    found: dict[str, Fields] = {}
    for name in names:
        label = look(connection, _label(name))
        if label is not None:
            text = label.get("description") or ""
            found[name] = {"color": label["color"], "description": text}
    return found


def set_label(connection: Connection, name: str, fields: Fields) -> None:
    """Make it, or change it."""
    body = {"color": fields["color"], "description": fields["description"]}
    if look(connection, _label(name)) is None:
        asked = {"name": name, **body}
        connection.create("/labels", asked, lambda: look(connection, _label(name)))
    else:
        put(connection, "PATCH", _label(name), body, 200)


def read_pages(connection: Connection, _: Collection[str]) -> dict[str, Fields]:
    """Where the page comes from, if there is one."""
    found = look(connection, "/pages")
    return {} if found is None else {ONLY: {"builds_from": found.get("build_type")}}


def set_pages(connection: Connection, _: str, fields: Fields) -> None:
    """Make it, or change where it comes from."""
    body = {"build_type": fields["builds_from"]}
    if look(connection, "/pages") is None:
        put(connection, "POST", "/pages", body, 201, 409)
    else:
        put(connection, "PUT", "/pages", body, 204)


def _label(name: str) -> str:
    return f"/labels/{quote(name, safe='')}"
