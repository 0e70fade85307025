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
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Receive = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Faults:
    """An ASGI application around `app`: `error_rate` of the predictions fail, all come late."""

    app: Callable[[Any, Receive, Any], Awaitable[None]]
    error_rate: float
    delay_seconds: float

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        """As ASGI has it."""
        is_prediction = scope["type"] == "http" and scope["path"] == "/predict"
        await self.app(scope, self._faulty(receive) if is_prediction else receive, send)

    def _faulty(self, receive: Receive) -> Receive:
        async def late() -> Any:
            message = await receive()
            await asyncio.sleep(self.delay_seconds)
            if random.random() < self.error_rate:  # noqa: S311 (a fault, no secret)
                raise RuntimeError("as the demo wishes")
            return message

        return late


def main(argv: list[str] | None = None) -> int:
    """Serve a package, with faults, until stopped."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--error-rate", type=float, default=0.5)
    parser.add_argument("--delay-seconds", type=float, default=6.0)
    arguments = parser.parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Late, as in scripts/serve_model.py: the variable must be there in time.
    from pipeline.serving.app import make_app  # noqa: PLC0415
    from pipeline.serving.model import load_served_model  # noqa: PLC0415
    from pipeline.serving.server import serve  # noqa: PLC0415

    app = make_app(load_served_model(arguments.package, arguments.digest))
    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=1_024)
    serve(Faults(app, arguments.error_rate, arguments.delay_seconds), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
