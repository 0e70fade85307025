"""A tiny exporter of metrics on 127.0.0.1, whose values a test sets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Exporter:
    """`metrics` maps a series, such as `accuracy{model="m"}`, to its value."""

    def __init__(self) -> None:
        self.address = ""
        self.metrics: dict[str, float] = {}


@contextmanager
def running() -> Iterator[Exporter]:
    """An exporter for as long as the block lasts."""
    exporter = Exporter()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines = "".join(f"{name} {value}\n" for name, value in exporter.metrics.items())
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(lines.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    exporter.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield exporter
    finally:
        server.shutdown()
        server.server_close()
