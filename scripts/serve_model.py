"""Serve one packaged model over HTTP, once every byte of it matched the digest asked for.

Changes nothing, so it has no --apply. It listens only after the model has answered a row of its
own. POST /predict, POST /feedback, GET /healthz, GET /metrics: see docs/traffic.md.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.options import new_parser, port
from pipeline.paths import PACKAGE


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and serve until stopped."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--package", type=Path, default=Path(PACKAGE), help="the package's folder")
    parser.add_argument("--digest", required=True, help="sha256:… of the model to serve")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=port, required=True, help="port to listen on")
    parser.add_argument(
        "--label-maturity-hours", type=float, default=0.0, metavar="H",
        help="feedback on what was answered less than H hours ago is refused (0: none is)",
    )  # fmt: skip
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(arguments))


def run(arguments: argparse.Namespace) -> int:
    """Load, check, listen. Returns 0 once a signal stopped it."""
    missing = [
        f"{name}: not installed, expected the extra `serve`"
        for name in ("prometheus_client", "starlette", "uvicorn")
        if find_spec(name) is None
    ]
    if missing:
        raise ConfigurationError("model server", missing)
    # Requests run beside each other: threads inside one would only get in their way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Late, so that what is missing is said first and the variable is there in time.
    from pipeline.serving.app import make_app  # noqa: PLC0415
    from pipeline.serving.model import load_served_model  # noqa: PLC0415
    from pipeline.serving.server import serve  # noqa: PLC0415

    maturity = timedelta(hours=arguments.label_maturity_hours)
    served = load_served_model(arguments.package, arguments.digest)
    listener = socket.create_server((arguments.host, arguments.port), backlog=1_024)
    where = f"http://{arguments.host}:{arguments.port}"
    print(f"Serving {served.model} {served.version} at {where}", flush=True)
    serve(make_app(served, maturity), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
