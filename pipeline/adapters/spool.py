"""A folder of events that wait to be delivered: one JSON file each, named by the event's id.

    pending/ -> delivered/   sent; remembered, so that a repeat is not sent again
            '-> refused/     cannot be sent; <id>.txt beside it says why. `mv` it back to try again

A file is whole or not there, and is on disk before `put` returns. Moving it is one rename, so a
kill at any moment loses nothing; a kill between sending and moving sends it once more.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import OutsideError

_ID = re.compile(r"[0-9a-f]{16}")
_FOLDERS = ("pending", "delivered", "refused")


class Spool:
    """The spool in `folder`, held by one process at a time (`open_spool`); safe between threads.

    At most `max_pending` events wait; the last `kept` of the delivered and of the refused are
    remembered, where a repeat of one counts as new.
    """

    def __init__(self, folder: Path, *, max_pending: int = 10_000, kept: int = 10_000) -> None:
        self.folder = folder
        self._max_pending = max_pending
        self._kept = kept
        self._lock = threading.Lock()
        self._waiting = 0  # counted at each `pending`, so that a storm of `put` need not list files
        self.pending()

    def put(self, event_id: str, value: Any) -> bool:
        """Keep an event, False where it is known already. Raises OutsideError: full, or no disk.

        `event_id` is 16 hex digits.
        """
        text = json.dumps(value, indent=2, allow_nan=False) + "\n"
        with self._lock, _disk(self.folder):
            known = [path for path in self._places(event_id) if path.exists()]
            if known:
                if known[0].parent.name != "pending":
                    _renew(known[0])  # still heard of: forgotten last
                return False
            if self._waiting >= self._max_pending:
                raise OutsideError(
                    f"{self.folder}: {self._max_pending} events wait already, so no more are "
                    "taken. Look in the log why none is delivered."
                )
            _write_durably(self._path("pending", event_id), text)
            self._waiting += 1
            return True

    def pending(self) -> tuple[str, ...]:
        """The ids that wait, oldest first."""
        with self._lock, _disk(self.folder):
            waiting = self._by_age("pending")
            self._waiting = len(waiting)
        return tuple(waiting)

    def load(self, event_id: str) -> Any:
        """The event's value. Raises ValueError for a file that is not JSON."""
        with _disk(self.folder):
            return json.loads(self._path("pending", event_id).read_bytes())

    def settle(self, event_id: str) -> None:
        """The event was delivered: remember it, and forget the oldest beyond `kept`."""
        with self._lock, _disk(self.folder):
            self._move(event_id, "delivered")

    def refuse(self, event_id: str, reason: str) -> None:
        """The event can never be delivered: put it aside with the reason."""
        with self._lock, _disk(self.folder):
            _write_durably(self._path("refused", event_id).with_suffix(".txt"), reason + "\n")
            self._move(event_id, "refused")

    def counts(self) -> dict[str, int]:
        """How many events are pending, and how many refused."""
        with _disk(self.folder):
            return {name: len(self._paths(name)) for name in ("pending", "refused")}

    def _move(self, event_id: str, folder: str) -> None:
        target = self._path(folder, event_id)
        self._path("pending", event_id).replace(target)
        self._waiting -= 1
        _renew(target)
        for part in (folder, "pending"):
            _sync(self.folder / part)
        for old in self._by_age(folder)[: -self._kept]:
            for path in (self._path(folder, old), self._path(folder, old).with_suffix(".txt")):
                path.unlink(missing_ok=True)

    def _by_age(self, folder: str) -> list[str]:
        aged = [(path.stat().st_mtime_ns, path.stem) for path in self._paths(folder)]
        return [name for _, name in sorted(aged)]

    def _paths(self, folder: str) -> list[Path]:
        files = (self.folder / folder).iterdir()
        return [path for path in files if path.suffix == ".json" and _ID.fullmatch(path.stem)]

    def _places(self, event_id: str) -> list[Path]:
        return [self._path(folder, event_id) for folder in _FOLDERS]

    def _path(self, folder: str, event_id: str) -> Path:
        if not _ID.fullmatch(event_id):
            raise ValueError(f"{event_id[:60]!r} is not an event id of 16 hex digits")
        return self.folder / folder / f"{event_id}.json"


@contextmanager
def open_spool(folder: Path, **limits: int) -> Iterator[Spool]:
    """The spool in `folder`, made where it is missing, and held for as long as the block lasts.

    `limits` are those of `Spool`. Raises OutsideError where another process holds it.
    """
    with _disk(folder):
        for name in _FOLDERS:
            (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        _sync(folder)
        lock = (folder / "lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutsideError(
                f"{folder}: another relay uses this spool. Stop it, or give this one a spool of "
                "its own."
            ) from error
        for half_written in folder.glob("*/.*.tmp"):
            half_written.unlink()
        yield Spool(folder, **limits)


def _write_durably(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """A rename is on disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutsideError(
            f"{folder}: {error.strerror or error}. Mend the disk or its permissions."
        ) from error


def _renew(path: Path) -> None:
    """Now is its time, to the nanosecond: the kernel's own stamp may stand still for longer."""
    now = time.time_ns()
    os.utime(path, ns=(now, now))
