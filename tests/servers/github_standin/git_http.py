"""Git over HTTP: git's own server program behind the stand-in's tokens."""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess

from tests.servers.github_recorder import Answer, Request
from tests.servers.github_standin.git_backend import WITHOUT_WORKFLOWS, BareRepository
from tests.servers.github_standin.people import Viewer
from tests.servers.github_standin.world import World

_ADDRESS = re.compile(
    r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/"
    r"(?P<verb>info/refs|git-upload-pack|git-receive-pack)"
)


def is_git(path: str) -> bool:
    """Whether a request is one of git's own."""
    return _ADDRESS.fullmatch(path.partition("?")[0]) is not None


def is_push(path: str) -> bool:
    """Whether a request moves refs."""
    return path.partition("?")[0].endswith("/git-receive-pack")


def token_of(authorization: str) -> str:
    """The header for the API with the password of basic authorization, whoever is its user."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return authorization
    try:
        return "Bearer " + base64.b64decode(value).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def serve(world: World, viewer: Viewer | None, request: Request) -> Answer:
    """Let the caller in, or not; then git answers. The request's body is bytes."""
    plain, _, query = request.path.partition("?")
    found = _ADDRESS.fullmatch(plain)
    assert found is not None
    repository = _repository(world, found["owner"], found["name"])
    is_write = "git-receive-pack" in (found["verb"], query.removeprefix("service="))
    refusal = _refusal(world, viewer, found["owner"], is_write=is_write)
    if refusal is not None:
        return refusal
    if repository is None:
        return _text(404, "Repository not found.")
    about = {
        "GIT_PROJECT_ROOT": str(repository.path),
        "PATH_INFO": f"/{found['verb']}",
        "QUERY_STRING": query,
        "REMOTE_USER": viewer.login if viewer else "",
        WITHOUT_WORKFLOWS: "" if viewer and viewer.may("workflows", "write") else "1",
    }
    return _backend(request, about)


def _backend(request: Request, about: dict[str, str]) -> Answer:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "REMOTE_ADDR": "127.0.0.1",
        **about,
    }
    command = ["git", "http-backend"]
    done = subprocess.run(
        command, input=request.body, env=environment, capture_output=True, check=True
    )
    return _answer(done.stdout)


def _repository(world: World, owner: str, name: str) -> BareRepository | None:
    if name.lower() != world.name.lower():
        return None
    return world.git if owner.lower() == world.owner.lower() else world.forks.get(owner)


def _refusal(world: World, viewer: Viewer | None, owner: str, *, is_write: bool) -> Answer | None:
    """None lets in. Nobody is asked who they are; a token that may not is told so, as on GitHub."""
    if viewer is None:
        if not world.is_private and not is_write:
            return None
        wanted = {"WWW-Authenticate": 'Basic realm="GitHub"'}
        return _text(401, "Authentication failed.", wanted)
    role, level = ("write", "write") if is_write else ("read", "read")
    is_own_fork = owner == viewer.login
    is_let_in = is_own_fork or not world.is_private or viewer.account.is_at_least("read")
    if not is_let_in:
        return _text(404, "Repository not found.")
    may = is_own_fork or (viewer.account.is_at_least(role) and viewer.may("contents", level))
    if (is_write or world.is_private) and not may:
        what = f"{world.full_name}.git denied to {viewer.login}"
        return _text(403, f"Permission to {what}." if is_write else f"Access to {what}.")
    return None


def _text(status: int, words: str, headers: dict[str, str] | None = None) -> Answer:
    kind = {"Content-Type": "text/plain; charset=utf-8"}
    return Answer(status, f"{words}\n".encode(), {**kind, **(headers or {})})


def _answer(output: bytes) -> Answer:
    """What a CGI program printed, as an answer."""
    head, _, body = output.partition(b"\r\n\r\n")
    pairs = [line.split(": ", 1) for line in head.decode().splitlines()]
    headers = {name: value for name, value in pairs if name != "Status"}
    status = next((value.split()[0] for name, value in pairs if name == "Status"), "200")
    return Answer(int(status), body, headers)
