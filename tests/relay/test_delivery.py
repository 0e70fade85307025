import socket
from datetime import UTC, datetime

import pytest

from pipeline.adapters.github import GitHub, Patience
from pipeline.adapters.spool import open_spool
from pipeline.core.triggers.payload import AlertPayload
from pipeline.relay.app import Relay
from pipeline.relay.delivery import LONGEST_WAIT_SECONDS, Delivery
from pipeline.relay.server import serve
from tests.servers import github_recorder
from tests.servers.github_recorder import BROKEN, TOKEN, secondary_limit

MODEL = "flight-delay"


@pytest.fixture
def recorder():
    with github_recorder.running() as server:
        yield server


@pytest.fixture
def lines():
    return []


@pytest.fixture
def delivery(tmp_path, recorder, lines):
    github = GitHub("octo/model", TOKEN, recorder.url, patience=Patience(attempts=1))
    with open_spool(tmp_path) as spool:
        yield Delivery(spool, github.dispatch, models=[MODEL], log=lines.append)


def alert(digit, reason="accuracy is low", model=MODEL):
    at = datetime(2013, 7, 2, tzinfo=UTC)
    return AlertPayload(model, "data_drift", f"alert/{digit * 16}", reason, at)


def test_all_that_waits_goes_out_in_one_pass(delivery, recorder, lines):
    assert delivery.take(alert("a"))
    assert delivery.take(alert("b"))
    assert not delivery.take(alert("a"))
    assert delivery.deliver_pending() == 0
    assert len(recorder.dispatches) == 2
    assert lines == [
        "accepted alert/aaaaaaaaaaaaaaaa data_drift of flight-delay: accuracy is low",
        "accepted alert/bbbbbbbbbbbbbbbb data_drift of flight-delay: accuracy is low",
        "dispatched alert/aaaaaaaaaaaaaaaa",
        "dispatched alert/bbbbbbbbbbbbbbbb",
    ]
    assert delivery.deliver_pending() == 0
    assert len(recorder.dispatches) == 2


def test_waits_double_with_jitter_up_to_the_longest_and_start_anew_after_a_success(tmp_path, lines):
    away = GitHub("octo/model", TOKEN, "http://127.0.0.1:1", patience=Patience(attempts=1))
    with open_spool(tmp_path) as spool:
        delivery = Delivery(spool, away.dispatch, models=[MODEL], log=lines.append)
        delivery.take(alert("a"))
        delivery._in_a_row = 0
        waits = [delivery.deliver_pending() for _ in range(4)]
        for number, wait in enumerate(waits):
            assert 0.5 * 2**number <= wait <= 2**number
        delivery._in_a_row = 10_000
        assert LONGEST_WAIT_SECONDS / 2 <= delivery.deliver_pending() <= LONGEST_WAIT_SECONDS
        assert spool.pending() == ("a" * 16,)


def test_after_a_success_the_waits_are_short_again(delivery, recorder):
    recorder.next_answers.extend([BROKEN] * 2)
    delivery.take(alert("a"))
    delivery.deliver_pending()
    assert delivery.deliver_pending() >= 1
    assert delivery.deliver_pending() == 0
    recorder.next_answers.append(BROKEN)
    delivery.take(alert("b"))
    assert delivery.deliver_pending() <= 1


def test_a_pass_ends_at_the_first_failure_so_that_a_sick_github_is_not_knocked_on(
    delivery, recorder
):
    recorder.next_answers.extend([BROKEN] * 9)
    for digit in "abc":
        delivery.take(alert(digit))
    delivery.deliver_pending()
    assert len(recorder.requests) == 1


def test_the_wait_that_github_asks_for_is_the_least(delivery, recorder):
    recorder.next_answers.append(secondary_limit(90))
    delivery.take(alert("a"))
    assert delivery.deliver_pending() == 90


def test_an_alert_of_a_model_that_is_gone_is_put_aside(delivery, recorder, tmp_path):
    delivery.take(alert("a", model="retired"))
    assert delivery.deliver_pending() == 0
    assert recorder.requests == []
    assert "found 'retired'" in (tmp_path / "refused" / f"{'a' * 16}.txt").read_text()


def test_a_server_whose_delivery_breaks_stops_with_the_error(tmp_path, lines):
    def send(*_):
        raise ZeroDivisionError

    with open_spool(tmp_path) as spool, socket.create_server(("127.0.0.1", 0)) as listener:
        delivery = Delivery(spool, send, models=[MODEL], log=lines.append)
        delivery.take(alert("a"))
        relay = Relay("s" * 16, [MODEL], delivery.take, spool.counts, lines.append)
        with pytest.raises(ZeroDivisionError):
            serve(relay, listener, delivery)
        assert spool.pending() == ("a" * 16,)


def test_a_spool_that_cannot_be_read_is_waited_for(delivery, recorder, lines, tmp_path):
    delivery.take(alert("a"))
    (tmp_path / "pending").rename(tmp_path / "away")
    assert 0 < delivery.deliver_pending() <= 1
    assert "Mend the disk" in lines[-1]
    (tmp_path / "away").rename(tmp_path / "pending")
    assert delivery.deliver_pending() == 0
    assert len(recorder.dispatches) == 1
