import math
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.adapters import prometheus as adapter
from pipeline.adapters.prometheus import Prometheus
from pipeline.errors import ConfigurationError, OutsideError
from tests.servers import dribbling, exporter, fault_proxy, prometheus
from tests.servers.binaries import wait_for
from tests.servers.page import page, service
from tests.servers.ports import free_port

TOKEN = "a-token-that-nobody-may-see"  # noqa: S105


def now():
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with exporter.running() as source:
        source.metrics = {
            'accuracy{model="a"}': 0.75,
            'accuracy{model="b"}': 0.5,
            'errors{kind="x"}': math.nan,
        }
        folder = tmp_path_factory.mktemp("prometheus")
        with prometheus.running(folder, targets=[source.address]) as url:
            wait_for(lambda: Prometheus(url).query('accuracy{model="a"}', now()), 30)
            yield url


def test_one_series_gives_its_value(server):
    assert Prometheus(server).query('accuracy{model="a"}', now()) == 0.75
    assert Prometheus(server + "/", TOKEN).query('sum(accuracy{model=~"a|b"})', now()) == 1.25


def test_a_plain_number_is_a_number(server):
    assert Prometheus(server).query("1 + 1", now()) == 2


def test_nothing_and_nan_are_none_and_an_infinity_is_itself(server):
    asked = Prometheus(server)
    assert asked.query("no_such_metric", now()) is None
    assert asked.query('errors{kind="x"}', now()) is None
    assert asked.query("vector(0) / 0", now()) is None
    assert asked.query("vector(1) / 0", now()) == math.inf


def test_the_time_of_the_question_is_the_time_that_is_judged(server):
    assert Prometheus(server).query('accuracy{model="a"}', now() - timedelta(days=1)) is None
    moment = datetime(2013, 7, 2, 0, 0, 0, 250_000, UTC)
    assert Prometheus(server).query("time()", moment) == moment.timestamp()


def test_several_series_are_no_answer(server):
    with pytest.raises(OutsideError, match=r"gave 2 series, expected one: aggregate"):
        Prometheus(server).query("accuracy", now())


def test_a_range_is_no_answer(server):
    with pytest.raises(OutsideError, match="gave a matrix"):
        Prometheus(server).query("accuracy[1m]", now())


def test_a_bad_expression_is_told_in_prometheus_words(server):
    with pytest.raises(OutsideError, match="answered 400: invalid parameter"):
        Prometheus(server).query("sum(", now())


def test_a_time_without_a_zone_is_a_fault_of_the_caller(server):
    with pytest.raises(ValueError, match="zone"):
        Prometheus(server).query("1", datetime(2013, 7, 2))  # noqa: DTZ001


def test_a_token_is_sent_and_never_shown(server):
    with fault_proxy.running(server) as proxy:
        seen = []
        forward = proxy.forward

        def spy(handler):
            seen.append(handler.headers.get("Authorization"))
            return forward(handler)

        proxy.forward = spy
        assert Prometheus(proxy.url, TOKEN).query("1", now()) == 1
        assert seen == [f"Bearer {TOKEN}"]
        proxy.is_dead = True
        with pytest.raises(OutsideError) as caught:
            Prometheus(proxy.url.replace("//", "//me:pass@"), TOKEN).query("1", now())
    assert TOKEN not in str(caught.value)
    assert "pass" not in str(caught.value)


def answer_to(*, user="", token=None):
    """The Authorization that a server is sent, where its URL has `user`."""
    with service(200, '{"data": {"resultType": "vector", "result": []}}') as (url, asked):
        assert Prometheus(url.replace("//", f"//{user}"), token).query("up", now()) is None
    return asked[0][1]


def test_a_user_and_password_in_the_url_are_sent_as_basic_ones():
    assert answer_to() is None
    assert answer_to(user="me:hunter%402@") == "Basic bWU6aHVudGVyQDI="  # me:hunter@2
    assert answer_to(user="me:hunter@2@") == "Basic bWU6aHVudGVyQDI="
    assert answer_to(user="me:hunter2@", token=TOKEN) == f"Bearer {TOKEN}"


def test_a_secret_pasted_with_the_end_of_its_line_is_the_secret():
    assert answer_to(token=f"{TOKEN}\n") == f"Bearer {TOKEN}"
    assert answer_to(token="\n") is None  # noqa: S106


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://me:hunter2@prom.example.invalid/", None),
        ("http://me:hun/ter2@127.0.0.1:9/", None),
        ("http://me:12/hunter2@127.0.0.1:9/", None),
        ("http://127.0.0.1:hunter2@/", None),
        ("http://127.0.0.1:9/", "hun\nter2"),
        ("http://127.0.0.1:9/", "hunter2…"),
        ("http://me:hunter2@[::1", None),
    ],
)
def test_no_error_shows_a_password_or_a_token_however_odd_it_is(url, token):
    with pytest.raises((ConfigurationError, OutsideError)) as caught:
        Prometheus(url, token).query("up", now())
    assert "ter2" not in str(caught.value)


def test_a_server_that_answers_no_http_is_told_by_the_kind_of_its_fault():
    with (
        dribbling.running(f"{TOKEN}\r\n".encode()) as (address, _),
        pytest.raises(OutsideError, match=r"not answered \(BadStatusLine\)") as caught,
    ):
        Prometheus(f"http://{address}").query("up", now())
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("head", dribbling.STARTS)
def test_a_server_that_sends_a_byte_at_a_time_is_not_waited_for(head, monkeypatch):
    monkeypatch.setattr(adapter, "TIMEOUT_SECONDS", 0.5)
    with dribbling.given_up_on(head, r"not answered \(TimeoutError\)") as address:
        Prometheus(f"http://{address}").query("up", now())


def test_a_server_that_dribbles_instead_of_beginning_tls_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(adapter, "TIMEOUT_SECONDS", 0.5)
    # A record of 16 kB in TLS' own words, of which a byte comes at a time.
    with dribbling.given_up_on(
        b"\x16\x03\x03\x40\x00", r"not answered \(TimeoutError\)"
    ) as address:
        Prometheus(f"https://{address}").query("up", now())


def test_a_server_that_is_down_is_a_clear_error():
    with pytest.raises(OutsideError, match="was not answered"):
        Prometheus(f"http://127.0.0.1:{free_port()}").query("up", now())


SAMPLE = '{"resultType": "vector", "result": [{"metric": {}, "value": [0, "1"]}]}'


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, "<html>", "not answered in JSON"),
        (200, "[]", "not answered as Prometheus answers"),
        (200, '{"data": {"resultType": "vector", "result": [{}]}}', "as Prometheus answers"),
        (200, f'{{"warnings": ["a store is down"], "data": {SAMPLE}}}', "partial: a store is down"),
        (503, "upstream\nis away", "answered 503: upstream is away"),
    ],
)
def test_an_answer_that_cannot_be_trusted_is_an_error(status, body, words):
    with page(status, body) as url, pytest.raises(OutsideError, match=words):
        Prometheus(url).query("up", now())


def test_a_redirect_is_not_followed_with_the_token(server):
    with (
        page(302, "", Location=f"{server}/api/v1/query?query=1") as url,
        pytest.raises(OutsideError, match="answered 302"),
    ):
        Prometheus(url, TOKEN).query("up", now())


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://", "http://[::1", "http://a:b/", "http://a/…", "http://a b/"],
)
def test_a_url_that_is_none_is_refused_at_once(url):
    with pytest.raises(ConfigurationError, match="expected http"):
        Prometheus(url)
