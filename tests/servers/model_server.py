"""scripts/serve_model.py as a real process, and a tiny package for it to serve.

Run as a module it is the same server with faults: a wrapper around the application, here and not
in the product, that delays predictions or answers them with 500.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from pipeline.adapters.package_files import read_manifest
from pipeline.manifest import version_of
from tests.servers.binaries import wait_until_ready
from tests.servers.ports import free_port, stop

PROJECT = Path(__file__).parents[2]
BODY = json.dumps({"rows": [{"hour": 17, "distance": 500.0}]})


@dataclass
class ModelServer:
    """A server of one model."""

    digest: str
    version: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def misbehave(self, *, error_rate: float = 0.0, delay_seconds: float = 0.0) -> None:
        """From now on; only a server that was started with `faulty` can."""
        faults = {"error_rate": error_rate, "delay_seconds": delay_seconds}
        requests.post(f"{self.url}/faults", json=faults, timeout=5).raise_for_status()

    def kill(self) -> None:
        """SIGKILL: requests under way are lost here."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """SIGTERM; returns the exit code once it has ended."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(
    folder: Path, package: Path, digest: str, *, faulty: bool = False
) -> Iterator[ModelServer]:
    """A server of `package` for as long as the block lasts; its log is in `folder`."""
    module = "tests.servers.model_server" if faulty else "scripts.serve_model"
    port = free_port()
    log = folder / f"model-{port}.log"
    arguments = ["--package", str(package), "--digest", digest, "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=PROJECT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/healthz", process, log)
        as_of = read_manifest(package / "manifest.json").as_of
        yield ModelServer(digest, version_of(digest, as_of), port, process)
    finally:
        if process.poll() is None:
            stop(process)


def build_tiny_package(folder: Path, *, seed: int = 0) -> str:
    """A sound package of a small model, made in a second. Returns its digest."""
    import numpy as np  # noqa: PLC0415 (the faulty server needs none of this)
    import pandas as pd  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    from pipeline.ml.input_schema import input_schema  # noqa: PLC0415
    from pipeline.ml.model_io import save_model  # noqa: PLC0415
    from pipeline.ml.package import PARTS, About, build_package  # noqa: PLC0415

    noise = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "hour": noise.integers(0, 24, 200),
            "distance": noise.normal(1000, 300, 200),
        }
    )
    late = (frame["hour"] + noise.normal(0, 5, 200) > 14).astype(int)
    model = LogisticRegression(max_iter=2_000).fit(frame, late)
    path = folder.with_name(f"{folder.name}-model")
    save_model(path, model)
    parts: dict[str, Any] = {name: f"{name}\n" for name in PARTS}
    parts |= {"model.skops": path, "input-schema.json": json.dumps(input_schema(frame))}
    about = About(
        model="flight-delay",
        format="skops",
        threshold=0.5,
        as_of=datetime(2013, 7, 2 + seed, tzinfo=UTC),
        train_rows=len(frame),
        data_digest="sha256:" + "ab" * 32,
    )
    return build_package(folder, parts, about)


class Faults:
    """An ASGI application around another one: POST /faults says how it misbehaves."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._faults = {"error_rate": 0.0, "delay_seconds": 0.0}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/faults":
            self._faults = json.loads((await receive())["body"])
            return await _respond(send, 200)
        if scope["type"] != "http" or scope["path"] != "/predict":
            return await self._app(scope, receive, send)
        return await self._app(scope, self._late(receive), send)

    def _late(self, receive: Any) -> Any:
        """The body comes late, or is none: so the product's own counters see what users see."""

        async def late() -> Any:
            message = await receive()
            await asyncio.sleep(self._faults["delay_seconds"])
            if random.random() < self._faults["error_rate"]:  # noqa: S311 (a fault, no secret)
                raise RuntimeError("as a test wishes")
            return message

        return late


async def _respond(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """Serve a package, with faults."""
    from pipeline.serving.app import make_app  # noqa: PLC0415
    from pipeline.serving.model import load_served_model  # noqa: PLC0415
    from pipeline.serving.server import serve  # noqa: PLC0415

    parser = argparse.ArgumentParser()
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    served = load_served_model(arguments.package, arguments.digest)
    serve(Faults(make_app(served)), socket.create_server(("127.0.0.1", arguments.port)))


if __name__ == "__main__":
    main()
