import json
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.adapters.metrics import Missing, http_json
from pipeline.adapters.metrics.http_json import HttpJsonMetrics, Paths
from pipeline.errors import ConfigurationError, OutsideError
from tests.servers import dribbling
from tests.servers.page import service
from tests.servers.ports import free_port

AT = datetime(2013, 7, 2, 12, 0, tzinfo=UTC)
WINDOW, AGE = timedelta(seconds=30), timedelta(minutes=1)
PATHS = Paths(value="data[0].value", n="data[0].n", sampled_at="data[0].at", version="model")
GOOD = {"model": "v1", "data": [{"value": 0.5, "n": 40, "at": AT.isoformat()}]}


def asked_of(status, body, **headers):
    with service(status, body, **headers) as (url, _):
        return HttpJsonMetrics(url, PATHS, max_age=AGE).query("m", "v1", WINDOW, AT)


def test_the_paths_find_the_sample_and_the_address_is_filled_in():
    with service(200, json.dumps(GOOD)) as (url, asked):
        template = url + "/{name}?version={version}&last={window}"
        metrics = HttpJsonMetrics(template, PATHS, max_age=AGE, token="t-1")  # noqa: S106
        found = metrics.query("error_rate", "v1", WINDOW, AT)
    assert (found.value, found.n, found.sampled_at, found.missing) == (0.5, 40, AT, None)
    assert asked == [("/error_rate?version=v1&last=30s", "Bearer t-1")]


def changed(**changes):
    return json.dumps({**GOOD, "data": [{**GOOD["data"][0], **changes}]})


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ("{}", Missing.EMPTY),
        ('{"data": []}', Missing.EMPTY),
        (changed(value=None), Missing.EMPTY),
        (changed(at=None), Missing.EMPTY),
        (changed(value=float("nan")), Missing.NOT_A_NUMBER),
        (changed(value=float("inf")), Missing.NOT_A_NUMBER),
        (changed(value=10**400), Missing.NOT_A_NUMBER),
        (changed(value="0.5"), Missing.NOT_A_NUMBER),
        (changed(value=True), Missing.NOT_A_NUMBER),
        (changed(n=-1), Missing.NOT_A_NUMBER),
        (changed(n=float("nan")), Missing.NOT_A_NUMBER),
        (changed(at="yesterday"), Missing.NOT_A_NUMBER),
        (changed(at=1e400), Missing.NOT_A_NUMBER),
        (changed(at=[1]), Missing.NOT_A_NUMBER),
        (changed(at=(AT - timedelta(seconds=61)).isoformat()), Missing.STALE),
        (changed(at=(AT + timedelta(seconds=61)).timestamp()), Missing.STALE),
        (changed(at=(AT - timedelta(seconds=60)).timestamp()), None),
        (changed(at="2013-07-02T12:00:00"), None),  # without a zone it is UTC
        (json.dumps({**GOOD, "model": "v2"}), Missing.OTHER_VERSION),
        (json.dumps({"data": GOOD["data"]}), Missing.OTHER_VERSION),  # it must say whose it is
        ("<html>", Missing.BAD_ANSWER),
        ("[" * 100_000, Missing.BAD_ANSWER),
    ],
)
def test_what_is_no_measurement_is_told_apart(body, missing):
    found = asked_of(200, body)
    assert found.missing is missing
    assert (found.value is None) == (missing is not None)


def test_an_error_and_a_redirect_are_bad_answers():
    assert asked_of(500, "x").missing is Missing.BAD_ANSWER
    assert asked_of(302, "", Location="http://127.0.0.1:1/").missing is Missing.BAD_ANSWER


def test_only_a_service_that_cannot_be_reached_raises_and_shows_no_password():
    url = f"http://me:hidden@127.0.0.1:{free_port()}"
    with pytest.raises(OutsideError, match="not answered") as caught:
        HttpJsonMetrics(url, PATHS, max_age=AGE).query("m", "v1", WINDOW, AT)
    assert "hidden" not in str(caught.value)


def test_a_user_of_the_url_is_sent_and_a_token_goes_before_it():
    with service(200, json.dumps(GOOD)) as (url, asked):
        for token in (None, "t-1\n"):
            whole = url.replace("//", "//me:hidden@")
            metrics = HttpJsonMetrics(whole, PATHS, max_age=AGE, token=token)
            assert metrics.query("m", "v1", WINDOW, AT).value == 0.5
    assert [authorization for _, authorization in asked] == ["Basic bWU6aGlkZGVu", "Bearer t-1"]


def test_a_token_that_no_header_can_carry_is_refused_and_not_shown():
    with pytest.raises(ConfigurationError, match="token: expected printable ASCII") as caught:
        HttpJsonMetrics("http://127.0.0.1:9", PATHS, max_age=AGE, token="hid\nden")  # noqa: S106
    assert "den" not in str(caught.value)


@pytest.mark.parametrize("head", dribbling.STARTS)
def test_a_service_that_sends_a_byte_at_a_time_is_not_waited_for(head, monkeypatch):
    monkeypatch.setattr(http_json, "TIMEOUT_SECONDS", 0.5)
    with dribbling.given_up_on(head, r"not answered by .* \(TimeoutError\)") as address:
        HttpJsonMetrics(f"http://{address}", PATHS, max_age=AGE).query("m", "v1", WINDOW, AT)


def test_every_fault_of_the_configuration_is_told_at_once():
    paths = Paths(value="data[", n="n", sampled_at="||", version="v")
    with pytest.raises(ConfigurationError) as caught:
        HttpJsonMetrics("file:///etc/passwd", paths, max_age=AGE)
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "url",
        "paths.value",
        "paths.sampled_at",
    ]


def filled_into(address, version):
    return HttpJsonMetrics(address, PATHS, max_age=AGE).query("m", version, WINDOW, AT)


@pytest.mark.parametrize("version", ['v"} or vector(0) #', "", "a b", "v\n", "x" * 64, "../v"])
def test_a_version_cannot_become_another_address(version):
    with pytest.raises(ConfigurationError, match="version: found"):
        filled_into("http://127.0.0.1:1/{version}", version)


@pytest.mark.parametrize(
    "template", ["{other}", "{version!r}", "{version:>9}", "{", "{0}", "{version.x}"]
)
def test_an_address_with_another_placeholder_is_refused(template):
    with pytest.raises(ConfigurationError, match="m: "):
        filled_into(f"http://127.0.0.1:1/{template}", "v")
