"""The samples of model servers in a file, for plans whose metrics.provider is `file`.

Takes the place of Prometheus on one machine: each server's counters are read from its /metrics,
and the file gets what was counted over the window of each metric. It is replaced whole and holds
the last minutes only, so it never grows.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.request import Request

from pipeline.adapters.metrics.exposition import Counts, parse_counts
from pipeline.adapters.traffic.files import save_durably
from pipeline.errors import OutsideError
from pipeline.web import NOT_ANSWERED, ask_once

TIMEOUT_SECONDS = 3.0
MAX_BYTES = 5_000_000
KEPT = timedelta(minutes=2)  # a reader asks for the newest: the others are for people


@dataclass
class Recorder:
    """Reads the `addresses` (version -> host:port) and writes `path`, over `windows` by metric."""

    path: Path
    windows: Mapping[str, timedelta]
    addresses: Callable[[], Mapping[str, str]]
    clock: Callable[[], datetime]
    tell: Callable[[str], None]
    _readings: dict[str, deque[Counts]] = field(default_factory=dict)
    _lines: deque[tuple[datetime, str]] = field(default_factory=deque)

    def record(self) -> None:
        """One reading of every server. One that is silent has no new sample, and so grows stale.

        A file of addresses that is just being written is told, and read again by the next one.
        """
        try:
            addresses = self.addresses()
        except OutsideError as error:
            self.tell(str(error))
            addresses = {}
        for version, address in addresses.items():
            try:
                counts = read_counts(address, version, self.clock())
            except OutsideError as error:
                self.tell(str(error))
            else:
                self._keep(version, counts)
        now = self.clock()
        while self._lines and now - self._lines[0][0] > KEPT:
            self._lines.popleft()
        save_durably(self.path, "".join(line for _, line in self._lines))

    def _keep(self, version: str, counts: Counts) -> None:
        readings = self._readings.setdefault(version, deque())
        if readings and counts.is_reset(readings[-1]):
            # A new life counts from 0, as Prometheus' increase() has it: one that ends with each
            # request would never have counted any otherwise.
            began = Counts(at=readings[-1].at)
            readings.clear()
            readings.append(began)
        readings.append(counts)
        longest = max(self.windows.values())
        while len(readings) > 1 and counts.at - readings[1].at >= longest:
            readings.popleft()
        for name, window in self.windows.items():
            value, n = counts.since(start_of(readings, window)).figures()[name]
            self._lines.append((counts.at, _line(name, version, counts.at, value, n)))


def start_of(readings: deque[Counts], window: timedelta) -> Counts:
    """The reading that a window until the newest one begins with: the last that is old enough.

    Before a whole window has passed it is the first one there is.
    """
    newest = readings[-1].at
    old_enough = [reading for reading in readings if newest - reading.at >= window]
    return old_enough[-1] if old_enough else readings[0]


def read_counts(address: str, version: str, at: datetime) -> Counts:
    """The counters of the server at `address` (host:port). Raises OutsideError."""
    url = f"http://{address}/metrics"
    try:
        return parse_counts(_page(url), version, at)
    except (*NOT_ANSWERED, LookupError) as error:
        reason = str(error) or type(error).__name__
        raise OutsideError(f"{version} at {url}: not read ({reason}). Is it started?") from error


def _page(url: str) -> str:
    """All of it: of a page that is cut, the last counter might be too."""
    request = Request(url)  # noqa: S310 (http, as its caller has it)
    status, raw = ask_once(request, TIMEOUT_SECONDS, MAX_BYTES + 1)
    if status != 200:
        raise ValueError(f"answered {status}")
    if len(raw) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes")
    return raw.decode("utf-8", "replace")


def _line(name: str, version: str, at: datetime, value: float, n: int) -> str:
    record = {
        "name": name,
        "version": version,
        "sampled_at": at.isoformat(),
        "value": value,
        "n": n,
    }
    return f"{json.dumps(record)}\n"
