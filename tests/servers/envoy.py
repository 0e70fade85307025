"""A real Envoy in front of backends, and one that plays them; stopped by their own process ids."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.envoy import Envoy
from tests.servers.binaries import wait_until_ready
from tests.servers.ports import free_port, stop
from tests.servers.proxy import Running, serving

_HTTP = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
_ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


@contextmanager
def running(folder: Path, weights: Weights) -> Iterator[Running[Envoy]]:
    """An Envoy that serves `weights` for as long as the block lasts."""
    with serving(Envoy(folder, free_port(), free_port()), weights) as server:
        yield server


@contextmanager
def answering(folder: Path, *names: str) -> Iterator[list[Backend]]:
    """Backends that answer everything at once with 200 and their name as x-model-version.

    One more Envoy plays them all: it is so quick that what is measured is the proxy in front.
    """
    folder.mkdir(parents=True, exist_ok=True)
    backends = [Backend(name, "127.0.0.1", free_port()) for name in names]
    (folder / "envoy.json").write_text(json.dumps(_bootstrap(backends)))
    log = folder / "log"
    command = Envoy(folder, 1, 1).command()
    command[command.index("--config-path") + 1] = str(folder / "envoy.json")
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_until_ready(f"http://127.0.0.1:{backends[-1].port}/", process, log)
        yield backends
    finally:
        stop(process)


def _bootstrap(backends: list[Backend]) -> dict[str, Any]:
    listeners = [
        {
            "name": backend.name,
            "address": {"socket_address": {"address": backend.host, "port_value": backend.port}},
            "filter_chains": [{"filters": [_filter(backend.name)]}],
        }
        for backend in backends
    ]
    return {"static_resources": {"listeners": listeners}}


def _filter(name: str) -> dict[str, Any]:
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "{}"}},
        "response_headers_to_add": [
            {"header": {"key": "x-model-version", "value": name}},
            {"header": {"key": "x-user-id", "value": "%REQ(x-user-id)%"}},
        ],
    }
    typed = {
        "@type": f"{_HTTP}.HttpConnectionManager",
        "stat_prefix": name,
        "route_config": {"virtual_hosts": [{"name": name, "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": _ROUTER}}],
    }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": typed}
