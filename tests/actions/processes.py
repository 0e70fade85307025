"""A step's process: a group of its own, that can be ended as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests import warm

SHELLS = {
    "": ("bash", "-e", "{0}"),
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"),
    "sh": ("sh", "-e", "{0}"),
    "python": ("python", "{0}"),
}


class Processes:
    """Runs one at a time. `kill` ends the one that runs, and `is_lost` from then on."""

    def __init__(self) -> None:
        self.is_lost = False
        self._running: subprocess.Popen[bytes] | None = None

    def run(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        *,
        seconds: float,
        kill_after: float | None = None,
    ) -> int | None:
        """The exit code, or None where it took longer than `seconds`. `log` gets what it prints.

        With `kill_after` the runner is lost so many seconds after the start.
        """
        with log.open("wb") as file:
            self._running = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        timer = threading.Timer(kill_after or 0, self.kill)
        if kill_after is not None:
            timer.start()
        try:
            return self._running.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            timer.cancel()
            self._end()

    def kill(self) -> None:
        """The runner is lost, now, with all that it runs."""
        self.is_lost = True
        self._end()

    def _end(self) -> None:
        """End the group: what a step leaves behind ends with it."""
        if self._running is None:
            return
        try:
            os.killpg(self._running.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            self._running.wait()
            warm.settle()
