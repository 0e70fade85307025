"""A real HAProxy in front of backends, stopped by its own process id."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.adapters.traffic import Weights
from pipeline.adapters.traffic.haproxy import HAProxy
from tests.servers.binaries import binary, wait_until_ready
from tests.servers.ports import free_port, stop


class Running:
    """A HAProxy that a test may stop, kill and start again with the same files."""

    def __init__(self, provider: HAProxy) -> None:
        self.provider = provider
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self.provider.folder / "log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(self.provider.command(), stdout=output, stderr=output)
        wait_until_ready(
            f"http://127.0.0.1:{self.provider.metrics_port}/metrics", self.process, log
        )

    def kill(self) -> None:
        """SIGKILL: nothing of it can tidy up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            stop(self.process)


@contextmanager
def running(folder: Path, weights: Weights) -> Iterator[Running]:
    """A HAProxy that serves `weights` for as long as the block lasts."""
    binary("haproxy")
    folder.mkdir(parents=True, exist_ok=True)
    server = Running(HAProxy(folder, free_port(), free_port()))
    server.provider.prepare(weights)
    try:
        server.start()
        yield server
    finally:
        server.stop()
