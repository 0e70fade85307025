"""Backends that start at once and can be killed: real processes that answer with their name.

    python tests/servers/plain_backend.py PORT NAME

Only the standard library, so that a test waits for no model to load.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 0.01  # so that there are requests under way when it is killed


@dataclass(frozen=True)
class PlainBackend:
    """A running backend."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """SIGKILL: requests under way are lost here."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(folder: Path, name: str, *, port: int | None = None) -> Iterator[PlainBackend]:
    """A backend for as long as the block lasts; its log is in `folder`."""
    from tests.servers.binaries import wait_until_ready  # noqa: PLC0415 (not where it is a script)
    from tests.servers.ports import free_port, stop  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    port, log = port or free_port(), folder / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-S", "-E", __file__, str(port), name], stdout=output, stderr=output
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/", process, log)
        yield PlainBackend(name, port, process)
    finally:
        if process.poll() is None:
            stop(process)


def main(port: int, name: str) -> None:
    """Serve until killed."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            time.sleep(ANSWER_SECONDS)
            head = f"HTTP/1.1 200 OK\r\nx-model-version: {name}\r\nContent-Length: 2\r\n\r\n{{}}"
            self.wfile.write(head.encode())

        do_GET = do_POST = do_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
