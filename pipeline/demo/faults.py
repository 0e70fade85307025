"""A model server that misbehaves on purpose: the real one, with faults before its model.

The one thing of the rollout that is simulated. A prediction comes late, and a share of them fails:
the model is slow, or breaks, so that the server's own counters see what users see.
"""

from __future__ import annotations

import argparse
import os
import random
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.options import port

MANY_AT_ONCE = 1_000  # threads: a prediction that waits for a thread would be later than wished
App = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Faults:
    """An estimator before `model`: `error_rate` of the predictions fail, and all come late."""

    model: Any
    error_rate: float = 0.0
    delay_seconds: float = 0.0

    def predict_proba(self, frame: Any) -> Any:
        """As scikit-learn has it."""
        time.sleep(self.delay_seconds)
        if random.random() < self.error_rate:  # noqa: S311 (a fault, no secret)
            raise RuntimeError("a fault, as it was wished")
        return self.model.predict_proba(frame)


def main(argv: list[str] | None = None) -> int:
    """Serve a package until stopped: half of its predictions fail, and each takes six seconds."""
    serve_with(lambda model: Faults(model, error_rate=0.5, delay_seconds=6.0), argv)
    return 0


def serve_with(
    faults: Callable[[Any], Faults],
    argv: Sequence[str] | None = None,
    around: Callable[[App, Faults], App] = lambda app, _: app,
) -> None:
    """Serve a package, its model behind `faults`, until stopped.

    `argv` is as scripts/serve_model.py has it; `around` may put an ASGI application before ours.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--digest", required=True)
    parser.add_argument("--port", type=port, required=True)
    arguments = parser.parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Late, as in scripts/serve_model.py: the variable must be there in time.
    from anyio.to_thread import current_default_thread_limiter  # noqa: PLC0415

    from pipeline.serving.app import make_app  # noqa: PLC0415
    from pipeline.serving.model import load_served_model  # noqa: PLC0415
    from pipeline.serving.server import serve  # noqa: PLC0415

    served = load_served_model(arguments.package, arguments.digest)
    broken = faults(served.estimator)
    app = around(make_app(replace(served, estimator=broken)), broken)

    async def many_at_once(scope: Any, receive: Any, send: Any) -> None:
        current_default_thread_limiter().total_tokens = MANY_AT_ONCE
        await app(scope, receive, send)

    listener = socket.create_server(("127.0.0.1", arguments.port), backlog=1_024)
    serve(many_at_once, listener)


if __name__ == "__main__":
    sys.exit(main())
