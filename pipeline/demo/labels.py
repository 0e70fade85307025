"""The truth about answers, sent to the model server that gave them, as it counts accuracy.

A flight's label comes hours after its departure; here it comes with the next post.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.request import Request, urlopen

POST_SECONDS = 0.5
TIMEOUT_SECONDS = 5.0


class Labels:
    """Collects from any thread, and posts from one of its own."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def know(self, version: str, address: str) -> None:
        """`version` is served at `address` (host:port)."""
        self._addresses[version] = address

    def address_of(self, version: str) -> str:
        """Where `version` is served."""
        return self._addresses[version]

    def add(self, version: str, answer: bool, label: bool) -> None:
        """The truth about one answer of `version`."""
        with self._lock:
            self._waiting.setdefault(version, []).append({"answer": answer, "label": label})

    @contextmanager
    def posting(self) -> Iterator[None]:
        """Posts for as long as the block lasts."""
        self._stop.clear()
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        while not self._stop.wait(POST_SECONDS):
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            for version, outcomes in waiting.items():
                self._post(version, outcomes)

    def _post(self, version: str, outcomes: list[dict[str, Any]]) -> None:
        body = json.dumps({"model_version": version, "outcomes": outcomes}).encode()
        url = f"http://{self._addresses[version]}/feedback"
        request = Request(url, body, {"content-type": "application/json"})
        # A server that was stopped meanwhile has no use for them.
        with (
            suppress(OSError, http.client.HTTPException),
            urlopen(request, timeout=TIMEOUT_SECONDS),  # noqa: S310 (http, to this machine)
        ):
            pass
