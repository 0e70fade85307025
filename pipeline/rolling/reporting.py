"""The reports of a watchdog, kept on disk until GitHub has taken them.

At least once, and in any order: the job that gets one looks at git and at the traffic layer.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

from pipeline.adapters.github import Refused
from pipeline.adapters.spool import Spool
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.rolling.reports import parse_report

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 300.0
IDLE_SECONDS = 5.0
Send = Callable[[str, dict[str, Any]], None]


class Reporting:
    """Sends by `send(event_type, payload)`, which raises Refused or OutsideError."""

    def __init__(self, spool: Spool, send: Send, tell: Callable[[str], None]) -> None:
        self._spool = spool
        self._send = send
        self._tell = tell
        self._failed = 0
        self._news = threading.Event()

    def put(self, event_id: str, event: str, payload: dict[str, Any]) -> None:
        """Keep a report, unless it is known. A full disk keeps nobody from watching."""
        try:
            if self._spool.put(event_id, {"event": event, "payload": payload}):
                self._tell(f"reports {event} of {payload.get('model')}")
                self._news.set()
        except OutsideError as error:
            self._tell(str(error))

    def deliver(self) -> float:
        """Send what waits, up to the first failure. Returns the seconds to wait after it."""
        try:
            for event_id in self._spool.pending():
                self._deliver(event_id)
                self._failed = 0
        except OutsideError as error:
            self._failed += 1
            longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(self._failed, 20))
            wait = longest * random.uniform(0.5, 1.0)  # noqa: S311 (jitter, no secret)
            self._tell(f"a report waits {wait:.0f} s more: {error}")
            return max(wait, float(getattr(error, "retry_after_seconds", 0.0)))
        return 0.0

    def run(self, stop: threading.Event) -> None:
        """Deliver until `stop`."""
        while not stop.is_set():
            self._news.clear()
            wait = self.deliver()
            if wait:
                stop.wait(wait)
            else:
                self._news.wait(IDLE_SECONDS)

    def wake(self) -> None:
        """Look now, so that a stop is seen at once."""
        self._news.set()

    def _deliver(self, event_id: str) -> None:
        try:
            value = self._spool.load(event_id)
            parse_report(str(value["event"]), value["payload"])
            self._send(value["event"], value["payload"])
        except (Refused, ConfigurationError, ValueError, LookupError, TypeError) as error:
            self._tell(f"put report {event_id} aside: {error}".replace("\n", " "))
            self._spool.refuse(event_id, str(error))
        else:
            self._spool.settle(event_id)
            self._tell(f"dispatched {value['event']} of {value['payload'].get('model')}")
