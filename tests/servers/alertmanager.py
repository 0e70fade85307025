"""A real Alertmanager on 127.0.0.1 with a folder of its own, stopped by its own process id."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.servers.binaries import binary, wait_until_ready
from tests.servers.ports import free_port, stop


@dataclass(frozen=True)
class Alertmanager:
    """A running server at `address`, host:port."""

    address: str

    def notified(self) -> int:
        """How many notifications it has sent to webhooks, whatever the answer."""
        lines = requests.get(f"http://{self.address}/metrics", timeout=5).text.splitlines()
        name = 'alertmanager_notifications_total{integration="webhook"}'
        return sum(int(float(line.split()[1])) for line in lines if line.startswith(name))

    def alerts(self) -> list[Any]:
        """The alerts that fire now."""
        return requests.get(f"http://{self.address}/api/v2/alerts", timeout=5).json()


@contextmanager
def running(folder: Path, *, webhook: str, secret: str) -> Iterator[Alertmanager]:
    """A server that calls `webhook` with the bearer token `secret`.

    A firing alert is notified again about each second.
    """
    executable = binary("prometheus-alertmanager", "alertmanager")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "alertmanager.json"  # JSON is YAML
    config.write_text(json.dumps(_config(webhook, secret)))
    address, log = f"127.0.0.1:{free_port()}", folder / "log"
    arguments = [
        f"--config.file={config}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [executable, *arguments], stdout=output, stderr=output, cwd=folder
        )
    try:
        wait_until_ready(f"http://{address}/-/ready", process, log)
        yield Alertmanager(address)
    finally:
        stop(process)


def _config(webhook: str, secret: str) -> dict[str, Any]:
    authorization = {"type": "Bearer", "credentials": secret}
    hook = {"url": webhook, "http_config": {"authorization": authorization}}
    route = {
        "receiver": "relay",
        "group_by": ["model", "trigger"],
        "group_wait": "100ms",
        "group_interval": "500ms",
        "repeat_interval": "1s",
    }
    return {"route": route, "receivers": [{"name": "relay", "webhook_configs": [hook]}]}
