"""A real HAProxy in front of backends, stopped by its own process id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.adapters.traffic import Weights
from pipeline.adapters.traffic.haproxy import HAProxy
from tests.servers.binaries import binary
from tests.servers.ports import free_port
from tests.servers.proxy import Running, serving


@contextmanager
def running(folder: Path, weights: Weights) -> Iterator[Running[HAProxy]]:
    """A HAProxy that serves `weights` for as long as the block lasts."""
    binary("haproxy")
    with serving(HAProxy(folder, free_port(), free_port()), weights) as server:
        yield server
