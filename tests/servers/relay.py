"""scripts/relay_alerts.py as a real process on 127.0.0.1, stopped or killed by its own id."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests import warm
from tests.servers.binaries import wait_until_ready
from tests.servers.github_recorder import TOKEN
from tests.servers.ports import free_port, stop

PROJECT = Path(__file__).parents[2]
SECRET = "a-secret-of-the-relay"  # noqa: S105 (good for nothing but these tests)
MODEL = "flight-delay"


@dataclass
class Relay:
    """A relay in `folder`. Its spool, log and address stay the same from one start to the next."""

    folder: Path
    github: str
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.folder / "relay.log").read_text()

    def start(self, *options: str) -> None:
        """Start it with `options`, such as --apply, and wait until it answers."""
        with (self.folder / "relay.log").open("ab") as output:
            self.process = subprocess.Popen(
                self.command(*options),
                cwd=self.folder,
                env=environment(self.github),
                stdout=output,
                stderr=output,
            )
        wait_until_ready(f"{self.url}/healthz", self.process, self.folder / "relay.log")

    def command(self, *options: str) -> list[str]:
        arguments = ["--port", str(self.port), "--spool", "spool", *options]
        return [sys.executable, "-m", "scripts.relay_alerts", *arguments]

    def kill(self) -> None:
        """SIGKILL: nothing of it can tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        warm.settle()

    def post(self, body: Any, secret: str = SECRET) -> requests.Response:
        headers = {"Authorization": f"Bearer {secret}"}
        return requests.post(f"{self.url}/alerts", json=body, headers=headers, timeout=15)

    def health(self) -> dict[str, int]:
        return requests.get(f"{self.url}/healthz", timeout=15).json()


def environment(github: str) -> dict[str, str]:
    """What a relay needs; GITHUB_API_URL points at the stand-in."""
    return {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "RELAY_SECRET": SECRET,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "octo/model",
        "GITHUB_API_URL": github,
    }


@contextmanager
def relay_for(folder: Path, github: str) -> Iterator[Relay]:
    """A relay that is not started yet; whatever runs of it at the end is stopped."""
    (folder / "rollouts" / MODEL).mkdir(parents=True)
    relay = Relay(folder, github, free_port())
    try:
        yield relay
    finally:
        if relay.process is not None and relay.process.poll() is None:
            stop(relay.process)
