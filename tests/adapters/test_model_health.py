"""Whatever a model server answers: it serves the digest, or it does not answer."""

from __future__ import annotations

import json

import pytest

from pipeline.adapters.model_health import Answer, ask_server
from tests.servers import dribbling
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


@pytest.mark.parametrize("head", dribbling.STARTS)
def test_a_server_that_sends_a_byte_at_a_time_is_not_waited_for(head: bytes) -> None:
    with dribbling.running(head) as (address, is_cut):
        port = int(address.rpartition(":")[2])
        found = ask_server("127.0.0.1", port, "/healthz", DIGEST, 0.5)
        assert found == Answer(False, f"{address} did not answer (TimeoutError)")
        assert is_cut.wait(5)
