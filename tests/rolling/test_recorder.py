"""Samples of a real server's counters in a file, as `metrics.provider: file` reads them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.adapters.metrics import Missing
from pipeline.adapters.metrics.file import FileMetrics
from pipeline.errors import OutsideError
from pipeline.rolling import recorder as recording
from pipeline.rolling.recorder import Recorder, read_counts
from pipeline.serving.metrics import ServerMetrics
from pipeline.serving_config import Backends, load_addresses
from tests.servers import dribbling
from tests.servers.page import page

VERSION = "2013-07-03-05d7a3c35826"
SECOND = timedelta(seconds=1)
WINDOW = 4 * SECOND


class World:
    """A server's counters over HTTP, a clock, and a recorder that reads them."""

    def __init__(self, folder: Path) -> None:
        self.metrics = ServerMetrics("flight-delay", VERSION)
        self.now = datetime(2013, 7, 3, 9, tzinfo=UTC)
        self.said: list[str] = []
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = world.metrics.render()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.path = folder / "samples.jsonl"
        names = ("error_rate", "latency_p95", "accuracy")
        address = f"127.0.0.1:{self.server.server_address[1]}"
        self.recorder = Recorder(
            self.path,
            dict.fromkeys(names, WINDOW),
            lambda: {VERSION: address},
            lambda: self.now,
            self.said.append,
        )

    def tick(self, *statuses: int) -> None:
        """A second goes by, with requests in it, and is recorded."""
        for status in statuses:
            self.metrics.count_request(status, 0.02)
        self.now += SECOND
        self.recorder.record()

    def error_rate(self):
        return FileMetrics(self.path, 15 * SECOND).query("error_rate", VERSION, WINDOW, self.now)

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.stop()


def test_a_sample_is_of_one_window_and_what_was_before_is_forgotten(world: World) -> None:
    world.tick()
    world.tick(500, 200)
    assert (world.error_rate().value, world.error_rate().n) == (0.5, 2)
    for _ in range(4):
        world.tick(200)
    assert (world.error_rate().value, world.error_rate().n) == (0.0, 4)


def test_a_server_without_requests_is_quiet_and_no_fault(world: World) -> None:
    world.tick()
    assert (world.error_rate().n, world.error_rate().missing) == (0, None)


def test_a_server_that_is_gone_grows_stale(world: World) -> None:
    world.tick(200)
    world.stop()
    world.tick()
    assert VERSION in world.said[0]
    world.now += 20 * SECOND
    assert world.error_rate().missing is Missing.STALE


def test_a_server_that_began_anew_is_counted_anew(world: World) -> None:
    world.tick(200, 200, 200)
    world.metrics = ServerMetrics("flight-delay", VERSION)
    world.tick()
    world.tick(500)
    assert (world.error_rate().value, world.error_rate().n) == (1.0, 1)


def test_the_file_does_not_grow(world: World) -> None:
    for _ in range(130):
        world.tick(200)
    lines = world.path.read_text().splitlines()
    assert len(lines) == 3 * 121  # two minutes, and the second that began them


@pytest.mark.parametrize("head", dribbling.STARTS)
def test_a_server_that_sends_a_byte_at_a_time_is_not_waited_for(
    head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "TIMEOUT_SECONDS", 0.5)
    with dribbling.given_up_on(head, r"not read \(TimeoutError\)") as address:
        read_counts(address, VERSION, datetime(2013, 7, 3, 9, tzinfo=UTC))


def test_a_page_of_an_error_holds_no_counters() -> None:
    with page(503, "") as url, pytest.raises(OutsideError, match=r"not read \(answered 503\)"):
        read_counts(url.rpartition("/")[2], VERSION, datetime(2013, 7, 3, 9, tzinfo=UTC))


@pytest.mark.parametrize("text", ["- a list\n", "half a line", "v: [", "\x00"])
def test_a_file_of_addresses_is_checked(tmp_path: Path, text: str) -> None:
    path = tmp_path / "addresses.yaml"
    assert load_addresses(path) == {}
    path.write_text(text)
    with pytest.raises(OutsideError, match="host:port"):
        load_addresses(path)


def test_addresses_that_cannot_be_read_are_told_and_read_again(world: World) -> None:
    known = world.recorder.addresses

    def being_written() -> dict[str, str]:
        raise OutsideError("addresses.yaml: half of it")

    world.recorder.addresses = being_written
    world.tick(200)
    world.recorder.addresses = known
    world.tick()
    assert world.said == ["addresses.yaml: half of it"]
    assert world.error_rate().n == 0


def test_a_relative_file_of_addresses_is_one_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("v1: 127.0.0.1:80\n")
    backends = Backends(file="{model}.yaml").below(tmp_path)
    assert backends.address_of("m", "v1") == ("127.0.0.1", 80)
    assert Backends(address="h:80").below(tmp_path) == Backends(address="h:80")


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -1.0])
def test_a_counter_that_is_no_count_is_told_and_gives_no_sample(world: World, odd: float) -> None:
    world.tick(200)
    before = world.path.read_text()
    # What prometheus_client would refuse to count comes from a server of somebody else's.
    line = f'model_requests_total{{model_version="{VERSION}",code="2xx"}} {odd}\n'
    world.metrics.render = line.encode
    world.tick()
    assert VERSION in world.said[0]
    assert world.path.read_text() == before


def test_a_server_that_began_anew_is_seen_by_its_errors_too(world: World) -> None:
    world.tick(500, 500)
    world.metrics = ServerMetrics("flight-delay", VERSION)
    world.tick(200, 200, 200)
    assert (world.error_rate().value, world.error_rate().n) == (0.0, 3)
    world.tick(200)
    assert (world.error_rate().value, world.error_rate().n) == (0.0, 4)


def test_a_server_that_begins_anew_all_the_time_shows_its_errors(world: World) -> None:
    world.tick(200, 200, 200)
    for errors in (2, 1):
        world.metrics = ServerMetrics("flight-delay", VERSION)
        world.tick(*[500] * errors)
        assert (world.error_rate().value, world.error_rate().n) == (1.0, errors)
