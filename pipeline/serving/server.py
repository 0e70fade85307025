"""The model server running: one process of uvicorn."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

# Longer than a proxy keeps an idle connection: the one that closes must be the proxy, or a request
# could meet a connection that is just being closed.
KEEP_ALIVE_SECONDS = 75
DRAIN_SECONDS = 10


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve `app` until a signal comes; requests under way are answered first."""
    # asyncio sets this only for sockets that it made: without it each kept connection waits 40 ms
    # between the head and the body of an answer.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises the signal again once it has stopped
        return
