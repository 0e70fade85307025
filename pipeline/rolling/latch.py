"""What stands beside the traffic provider's own files: since when it routes so, and the latch.

The latch says that an attempt of a version gets no traffic any more. It is one small file that is
replaced by a rename, and every change of traffic on this machine is made under one lock: so what a
watchdog has stopped cannot be given traffic by a reconciler that decided a moment before.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import Field

from pipeline.adapters.traffic.files import save_durably
from pipeline.config import Section, UtcTime
from pipeline.core.rollout.observation import Routing, Stop
from pipeline.errors import ConfigurationError, GateRefused, OutsideError
from pipeline.manifest import Version, parse_document, read_bounded, render_values
from pipeline.rollout_status import Trouble

FILE = "perennial.yaml"
LOCK_SECONDS = 20.0  # a change that Envoy or HAProxy is slow to confirm takes 10 and more
_LOCK = "perennial.lock"
_POLL_SECONDS = 0.02


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
    sequence: Annotated[int, Field(ge=0)] = 0
    stop: StopSection | None = None
    trouble: Trouble | None = None
    trouble_of: Annotated[str, Field(max_length=200)] | None = None


@dataclass(frozen=True)
class Decided:
    """What weights are decided from: the attempt, and the newest record that is known in git."""

    attempt: int
    sequence: int


@dataclass(frozen=True)
class Beside:
    """`sequence` is that of `Decided` when the weights were set.

    `trouble` is the watchdog's own: the run of looks at `trouble_of` that were FAIL or ERROR.
    """

    routed_since: datetime | None = None
    sequence: int = 0
    stop: Stop | None = None
    trouble: Trouble | None = None
    trouble_of: str | None = None


class Latch:
    """The file in `folder`. Raises ConfigurationError where it is not as it was written."""

    def __init__(self, folder: Path, lock_seconds: float = LOCK_SECONDS) -> None:
        """`lock_seconds`: how long to wait for whoever holds it. They may have been stopped.

        Who was waited for in vain is not waited for again: one look has a latch of its own.
        """
        self._folder = folder
        self._lock_seconds = lock_seconds
        self._patience = lock_seconds

    @contextmanager
    def held(self) -> Iterator[None]:
        """No other process on this machine changes traffic here meanwhile. Raises OutsideError."""
        path = self._folder / _LOCK
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = path.open("w")
        except OSError as error:
            why = error.strerror or error
            raise OutsideError(f"{path}: cannot be opened ({why}). Mend the disk.") from error
        with lock:
            self._wait_for(lock, path)
            yield

    def _wait_for(self, lock: IO[str], path: Path) -> None:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if not isinstance(error, BlockingIOError) or time.monotonic() >= deadline:
                    self._patience = 0.0
                    raise OutsideError(
                        f"{path}: not to be had within {self._lock_seconds:g} s ({error.strerror})."
                        f" Which process holds it (`fuser {path}`), and does it still run?"
                    ) from error
                time.sleep(_POLL_SECONDS)
            else:
                return

    def found(self, tell: Callable[[str], None] = lambda _why: None) -> Beside | None:
        """As `load`, and None where the file is damaged: who takes traffic away goes on.

        `tell` hears why, and "" where nothing is wrong.
        """
        try:
            beside, why = self.load(), ""
        except ConfigurationError as error:
            beside, why = None, str(error)
        tell(why)
        return beside

    def load(self) -> Beside:
        """What is there; nothing where there is no file."""
        path = self._folder / FILE
        text = read_bounded(path)
        if text is None:
            return Beside()
        found = parse_document(_Beside, text, str(path))
        return Beside(
            routed_since=found.routed_since,
            sequence=found.sequence,
            stop=found.stop.value if found.stop else None,
            trouble=found.trouble,
            trouble_of=found.trouble_of,
        )

    def save(self, beside: Beside) -> None:
        """Replace it, durably. Raises OutsideError where the disk does not take it."""
        found = _Beside(
            routed_since=beside.routed_since,
            sequence=beside.sequence,
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


def check_decision(
    versions: Mapping[str, str], beside: Beside, routing: Routing, decided: Decided
) -> None:
    """Raise GateRefused where `routing` gives traffic to what was stopped, or is out of date.

    `versions` has the version's name of each digest. Who knows an older record than whoever set the
    weights, such as a watchdog that has not pulled since, would undo a stage that git has.
    """
    if decided.sequence < beside.sequence:
        raise GateRefused(
            f"weights of record {beside.sequence:04} are set, and {decided.sequence:04} is the "
            "newest that was known here: they stay. Pull, and run again."
        )
    served = [routing.champion] if routing.champion_percent > 0 else []
    if routing.challenger is not None and routing.reaches_challenger:
        served.append(routing.challenger)
    for version in map(versions.get, served):
        if beside.stop is not None and is_latched(beside.stop, version, decided.attempt):
            raise GateRefused(
                f"{version} was stopped at the traffic layer ({beside.stop.reason}), so it gets "
                "no traffic. The next reconcile rolls it back."
            )


def is_latched(stop: Stop | None, version: str | None, attempt: int) -> bool:
    """Whether this attempt of `version`, or an earlier one, must not get any traffic."""
    return stop is not None and stop.version == version and attempt <= stop.attempt
