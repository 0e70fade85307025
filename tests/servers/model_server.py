"""scripts/serve_model.py as a real process, and a tiny package for it to serve.

Run as a module it is the same server with faults: those of the demo, which tests set anew while it
serves.
"""

from __future__ import annotations

import json
import os
import signal
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
from pipeline.demo.faults import Faults, serve_with
from pipeline.manifest import version_of
from tests import warm
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
        warm.settle()

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


@dataclass
class OnWish:
    """An ASGI application around `app`: POST /faults says how it misbehaves from then on."""

    app: Any
    faults: Faults

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/faults":
            told = json.loads((await receive())["body"])
            self.faults.error_rate = told["error_rate"]
            self.faults.delay_seconds = told["delay_seconds"]
            return await _respond(send, 200)
        return await self.app(scope, receive, send)


async def _respond(send: Any, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    serve_with(Faults, around=OnWish)
