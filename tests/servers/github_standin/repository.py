"""The repository itself: its rules, refs and files, and the people around it."""

from __future__ import annotations

import base64
from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_recorder import Answer
from tests.servers.github_standin.answers import Refusal, forbidden, not_found
from tests.servers.github_standin.objects import repository, user
from tests.servers.github_standin.people import ROLES
from tests.servers.github_standin.routes import Call, Route
from tests.servers.github_standin.sync import sync


def get_user(call: Call) -> Answer:
    """Bots have no `/user`: a token of Actions or of an App gets 403, as on GitHub."""
    if call.viewer.account.is_bot:
        raise forbidden()
    return Answer(200, {**_public(call, call.viewer.login), **call.world.settings.told_plan()})


def find_user(call: Call) -> Answer:
    if call.world.people.find(call.part("username")) is None:
        raise not_found()
    return Answer(200, _public(call, call.part("username")))


def get_repository(call: Call) -> Answer:
    role = call.viewer.account.role
    least = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain"}
    rights = {name: ROLES.index(role) >= ROLES.index(at) for name, at in least.items()}
    methods = call.world.rules.methods
    return Answer(
        200,
        {
            **repository(call.world, "full-repository"),
            "permissions": {**rights, "admin": role == "admin"},
            "allow_merge_commit": "merge" in methods,
            "allow_squash_merge": "squash" in methods,
            "allow_rebase_merge": False,
            "delete_branch_on_merge": call.world.deletes_branch_on_merge,
            "visibility": "private" if call.world.is_private else "public",
        },
    )


def permission(call: Call) -> Answer:
    """`permission` knows four words only; the role itself is in `role_name`."""
    account = call.world.people.find(call.part("username"))
    if account is None:
        raise not_found()
    short = {"triage": "read", "maintain": "write"}.get(account.role, account.role)
    person = user(call.world, account.login, "nullable-collaborator")
    body = {"permission": short, "role_name": account.role, "user": person}
    return Answer(200, sample("repository-collaborator-permission", **body))


def get_ref(call: Call) -> Answer:
    ref = f"refs/{call.part('ref')}"
    commit = call.world.git.refs().get(ref)
    if commit is None:
        raise not_found()
    api = call.world.api
    target = {"type": "commit", "sha": commit, "url": f"{api}/git/commits/{commit}"}
    return Answer(200, sample("git-ref", ref=ref, url=f"{api}/git/{ref}", object=target))


def delete_ref(call: Call) -> Answer:
    """A pull request whose head goes is closed, by whoever deleted it."""
    ref = f"refs/{call.part('ref')}"
    if ref not in call.world.git.refs() or ref.startswith("refs/pull/"):
        raise Refusal(422, "Reference does not exist")
    if ref == f"refs/heads/{call.world.default_branch}":
        raise Refusal(422, "Cannot delete the default branch")
    call.world.git.delete_ref(ref)
    sync(call.world, call.viewer.login)
    return Answer(204)


def get_contents(call: Call) -> Answer:
    """A file with its content in base64, or a folder as a list, at `ref` or the default branch."""
    git, path = call.world.git, call.part("path").strip("/")
    commit = git.commit_of(call.query.get("ref", call.world.default_branch))
    if commit is None:
        raise Refusal(404, f"No commit found for the ref {call.query.get('ref')}")
    found = _entries(call, commit, path)
    if not found:
        raise not_found()
    kind, blob, _, _ = found[0]
    if not path or kind == "tree":
        below = _entries(call, commit, f"{path}/") if path else found
        return Answer(200, [_entry(call, entry, "content-directory") for entry in below])
    content = base64.encodebytes(git.blob(blob)).decode("ascii")
    file = _entry(call, found[0], "content-file")
    return Answer(200, {**file, "content": content, "encoding": "base64"})


def _entries(call: Call, commit: str, path: str) -> list[tuple[str, str, int, str]]:
    """Kind, object, size and path of what `git ls-tree` finds at a path."""
    at = ["--", path] if path else []
    out = call.world.git.run("--literal-pathspecs", "ls-tree", "-z", "-l", commit, *at)
    found = []
    for line in filter(None, out.split("\0")):
        about, _, name = line.partition("\t")
        _, kind, blob, size = about.split()
        found.append((kind, blob, int(size) if size.isdecimal() else 0, name))
    return found


def _entry(call: Call, entry: tuple[str, str, int, str], schema: str) -> dict[str, Any]:
    kind, blob, size, path = entry
    url = f"{call.world.api}/contents/{path}"
    return sample(
        schema,
        type="dir" if kind == "tree" else "file",
        path=path,
        name=path.rpartition("/")[2],
        sha=blob,
        size=size,
        url=url,
    )


def _public(call: Call, login: str) -> dict[str, Any]:
    return {**user(call.world, login, "public-user"), "user_view_type": "public"}


ROUTES = (
    Route("GET", "/user", get_user),
    Route("GET", "/users/{username}", find_user),
    Route("GET", "", get_repository),
    Route("GET", "/collaborators/{username}/permission", permission),
    Route("GET", "/git/ref/{ref}", get_ref, "contents:read"),
    Route("DELETE", "/git/refs/{ref}", delete_ref, "contents:write", "write"),
    Route("GET", "/contents/{path}", get_contents, "contents:read"),
)
