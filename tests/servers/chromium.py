"""Real headless Chromium: a page's DOM after it has run, and every address that it asked for.

The browser has one way out, a proxy of the test's own. It serves the pages, at an address that
exists nowhere, and notes all that a page asks for.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.servers.binaries import binary

HOST = "http://pages.test"
SECONDS = 120
# What the browser asks for by itself, whatever the page: each by its full name.
OWN = (
    "clients2.google.com",
    "update.googleapis.com:443",
    "accounts.google.com:443",
    "www.google.com:443",
)
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--virtual-time-budget=10000",
)


@dataclass
class Browser:
    """Opens `pages`, path -> HTML. `asked` is every address and every tunnel that they want."""

    pages: Mapping[str, str]
    profile: Path
    port: int
    asked: list[str] = field(default_factory=list)

    def dom(self, path: str, *options: str) -> str:
        """The DOM of a page when it is done."""
        return self._run(path, "--dump-dom", *options).decode()

    def screenshot(self, path: str, to: Path, width: int, height: int, *options: str) -> None:
        """What a window of that size shows, as PNG."""
        self._run(path, f"--screenshot={to}", f"--window-size={width},{height}", *options)

    def _run(self, path: str, *options: str) -> bytes:
        proxy = f"--proxy-server=http://127.0.0.1:{self.port}"
        place = f"--user-data-dir={self.profile}"
        command = [binary("chromium", "google-chrome"), *_QUIET, proxy, place, *options]
        address = f"{HOST}/{path}"
        return subprocess.run(
            [*command, address], capture_output=True, check=True, timeout=SECONDS
        ).stdout


@contextmanager
def browser(pages: Mapping[str, str], profile: Path) -> Iterator[Browser]:
    """A browser that can reach these pages and nothing else."""
    found = Browser(pages, profile, 0)

    def note(address: str) -> None:
        if address not in OWN and urlsplit(address).hostname not in OWN:
            found.asked.append(address)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            note(self.path)
            text = pages.get(self.path.removeprefix(f"{HOST}/"))
            self.send_response(200 if text is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((text or "").encode())

        def do_CONNECT(self) -> None:
            note(self.path)
            self.send_error(502)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
