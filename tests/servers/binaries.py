"""Servers from Debian: found, or a reason to skip; in CI a missing one is a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

START_SECONDS = 60


def binary(*names: str) -> str:
    """The first of `names` that is installed."""
    places = f"{os.environ['PATH']}{os.pathsep}/usr/sbin"  # where Debian has haproxy
    found = next((path for name in names if (path := shutil.which(name, path=places))), None)
    if found is None:
        reason = f"{' or '.join(names)} is not in PATH: run .ci/install_test_servers"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return found


def wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until `url` answers 200. Fails with the server's log where it ends or takes too long."""
    wait_for(lambda: process.poll() is not None or _is_ok(url), START_SECONDS, log.read_text)
    if process.poll() is not None:
        pytest.fail(f"the server ended:\n{log.read_text()}")


def wait_for(is_so: Callable[[], object], seconds: float, told: Callable[[], object] = str) -> None:
    """Until `is_so()`. Fails with what `told` says after `seconds`, which is far too long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {told()}")
        time.sleep(0.05)


def _is_ok(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
