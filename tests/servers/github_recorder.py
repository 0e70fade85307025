"""A recording stand-in for GitHub on 127.0.0.1. It is not GitHub, and says so in every answer.

What makes it worth trusting: each request and each answer is checked against GitHub's own API
description (github_api.json), and what does not fit is kept in `violations`. It can fail as GitHub
does. Further endpoints are added with `route`, once reduce_github_api.py has been told of them.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO

from tests.servers.github_api import answer_fault, request_fault, sample

TOKEN = "ghp_standin0123456789"  # noqa: S105 (good for nothing but this stand-in)
SERVER_NAME = "stand-in-for-GitHub"


@dataclass(frozen=True)
class Request:
    """What came in. `parts` are the parameters of the path, `body` is the JSON value."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    parts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What goes out, after `delay_seconds`. With `is_cut` the connection is dropped instead.

    `is_served` says whether the request takes effect before a cut, or before an error.
    """

    status: int = 204
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0
    is_cut: bool = False
    is_served: bool = False


def secondary_limit(seconds: int | None = 1) -> Answer:
    """403 as GitHub's secondary rate limit gives it; without `seconds` it has no Retry-After."""
    words = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
    return Answer(403, words, {} if seconds is None else {"Retry-After": str(seconds)})


BROKEN = Answer(500, {"message": "Server Error"})
INVALID = Answer(422, {"message": "Validation Failed", "documentation_url": "", "errors": []})
DROPPED = Answer(is_cut=True)
TAKEN_AND_DROPPED = Answer(is_cut=True, is_served=True)
TAKEN_AND_BROKEN = Answer(502, {"message": "Server Error"}, is_served=True)
Handler = Callable[[Request], Answer]


class GitHubRecorder:
    """`requests` is all that came in; `dispatches` what was taken, in order."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.dispatches: list[dict[str, Any]] = []
        self.violations: list[str] = []
        self.next_answers: deque[Answer] = deque()  # one a request, in place of the true one
        self._not_before: dict[str, float] = {}  # for each token
        self._runs: dict[str, tuple[Any, Any]] = {}
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self.route("POST", "/repos/{owner}/{repo}/dispatches", self._dispatch)
        self.route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}", self._run)
        self.route("GET", "/repos/{owner}/{repo}/actions/runs/{run_id}/approvals", self._approvals)

    def route(self, method: str, template: str, handler: Handler) -> None:
        """Serve an endpoint of the API description: `template` is its path there.

        A ref or path at its end may have slashes of its own.
        """
        pattern = re.sub(r"{(ref|path)}$", r"(?P<\1>.*)", template)
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", pattern)
        self._routes.append((method, re.compile(pattern), handler))

    def add_run(self, run_id: int, actor: str, asked: str, reviews: list[tuple[str, str]]) -> None:
        """A workflow run of `actor`, asked for by `asked`; `reviews` are (login, state)."""

        def user(login: str) -> Any:
            return sample("simple-user", login=login)

        run = sample("workflow-run", id=run_id, actor=user(actor), triggering_actor=user(asked))
        approvals = [
            sample("environment-approvals", user=user(login), state=state)
            for login, state in reviews
        ]
        self.put_run(run_id, run, approvals)

    def put_run(self, run_id: int, run: Any, approvals: Any) -> None:
        """A run and its approvals, as the API answers them from now on."""
        self._runs[str(run_id)] = run, approvals

    def answer(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Answer:
        """Record a request, check it, serve it, check the answer."""
        fault = request_fault(method, path, headers, raw)
        if fault:
            self.violations.append(fault)
        request = Request(method, path, headers, json.loads(raw) if raw and not fault else None)
        self.requests.append(request)
        token = headers.get("Authorization", "")
        if time.monotonic() < self._not_before.get(token, 0):
            self.violations.append(f"{method} {path}: came before its Retry-After was over")
        forced = self._forced(request)
        if forced is not None:
            pause = float(forced.headers.get("Retry-After", 0))
            self._not_before[token] = time.monotonic() + pause
        if forced is not None and not (forced.is_served or forced.delay_seconds):
            return forced
        answer = INVALID if fault else self._serve(request)
        wrong = answer_fault(method, path, answer.status, _encoded(answer.body))
        if wrong:
            self.violations.append(wrong)
        return answer if forced is None else _delayed(forced, answer)

    def _forced(self, _: Request) -> Answer | None:
        return self.next_answers.popleft() if self.next_answers else None

    def _serve(self, request: Request) -> Answer:
        if request.headers.get("Authorization") not in (f"token {TOKEN}", f"Bearer {TOKEN}"):
            return Answer(401, {"message": "Bad credentials"})
        return self._routed(request)

    def _routed(self, request: Request) -> Answer:
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(request.path.partition("?")[0])
            if found and method == request.method:
                parts = found.groupdict()
                return handler(Request(method, request.path, request.headers, request.body, parts))
        return Answer(404, {"message": "Not Found"})

    def _dispatch(self, request: Request) -> Answer:
        self.dispatches.append(request.body)
        return Answer(204)

    def _run(self, request: Request) -> Answer:
        return self._of_run(request, 0)

    def _approvals(self, request: Request) -> Answer:
        return self._of_run(request, 1)

    def _of_run(self, request: Request, part: int) -> Answer:
        found = self._runs.get(request.parts["run_id"])
        return Answer(200, found[part]) if found else Answer(404, {"message": "Not Found"})


@contextmanager
def running(recorder: GitHubRecorder | None = None, port: int = 0) -> Iterator[GitHubRecorder]:
    """A recorder that serves for as long as the block lasts; `port` 0 is a free one."""
    recorder = recorder or GitHubRecorder()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler_of(recorder))
    server.daemon_threads = True
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()


def _handler_of(recorder: GitHubRecorder) -> type[BaseHTTPRequestHandler]:
    class HttpHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = SERVER_NAME
        timeout = 30
        disable_nagle_algorithm = True  # head and body go out at once: 40 ms a request less

        def handle_any(self) -> None:
            raw = _read(self.rfile, *map(self.headers.get, ("Content-Length", "Transfer-Encoding")))
            answer = recorder.answer(self.command, self.path, dict(self.headers.items()), raw)
            time.sleep(answer.delay_seconds)
            if answer.is_cut:
                self.close_connection = True
                return
            body = _encoded(answer.body)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                if "Content-Type" not in answer.headers:
                    self.send_header("Content-Type", "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return HttpHandler


def _encoded(body: Any) -> bytes:
    """Bytes go out as they are, all else as JSON."""
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).encode()


def _read(stream: BinaryIO, length: str | None, encoding: str | None) -> bytes:
    """The body of a request; one without a length may come in chunks, as git sends large ones."""
    if encoding != "chunked":
        return stream.read(int(length or 0))
    parts = []
    while size := int(stream.readline().split(b";")[0], 16):
        parts.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(parts)


def _delayed(forced: Answer, served: Answer) -> Answer:
    if forced.is_cut or forced.is_served:
        return forced
    return Answer(served.status, served.body, served.headers, forced.delay_seconds)
