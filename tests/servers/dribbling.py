"""A server that sends a byte at a time: the next one is never long in coming, the last one is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.errors import OutsideError

BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"
STARTS = (b"", BODY, b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 500 x\r\nContent-Length: 900\r\n\r\n")
_BYTES = 300  # at ten a second: it ends at last, so that a test fails instead of hanging


@contextmanager
def running(head: bytes) -> Iterator[tuple[str, threading.Event]]:
    """Its host:port, and what is set once whoever asked has gone. It sends `head` at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        is_cut = threading.Event()

        def dribble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(10_000)
                try:
                    connection.sendall(head)
                    for _ in range(_BYTES):
                        connection.sendall(b" ")
                        time.sleep(0.1)
                except OSError:
                    is_cut.set()

        threading.Thread(target=dribble, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", is_cut


@contextmanager
def given_up_on(head: bytes, words: str) -> Iterator[str]:
    """Its host:port for a block that must end with an OutsideError of `words`, and hang up."""
    with running(head) as (address, is_cut):
        with pytest.raises(OutsideError, match=words):
            yield address
        assert is_cut.wait(5)
