"""A chat's incoming webhook on 127.0.0.1: it keeps what it was told, and may be down or slow."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

SECRET = "T0SECRET/B0SECRET"  # noqa: S105 (the path of a webhook is what is secret about it)


@dataclass
class Chat:
    """`status` is what it answers; `messages` is all that it was told, whatever it answered.

    It answers 503 for the first `busy_times`.
    """

    url: str = ""
    status: int = 200
    delay_seconds: float = 0.0
    busy_times: int = 0
    messages: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def running() -> Iterator[Chat]:
    """A chat for as long as the block lasts."""
    chat = Chat()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            chat.messages.append(
                json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            )
            time.sleep(chat.delay_seconds)
            is_busy = len(chat.messages) <= chat.busy_times
            self.send_response(503 if is_busy else chat.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_port}/services/{SECRET}"
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
