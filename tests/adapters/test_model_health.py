"""Whatever a model server answers: it serves the digest, or it does not answer."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from pipeline.adapters.model_health import Answer, ask_server
from tests.servers.page import page

DIGEST = "sha256:" + "c" * 64


def ask(body: str) -> Answer:
    with page(200, body) as url:
        host, _, port = url.rpartition("/")[2].partition(":")
        return ask_server(host, int(port), "/healthz", DIGEST, 3)


def test_a_server_of_the_digest_answers() -> None:
    assert ask(json.dumps({"digest": DIGEST})) == Answer(True)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        "[" * 9_000,
        json.dumps({"digest": "sha256:" + "d" * 64}),
        json.dumps({"digest": {"a": 1}}),
    ],
)
def test_any_other_answer_is_none(body: str) -> None:
    assert not ask(body).is_answering


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"]
)
def test_a_server_that_sends_a_byte_at_a_time_is_not_waited_for(head: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        is_cut = threading.Event()

        def dribble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1_000)
                try:
                    connection.sendall(head)
                    for _ in range(100):
                        connection.sendall(b" ")
                        time.sleep(0.1)
                except OSError:
                    is_cut.set()

        threading.Thread(target=dribble, daemon=True).start()
        start = time.monotonic()
        found = ask_server("127.0.0.1", listener.getsockname()[1], "/healthz", DIGEST, 0.5)
        assert time.monotonic() - start < 5
        assert found == Answer(
            False, f"127.0.0.1:{listener.getsockname()[1]} did not answer (TimeoutError)"
        )
        assert is_cut.wait(5)
