import socket
import threading
from contextlib import contextmanager

import uvicorn

from pipeline.relay.app import Relay, make_app
from pipeline.relay.limits import Bucket
from tests.servers.binaries import wait_for

SECRET = "s" * 16


@contextmanager
def serving(**options):
    """Its address, and the lines that it logs."""
    lines = []
    relay = Relay(SECRET, ["m"], lambda _: True, dict, lines.append, **options)
    server = uvicorn.Server(uvicorn.Config(make_app(relay), lifespan="off", log_level="warning"))
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname(), lines
    finally:
        server.should_exit = True
        thread.join(30)


def begun(address):
    """A connection that announced a body and sent less of it."""
    connection = socket.create_connection(address, timeout=30)
    head = f"POST /alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\r\n"
    connection.sendall(f"{head}Content-Length: 100\r\n\r\nonly this".encode())
    return connection


def test_a_body_that_never_ends_is_given_up_on():
    with serving(body_seconds=0.2) as (address, lines), begun(address) as connection:
        assert connection.recv(100).split()[1] == b"408"
    assert lines == ["refused a body: 408"]


def test_a_sender_who_goes_away_is_logged_in_a_line(caplog):
    with serving() as (address, lines):
        begun(address).close()
        wait_for(lambda: lines, 30)
    assert lines == ["refused a body: 499"]
    assert caplog.text == ""


def test_a_bucket_gives_its_burst_and_then_says_how_long_to_wait():
    bucket = Bucket(per_minute=1, burst=3)
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    assert 0 < bucket.take() <= 60


def test_a_bucket_fills_up_again_and_never_beyond_its_burst():
    bucket = Bucket(per_minute=60e9, burst=2)
    assert all(bucket.take() == 0 for _ in range(1_000))
    slow = Bucket(per_minute=60, burst=2)
    slow._at -= 3_600
    assert [slow.take() for _ in range(2)] == [0, 0]
    assert slow.take() > 0
