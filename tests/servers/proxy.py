"""A proxy of ours as a process that a test may stop, kill and start again with the same files."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from pipeline.adapters.traffic import Weights
from pipeline.adapters.traffic.envoy import Envoy
from pipeline.adapters.traffic.haproxy import HAProxy
from tests.servers.binaries import wait_until_ready
from tests.servers.ports import stop

ProviderT = TypeVar("ProviderT", Envoy, HAProxy)


class Running(Generic[ProviderT]):
    """The process of `provider`; None until it was started."""

    def __init__(self, provider: ProviderT) -> None:
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
def serving(provider: ProviderT, weights: Weights) -> Iterator[Running[ProviderT]]:
    """`provider` serves `weights` for as long as the block lasts."""
    provider.folder.mkdir(parents=True, exist_ok=True)
    provider.prepare(weights)
    server = Running(provider)
    try:
        server.start()
        yield server
    finally:
        server.stop()
