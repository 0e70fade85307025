"""The relay running: uvicorn in front, the delivery loop in a thread beside it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from pipeline.relay.app import Relay, make_app
from pipeline.relay.delivery import Delivery

STOP_SECONDS = 20  # longer than one dispatch may take


def serve(relay: Relay, listener: socket.socket, delivery: Delivery | None = None) -> None:
    """Serve on `listener` until a signal comes; with `delivery`, deliver meanwhile."""
    config = uvicorn.Config(
        make_app(relay),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        # Counts silent connections too, and uvicorn has no time limit for a request's head: that
        # is for the proxy in front (docs/alerts.md).
        limit_concurrency=256,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    try:
        with _delivering(delivery, server):
            server.run(sockets=[listener])
    except KeyboardInterrupt:  # uvicorn raises the signal again once it has stopped
        return


@contextmanager
def _delivering(delivery: Delivery | None, server: uvicorn.Server) -> Iterator[None]:
    """If delivery breaks, the server stops with its error: it must not take what nobody sends."""
    if delivery is None:
        yield
        return
    stop, broken = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            delivery.run(stop)
        except BaseException as error:  # noqa: BLE001 (raised again below)
            broken.append(error)
            server.should_exit = True

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        delivery.wake()
        thread.join(STOP_SECONDS)
    if broken:
        raise broken[0]
