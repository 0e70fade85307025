"""Servers of the demo: whatever ends its block, they are stopped, and what they started as well."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from pipeline.demo import processes
from pipeline.demo.processes import running
from pipeline.errors import OutsideError
from tests.servers.binaries import wait_for
from tests.servers.ports import free_port

# Its own child goes on without it, unless it is stopped too.
CHILD = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("reason", [KeyboardInterrupt, OutsideError])
def test_a_server_ends_with_its_block_and_so_does_its_child(
    tmp_path: Path, reason: type[BaseException]
) -> None:
    log, servers = tmp_path / "log", []

    def start_and_fail() -> None:
        with running([sys.executable, "-c", CHILD], log, cwd=tmp_path) as server:
            servers.append(server)
            wait_for(lambda: log.read_text().strip(), 60)
            raise reason("now")

    with pytest.raises(reason):
        start_and_fail()
    assert servers[0].process.returncode is not None
    child = int(log.read_text())
    wait_for(lambda: not is_running(child), 60)


def test_one_that_ends_at_once_is_told_with_its_own_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such package')"]
    url = f"http://127.0.0.1:{free_port()}"
    with (
        running(command, tmp_path / "model.log", cwd=tmp_path, url=url) as server,
        pytest.raises(OutsideError, match="no such package"),
    ):
        server.wait_until_ready()


def test_a_port_is_free_given_once_and_none_that_the_system_gives_to_clients(monkeypatch) -> None:
    ports = [free_port(), free_port(), free_port()]
    assert max(ports) < 32_768
    monkeypatch.setattr(processes, "_given", set())
    with socket.create_server(("127.0.0.1", ports[0])):
        assert {processes.free_port(ports), processes.free_port(ports)} == set(ports[1:])
        with pytest.raises(OutsideError, match=f"no port from {ports[0]} to {ports[2]} is free"):
            processes.free_port(ports)
