"""A model server that misbehaves on purpose: the real one, with faults before its application.

The one thing of the rollout that is simulated. A prediction comes late, and a share of them fails:
the request's body comes late, or breaks, so that the server's own counters see what users see.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.options import port

Receive = Callable[[], Awaitable[Any]]
App = Callable[[Any, Receive, Any], Awaitable[None]]


@dataclass
class Faults:
    """An ASGI application around `app`: `error_rate` of the predictions fail, all come late."""

    app: App
    error_rate: float = 0.0
    delay_seconds: float = 0.0

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        """As ASGI has it."""
        is_prediction = scope["type"] == "http" and scope["path"] == "/predict"
        await self.app(scope, self._faulty(receive) if is_prediction else receive, send)

    def _faulty(self, receive: Receive) -> Receive:
        async def late() -> Any:
            message = await receive()
            await asyncio.sleep(self.delay_seconds)
            if random.random() < self.error_rate:  # noqa: S311 (a fault, no secret)
                raise RuntimeError("a fault, as it was wished")
            return message

        return late


def main(argv: list[str] | None = None) -> int:
    """Serve a package until stopped: half of its predictions fail, and each takes six seconds."""
    serve_with(lambda app: Faults(app, error_rate=0.5, delay_seconds=6.0), argv)
    return 0


def serve_with(faults: Callable[[App], App], argv: Sequence[str] | None = None) -> None:
    """Serve a package, within `faults`, until stopped; `argv` as scripts/serve_model.py has it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--port", type=port, required=True)
    arguments = parser.parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Late, as in scripts/serve_model.py: the variable must be there in time.
    from pipeline.serving.app import make_app  # noqa: PLC0415
    from pipeline.serving.model import load_served_model  # noqa: PLC0415
    from pipeline.serving.server import serve  # noqa: PLC0415

    app = make_app(load_served_model(arguments.package, arguments.digest))
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=1_024)
    serve(faults(app), listener)


if __name__ == "__main__":
    sys.exit(main())
