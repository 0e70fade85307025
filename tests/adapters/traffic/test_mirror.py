"""A copy of the traffic for a challenger: real Envoy, real processes, kept connections."""

import time

import pytest
import requests

from pipeline.adapters.traffic import Backend, Weights
from pipeline.errors import ConfigurationError
from tests.servers import envoy, haproxy, load, plain_backend
from tests.servers.binaries import wait_for

USERS = [f"passenger-{number}" for number in range(400)]
ANSWERED = 'envoy_cluster_upstream_rq_xx{{envoy_response_code_class="2",envoy_cluster_name="{}"}}'
ASKED = 'envoy_cluster_upstream_rq_total{{envoy_cluster_name="{}"}}'


@pytest.fixture
def mirrored(tmp_path):
    """An Envoy under load, its champion, and a challenger that gets copies."""
    with (
        plain_backend.running(tmp_path, "champion") as champion,
        plain_backend.running(tmp_path, "challenger") as challenger,
        envoy.running(tmp_path / "t", Weights(backend_of(champion))) as server,
        load.running(server.provider.port, USERS) as users,
    ):
        server.provider.apply(weights_of(champion, challenger, is_mirrored=True))
        yield server.provider, champion, challenger, users


def backend_of(server):
    return Backend(server.name, "127.0.0.1", server.port)


def weights_of(champion, challenger, points=0, *, is_mirrored=False):
    return Weights(backend_of(champion), backend_of(challenger), points, "salt", is_mirrored)


def counted(provider, name):
    """A counter of Envoy's own; 0 before anything was counted."""
    lines = requests.get(f"http://127.0.0.1:{provider.metrics_port}/metrics", timeout=10).text
    found = [line for line in lines.splitlines() if line.startswith(f"{name} ")]
    return int(found[0].rsplit(" ", 1)[1]) if found else 0


def keep_asking(users, requests=200):
    moment = time.monotonic()
    wait_for(lambda: len(users.since(moment)) > requests, 60)
    return moment


def test_the_challenger_gets_a_copy_of_each_request_and_users_get_the_champion(mirrored):
    provider, champion, challenger, users = mirrored
    assert provider.observe() == weights_of(champion, challenger, is_mirrored=True)
    before = counted(provider, ASKED.format("challenger"))
    start = len(users.answers)
    keep_asking(users)
    asked = len(users.answers) - start
    copies = counted(provider, ASKED.format("challenger")) - before
    assert copies >= asked - 8  # those under way at either end
    assert counted(provider, ANSWERED.format("challenger")) > 100
    assert {answer.version for answer in users.answers} == {"champion"}
    assert users.failed == []


def test_a_request_of_nobody_is_copied_as_well(mirrored):
    provider, _, _, users = mirrored
    users.stop()
    before = counted(provider, ASKED.format("challenger"))
    answer = requests.get(f"http://127.0.0.1:{provider.port}/predict", timeout=10)
    assert answer.headers["x-model-version"] == "champion"
    wait_for(lambda: counted(provider, ASKED.format("challenger")) == before + 1, 10)


def test_when_the_challenger_dies_nobody_notices_and_the_champion_gets_no_copy(mirrored):
    provider, _, challenger, users = mirrored
    keep_asking(users)
    challenger.kill()
    keep_asking(users, 400)
    assert users.failed == []
    assert {answer.version for answer in users.answers} == {"champion"}
    users.stop()
    assert counted(provider, ASKED.format("champion")) == len(users.answers)


def test_from_the_copies_on_to_users_and_back_nothing_fails(mirrored):
    provider, champion, challenger, users = mirrored
    keep_asking(users)
    provider.apply(weights_of(champion, challenger, 5_000))
    moment = keep_asking(users)
    assert {a.version for a in users.since(moment)} == {"champion", "challenger"}
    provider.apply(weights_of(champion, challenger, is_mirrored=True))
    moment = keep_asking(users)
    assert {a.version for a in users.since(moment)} == {"champion"}
    provider.apply(Weights(backend_of(champion)))
    moment = keep_asking(users, 20)
    quiet = counted(provider, ASKED.format("challenger"))
    keep_asking(users)
    assert counted(provider, ASKED.format("challenger")) == quiet
    assert users.failed == []


def test_haproxy_sends_no_copies_and_says_so_before_it_changes_anything(tmp_path):
    champion, challenger = Backend("v1", "127.0.0.1", 1), Backend("v2", "127.0.0.1", 2)
    with haproxy.running(tmp_path / "t", Weights(champion)) as server:
        with pytest.raises(ConfigurationError, match="mirror: HAProxy sends no copies"):
            server.provider.apply(Weights(champion, challenger, 0, "salt", is_mirrored=True))
        assert server.provider.observe() == Weights(champion)
