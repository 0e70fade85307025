"""Many users who ask the traffic layer at a steady rate, over connections that are kept.

An open loop: each request has its moment, whether or not those before it were answered, so a slow
server does not slow its users down and cannot hide. What each user got is written down.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.errors import OutsideError

USERS = 600
STRIDE = 7_919  # a prime: neighbours in time are not neighbours by number
WORKERS = 24  # one waits for each answer: far more than are under way at once
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Question:
    """The features of one row as the body of a request, and its label where that is known."""

    body: bytes
    label: bool | None = None


@dataclass(frozen=True)
class Answer:
    """What a user got: `status` 0 where no answer came. `due` is by time.monotonic()."""

    due: float
    user: str
    status: int
    version: str = ""


@dataclass
class Load:
    """`per_second` requests to 127.0.0.1:`port`; the truth of each answer goes to `tell_label`."""

    port: int
    questions: Sequence[Question]
    per_second: float
    tell_label: Callable[[str, bool, bool], None] = lambda *_: None
    answers: list[Answer] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asked: int = 0

    @property
    def users(self) -> int:
        """How many there are."""
        return USERS

    @property
    def lost(self) -> list[Answer]:
        """The requests that got no answer at all."""
        return [answer for answer in self.answers if answer.status == 0]

    @property
    def failed(self) -> list[Answer]:
        """The requests that were answered with anything but 200."""
        return [answer for answer in self.answers if answer.status not in (0, 200)]

    @contextmanager
    def running(self) -> Iterator[None]:
        """The users ask for as long as the block lasts; then the last answers are waited for."""
        start = time.monotonic()
        threads = [
            threading.Thread(target=self._work, args=(start,), daemon=True) for _ in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(TIMEOUT_SECONDS)

    def try_out(self, requests: int) -> list[float]:
        """The seconds that each of some requests takes, one after the other."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        found = []
        for number in range(requests):
            start = time.monotonic()
            answer = self._ask(connection, number, start)
            found.append(time.monotonic() - start)
            if answer.status != 200:
                raise OutsideError(f"the model server answered {answer.status}, expected 200.")
        connection.close()
        return found

    def _work(self, start: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        while True:
            with self._lock:
                number, self._asked = self._asked, self._asked + 1
            due = start + number / self.per_second
            if self._stop.wait(max(0.0, due - time.monotonic())):
                break
            self.answers.append(self._ask(connection, number, due))
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection, number: int, due: float) -> Answer:
        user = f"user-{number * STRIDE % USERS}"
        # In the order of departure a storm would be all that some seconds show.
        question = self.questions[number * STRIDE % len(self.questions)]
        headers = {"x-user-id": user, "content-type": "application/json"}
        try:
            connection.request("POST", "/predict", question.body, headers)
            response = connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return Answer(due, user, 0)
        if response.status == 200:
            self._label(question, json.loads(raw))
        return Answer(due, user, response.status, response.headers.get("x-model-version", ""))

    def _label(self, question: Question, told: dict[str, Any]) -> None:
        if question.label is not None:
            self.tell_label(told["model_version"], told["answers"][0], question.label)


class Answered(Protocol):
    """What `went_back` looks at; without an answer, or a version in it, `version` is ""."""

    @property
    def due(self) -> float:
        """When it was asked, or should have been."""

    @property
    def user(self) -> str:
        """Who asked."""

    @property
    def version(self) -> str:
        """Who answered."""


def went_back(answers: Sequence[Answered], champion: str) -> set[str]:
    """The users who met `champion` after another version: none may, while a weight grows."""
    seen_other: set[str] = set()
    back: set[str] = set()
    for answer in sorted(answers, key=lambda one: one.due):
        if answer.version not in ("", champion):
            seen_other.add(answer.user)
        elif answer.version and answer.user in seen_other:
            back.add(answer.user)
    return back
