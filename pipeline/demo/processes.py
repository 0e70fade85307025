"""Servers as processes of ours: started with a log, waited for, and stopped by their own ids."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from pipeline.demo.checkout import own_environment
from pipeline.errors import OutsideError

START_SECONDS = 120  # a model server takes 3; far more where the machine is busy
STOP_SECONDS = 15
LOG_CHARS = 2_000
# Below those that the system gives to clients and to whoever asks for any (32,768 on in Linux): a
# server takes its port seconds after it was given, and any of them could have it by then.
PORTS = range(20_000, 26_000)

_given: set[int] = set()


@dataclass(frozen=True)
class Server:
    """A process, and the URL that answers 200 once it is ready; None where nothing is served."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str | None = None

    def wait_until_ready(self) -> None:
        """Raises OutsideError with the end of its log where it ends, or is never ready."""
        deadline = time.monotonic() + START_SECONDS
        while self.url is not None and not _is_ok(self.url):
            self.check_alive()
            if time.monotonic() > deadline:
                raise OutsideError(f"{self.log.stem}: not ready in time. See {self.log}")
            time.sleep(0.05)

    def check_alive(self) -> None:
        """Raises OutsideError, with the end of its log, where it has ended."""
        if self.process.poll() is not None:
            said = self.log.read_text(errors="replace")[-LOG_CHARS:].strip()
            raise OutsideError(f"{self.log.stem} ended. Its log {self.log}:\n{said}")

    def stop(self) -> None:
        """TERM, so that it answers what is under way; KILL where it takes too long."""
        for signum in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signum)  # its own group: with its workers
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
                return


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    url: str | None = None,
) -> Iterator[Server]:
    """A server for as long as the block lasts.

    It has a session of its own: Ctrl-C reaches us alone, and we stop what we started in order. Its
    variables are the demo's own (see `own_environment`), then `environment`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=own_environment(PYTHONPATH=str(cwd), **(environment or {})),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(process, log, url)
    try:
        yield server
    finally:
        server.stop()


def free_port(ports: Sequence[int] = PORTS) -> int:
    """One of `ports` that was free on 127.0.0.1 a moment ago; never the same twice in a process.

    Raises OutsideError where none is left.
    """
    for port in random.SystemRandom().sample(ports, len(ports)):
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OutsideError(f"no port from {ports[0]} to {ports[-1]} is free: stop what uses them")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _is_ok(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 (http, to this machine)
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False
