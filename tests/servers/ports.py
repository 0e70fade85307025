"""Free ports, and processes that are stopped by their own id."""

from __future__ import annotations

import subprocess

from pipeline.demo.processes import free_port

__all__ = ["free_port", "stop"]

STOP_SECONDS = 10


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask `process` to end, and make it after STOP_SECONDS."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
