"""The relay's other side: what waits in the spool is dispatched to GitHub until GitHub takes it.

At least once: a kill between dispatch and settling sends an event again. The trigger ledger, which
knows an event by its window, is what makes one retrain of it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection
from typing import Any

from pipeline.adapters.github import Refused
from pipeline.adapters.spool import Spool
from pipeline.core.triggers.payload import (
    ALERT_EVENT,
    AlertPayload,
    RetrainPayload,
    parse_payload,
    payload_to_json,
)
from pipeline.errors import ConfigurationError, OutsideError

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 300.0
IDLE_SECONDS = 5.0


def event_id_of(payload: AlertPayload) -> str:
    """The 16 hex digits of the payload's window, which name its file in the spool."""
    return payload.window.removeprefix("alert/")


class Delivery:
    """Sends by `send(event_type, value)`, which raises Refused, Busy or OutsideError."""

    def __init__(
        self,
        spool: Spool,
        send: Callable[[str, dict[str, Any]], None],
        *,
        models: Collection[str],
        log: Callable[[str], None],
        first_wait_seconds: float = FIRST_WAIT_SECONDS,
    ) -> None:
        self._spool = spool
        self._send = send
        self._models = models
        self._log = log
        self._first_wait = first_wait_seconds
        self._failures: dict[str, int] = {}
        self._in_a_row = 0
        self._news = threading.Event()

    def take(self, payload: AlertPayload) -> bool:
        """Keep an alert and wake the loop; False where it is known. Raises OutsideError."""
        is_new = self._spool.put(event_id_of(payload), payload_to_json(payload))
        if is_new:
            self._log(f"accepted {told(payload)}")
            self._news.set()
        return is_new

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop` is set; then call `wake`, so that it is seen at once."""
        while not stop.is_set():
            self._news.clear()
            wait = self.deliver_pending()
            if wait:
                stop.wait(wait)
            else:
                self._news.wait(IDLE_SECONDS)

    def wake(self) -> None:
        """Look at the spool now if the loop is idle. A back-off is not cut short."""
        self._news.set()

    def deliver_pending(self) -> float:
        """Send all that waits, up to the first failure. Returns the seconds to wait after it.

        What failed least often goes first, so that one event cannot hold up the others.
        """
        event_id = ""
        try:
            for event_id in self._queue():
                self._deliver(event_id)
                self._failures.pop(event_id, None)
                self._in_a_row = 0
        except OutsideError as error:
            self._failures[event_id] = self._failures.get(event_id, 0) + 1
            self._in_a_row += 1
            wait = max(self._back_off(), getattr(error, "retry_after_seconds", 0.0))
            what = f"alert/{event_id}" if event_id else "the spool"
            self._log(f"{what} waits {wait:.0f} s more: {error}")
            return wait
        return 0.0

    def _queue(self) -> list[str]:
        waiting = self._spool.pending()
        self._failures = {name: count for name, count in self._failures.items() if name in waiting}
        return sorted(waiting, key=lambda name: self._failures.get(name, 0))

    def _deliver(self, event_id: str) -> None:
        try:
            self._send(ALERT_EVENT, payload_to_json(self._load(event_id)))
        except (Refused, ConfigurationError) as error:
            self._log(f"put alert/{event_id} aside: {error}".replace("\n", " "))
            self._spool.refuse(event_id, str(error))
        else:
            self._spool.settle(event_id)
            self._log(f"dispatched alert/{event_id}")

    def _load(self, event_id: str) -> AlertPayload | RetrainPayload:
        try:
            value = self._spool.load(event_id)
        except ValueError as error:
            raise ConfigurationError(f"{event_id}.json", ["found no JSON: damaged"]) from error
        return parse_payload(ALERT_EVENT, value, models=self._models)

    def _back_off(self) -> float:
        """Doubles with each failure in a row; the jitter keeps relays from knocking together."""
        longest = min(LONGEST_WAIT_SECONDS, self._first_wait * 2 ** min(self._in_a_row - 1, 30))
        return longest * random.uniform(0.5, 1)  # noqa: S311 (no secret)


def told(payload: AlertPayload) -> str:
    """An alert as one line of a log."""
    return f"{payload.window} {payload.trigger} of {payload.model}: {payload.reason}"
