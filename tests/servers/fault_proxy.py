"""A real HTTP proxy in front of a server that dies at a chosen request, before or after serving it.

Seen from the server this is a client that was killed at that request; seen from the client it is a
server that went down. From then on every connection is cut, until `revive`.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


class FaultProxy:
    """Records the changing requests (searches are POSTs too) and dies where `die_when` says."""

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.url = ""
        self.revive()

    def revive(self) -> None:
        """Serve everything again and count from 0."""
        self.requests: list[str] = []
        self.authorizations: set[str | None] = set()
        self.is_dead = False
        self.is_after = True
        self.die_when: Callable[[str], bool] = lambda _: False
        self.on_death: Callable[[], object] = lambda: None

    def arm(self, die_at: int, *, is_after: bool) -> None:
        """Die at the changing request number `die_at`, from 1; after serving it if `is_after`."""
        self.revive()
        self.is_after = is_after
        self.die_when = lambda _: len(self.requests) == die_at

    def forward(self, handler: BaseHTTPRequestHandler) -> tuple[int, Any, bytes] | None:
        """The server's answer, or None where the client gets none."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        is_the_one = False
        if handler.command in CHANGING and not self.is_dead:
            request = f"{handler.command} {handler.path.partition('?')[0]}"
            self.requests.append(request)
            self.authorizations.add(handler.headers.get("Authorization"))
            is_the_one = self.die_when(request)
        if is_the_one and not self.is_after:
            self._die()
        if self.is_dead:
            return None
        connection = http.client.HTTPConnection(self.target.hostname or "", self.target.port)
        try:
            headers = {k: v for k, v in handler.headers.items() if k.lower() != "host"}
            connection.request(handler.command, handler.path, body, headers)
            answer = connection.getresponse()
            result = answer.status, answer.headers, answer.read()
        finally:
            connection.close()
        if is_the_one:
            self._die()
        return None if self.is_dead else result

    def _die(self) -> None:
        self.is_dead = True
        self.on_death()


@contextmanager
def running(target: str) -> Iterator[FaultProxy]:
    """A proxy of the server at `target`, for as long as the block lasts."""
    proxy = FaultProxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            answer = proxy.forward(self)
            if answer is None:
                self.close_connection = True
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
