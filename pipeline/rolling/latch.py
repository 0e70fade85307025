"""What stands beside the traffic provider's own files: since when it routes so, and the latch.

The latch says that an attempt of a version gets no traffic any more. It is one small file that is
replaced by a rename, and every change of traffic on this machine is made under one lock: so what a
watchdog has stopped cannot be given traffic by a reconciler that decided a moment before.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.adapters.traffic.files import save_durably
from pipeline.config import Section, UtcTime
from pipeline.core.rollout_observation import Stop
from pipeline.manifest import Version, parse_document, read_bounded, render_values
from pipeline.rollout_status import Trouble

FILE = "perennial.yaml"
_LOCK = "perennial.lock"


class StopSection(Section):
    """`Stop` as it is written, on disk and in a dispatch."""

    version: Version
    attempt: Annotated[int, Field(ge=1)]
    reason: Annotated[str, Field(max_length=4_000)]
    at: UtcTime

    @property
    def value(self) -> Stop:
        """As the core takes it."""
        return Stop(self.version, self.attempt, self.reason, self.at)


class _Beside(Section):
    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    routed_since: UtcTime | None = None
    stop: StopSection | None = None
    trouble: Trouble | None = None
    trouble_of: Annotated[str, Field(max_length=200)] | None = None


@dataclass(frozen=True)
class Beside:
    """`trouble` is the watchdog's own: the looks at `trouble_of` have been so for that long."""

    routed_since: datetime | None = None
    stop: Stop | None = None
    trouble: Trouble | None = None
    trouble_of: str | None = None


class Latch:
    """The file in `folder`. Raises ConfigurationError where it is not as it was written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """No other process on this machine changes traffic here meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def load(self) -> Beside:
        """What is there; nothing where there is no file."""
        path = self._folder / FILE
        text = read_bounded(path)
        if text is None:
            return Beside()
        found = parse_document(_Beside, text, str(path))
        return Beside(
            routed_since=found.routed_since,
            stop=found.stop.value if found.stop else None,
            trouble=found.trouble,
            trouble_of=found.trouble_of,
        )

    def save(self, beside: Beside) -> None:
        """Replace it, durably."""
        found = _Beside(
            routed_since=beside.routed_since,
            stop=stop_section(beside.stop) if beside.stop else None,
            trouble=beside.trouble,
            trouble_of=beside.trouble_of,
        )
        values = found.model_dump(mode="json", by_alias=True, exclude_none=True)
        save_durably(self._folder / FILE, render_values(values))


def stop_section(stop: Stop) -> StopSection:
    """`stop` as it is written."""
    return StopSection(
        version=stop.version, attempt=stop.attempt, reason=stop.reason[:4_000], at=stop.at
    )


def is_latched(stop: Stop | None, version: str | None, attempt: int) -> bool:
    """Whether this attempt of `version`, or an earlier one, must not get any traffic."""
    return stop is not None and stop.version == version and attempt <= stop.attempt
