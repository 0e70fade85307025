"""A real Prometheus on 127.0.0.1 with a folder of its own, stopped by its own process id."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.binaries import binary, wait_until_ready
from tests.servers.ports import free_port, stop


@contextmanager
def running(
    folder: Path,
    *,
    targets: list[str],
    rules: list[Mapping[str, Any]] = [],  # noqa: B006 (never changed)
    alertmanager: str | None = None,
    options: tuple[str, ...] = (),
    interval: str = "200ms",
) -> Iterator[str]:
    """Its URL. It scrapes `targets` (host:port) each `interval` and evaluates `rules` as often."""
    executable = binary("prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.json"  # JSON is YAML
    config.write_text(json.dumps(_config(folder, targets, alertmanager, interval)))
    groups = [{"name": "test", "rules": list(rules)}]
    (folder / "rules.json").write_text(json.dumps({"groups": groups if rules else []}))
    port, log = free_port(), folder / "log"
    url = f"http://127.0.0.1:{port}"
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [executable, *arguments, *options], stdout=output, stderr=output, cwd=folder
        )
    try:
        wait_until_ready(f"{url}/-/ready", process, log)
        yield url
    finally:
        stop(process)


def _config(
    folder: Path, targets: list[str], alertmanager: str | None, interval: str
) -> dict[str, Any]:
    senders = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [str(folder / "rules.json")],
        "scrape_configs": [{"job_name": "model", "static_configs": [{"targets": targets}]}],
        "alerting": {"alertmanagers": senders},
    }
