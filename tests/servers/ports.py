"""Free ports, and processes that are stopped by their own id."""

from __future__ import annotations

import os
import subprocess

from pipeline.demo import processes

STOP_SECONDS = 10
FIRST_PORT, PORTS_OF_A_WORKER = processes.PORTS.stop, 400


def free_port() -> int:
    """One of this worker's own ports, so that no other worker starts a server on it meanwhile."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST_PORT + worker * PORTS_OF_A_WORKER
    return processes.free_port(range(first, first + PORTS_OF_A_WORKER))


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask `process` to end, and make it after STOP_SECONDS."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
