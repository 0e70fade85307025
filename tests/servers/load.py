"""Users who ask a server over kept connections, and a record of what each of them got.

Kept connections matter: with a new one for each request no loss shows at a reload.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.demo.load import went_back

TIMEOUT_SECONDS = 20
__all__ = ["Answer", "Load", "running", "share", "went_back"]


@dataclass(frozen=True)
class Answer:
    """One request: `start` and `end` by time.monotonic(); status 0 where no answer came."""

    start: float
    end: float
    user: str
    status: int
    version: str

    @property
    def due(self) -> float:
        return self.start


class Load:
    """What `workers` threads ask, each of its own share of the users, over one connection each.

    `per_second` is the rate of all of them together, kept whether or not answers are slow (an open
    loop, as long as a worker is free); without it each asks again once it was answered.
    """

    def __init__(
        self,
        port: int,
        users: Sequence[str],
        *,
        workers: int = 4,
        path: str = "/predict",
        body: str = "{}",
        per_second: float | None = None,
    ) -> None:
        self.answers: list[Answer] = []
        self._port, self._path, self._body = port, path, body
        self._gap = workers / per_second if per_second else 0.0
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(users[worker::workers],), daemon=True)
            for worker in range(workers)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def failed(self) -> list[Answer]:
        """The requests that got no answer, or another one than 200."""
        return [answer for answer in self.answers if answer.status != 200]

    def since(self, moment: float) -> list[Answer]:
        """The requests that began at or after `moment`."""
        return [answer for answer in self.answers if answer.start >= moment]

    def _work(self, users: Sequence[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        due, turn = time.monotonic(), 0
        while not self._stop.is_set():
            if self._gap:
                due += self._gap
                self._stop.wait(max(0.0, due - time.monotonic()))
            self.answers.append(self._ask(connection, users[turn % len(users)]))
            turn += 1
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, user: str) -> Answer:
        start = time.monotonic()
        headers = {"x-user-id": user, "content-type": "application/json"}
        try:
            connection.request("POST", self._path, self._body, headers)
            answer = connection.getresponse()
            answer.read()
            status, version = answer.status, answer.headers.get("x-model-version", "")
        except (OSError, http.client.HTTPException):
            connection.close()
            status, version = 0, ""
        return Answer(start, time.monotonic(), user, status, version)


@contextmanager
def running(port: int, users: Sequence[str], **options: object) -> Iterator[Load]:
    """A load on 127.0.0.1:`port` for as long as the block lasts."""
    load = Load(port, users, **options)  # type: ignore[arg-type]
    load.start()
    try:
        yield load
    finally:
        load.stop()


def share(answers: Sequence[Answer], version: str) -> float:
    """The fraction of the users, each counted once, whose last answer was from `version`."""
    last = {answer.user: answer.version for answer in sorted(answers, key=lambda one: one.start)}
    return sum(1 for found in last.values() if found == version) / len(last)
