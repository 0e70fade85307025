"""Whether a model server answers, for the model that it should serve."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_MAX_BYTES = 10_000


@dataclass(frozen=True)
class Answer:
    """`is_answering` is True only where the server says that it serves the digest asked for."""

    is_answering: bool
    reason: str = ""


def ask_server(host: str, port: int, path: str, digest: str, timeout_seconds: float) -> Answer:
    """Ask the model server at `host`:`port` which digest it serves. Never raises.

    A server that refuses, is silent, fails, or serves another model does not answer. Nor does one
    whose whole answer takes longer than `timeout_seconds` from when it took the connection.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout_seconds)
    try:
        connection.connect()
        with _cut_after(timeout_seconds, connection.sock):
            connection.request("GET", path)
            response = connection.getresponse()
            raw = response.read(_MAX_BYTES)
        if response.status != 200:
            return Answer(False, f"{host}:{port} answered {response.status}")
        found = str(json.loads(raw)["digest"])
    except (OSError, http.client.HTTPException) as error:
        return Answer(False, f"{host}:{port} did not answer ({type(error).__name__})")
    except (ValueError, LookupError, TypeError, RecursionError):
        return Answer(False, f"{host}:{port} does not say which model it serves")
    finally:
        connection.close()
    if found != digest:
        return Answer(False, f"{host}:{port} serves {found[:30]!a}, not {digest[:19]}")
    return Answer(True)


@contextmanager
def _cut_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """Within the block `sock` lasts that long; then what is read ends. Raises TimeoutError.

    A socket's own timeout begins anew with each byte: a byte a second would keep all looks waiting.
    """
    is_late = threading.Event()

    def cut() -> None:
        is_late.set()
        with suppress(OSError):  # it may have ended by itself
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if is_late.is_set():
            raise TimeoutError  # whatever the cut looked like to who was reading
