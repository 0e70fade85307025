"""What happens to requests when a model server goes: real processes, kept connections."""

import signal
import time
from contextlib import contextmanager

import pytest
import requests

from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic.envoy import Envoy
from pipeline.adapters.traffic.haproxy import HAProxy
from tests.servers import envoy, haproxy, load, model_server, plain_backend
from tests.servers.binaries import wait_for

SERVERS = {"envoy": envoy, "haproxy": haproxy}
USERS = [f"passenger-{number}" for number in range(400)]
WORKERS = 8


@pytest.fixture(params=sorted(SERVERS))
def rollout(request, tmp_path):
    """The provider, a champion, and a challenger at 25 %, under load."""
    with (
        plain_backend.running(tmp_path, "champion") as champion,
        plain_backend.running(tmp_path, "challenger") as challenger,
        SERVERS[request.param].running(tmp_path / "t", Weights(backend_of(champion))) as server,
    ):
        weights = Weights(backend_of(champion), backend_of(challenger), 2_500, "salt")
        server.provider.apply(weights)
        with load.running(server.provider.port, USERS, workers=WORKERS) as users:
            keep_asking(users)
            assert versions(users.answers) == {"champion", "challenger"}
            yield server.provider, champion, challenger, users


def backend_of(server):
    name = getattr(server, "name", None) or server.version
    return Backend(name, "127.0.0.1", server.port)


def keep_asking(users, requests=300):
    """Until so many more were answered; returns when that began."""
    moment = time.monotonic()
    wait_for(lambda: len(users.since(moment)) > requests, 60)
    return moment


@contextmanager
def back_again(challenger, users, folder):
    """The challenger at its port once more, as soon as users meet it there."""
    with plain_backend.running(folder, "challenger", port=challenger.port) as again:
        moment = time.monotonic()
        wait_for(lambda: "challenger" in versions(users.since(moment)), 30)
        yield again


def versions(answers):
    return {answer.version for answer in answers if answer.status == 200}


def lost(provider, users):
    """How many requests were lost beyond what `provider` may lose to a killed server.

    Envoy: none, it asks the champion again. HAProxy closes the connection of a request whose
    answer was cut by a reset, so those under way at the kill, and none after them.
    """
    return max(0, len(users.failed) - (0 if isinstance(provider, Envoy) else WORKERS))


def test_for_a_killed_challenger_the_champion_answers(rollout):
    provider, _, challenger, users = rollout
    challenger.kill()
    keep_asking(users)
    moment = keep_asking(users)
    assert versions(users.since(moment)) == {"champion"}
    assert lost(provider, users) == 0


def test_a_dead_challenger_shows_in_the_proxys_own_metrics(rollout, tmp_path):
    provider, _, challenger, users = rollout
    names = {
        Envoy: 'envoy_cluster_upstream_rq_retry{envoy_cluster_name="challenger"}',
        HAProxy: 'haproxy_backend_redispatch_warnings_total{proxy="challenger"}',
    }
    name = names[type(provider)]
    assert sample(provider, name) == 0  # there from the start
    challenger.kill()
    keep_asking(users, 50)
    # Where the proxy's own look finds it dead before a request does, no request shows it.
    for death in range(5):
        if sample(provider, name):
            break
        with back_again(challenger, users, tmp_path / f"again-{death}") as challenger_again:
            challenger_again.kill()
        keep_asking(users, 50)
    assert sample(provider, name) > 0


def sample(provider, name):
    lines = requests.get(f"http://127.0.0.1:{provider.metrics_port}/metrics", timeout=10).text
    (line,) = (line for line in lines.splitlines() if line.startswith(f"{name} "))
    return float(line.rsplit(" ", 1)[1])


def test_so_it_does_for_one_that_dies_at_the_final_switch_and_rolling_back_loses_nothing(rollout):
    provider, champion, challenger, users = rollout
    provider.apply(Weights(backend_of(champion), backend_of(challenger), 10_000, "salt"))
    moment = time.monotonic()
    keep_asking(users)
    assert versions(users.since(moment)[WORKERS:]) == {"challenger"}
    challenger.kill()
    keep_asking(users)
    provider.apply(Weights(backend_of(champion)))
    moment = keep_asking(users)
    assert versions(users.since(moment)) == {"champion"}
    assert lost(provider, users) == 0


def test_weight_0_a_moment_and_then_the_end_loses_nothing(rollout):
    provider, champion, challenger, users = rollout
    provider.apply(Weights(backend_of(champion), backend_of(challenger), 0, "salt"))
    time.sleep(1)  # what was under way is answered
    challenger.process.send_signal(signal.SIGTERM)
    moment = keep_asking(users)
    assert versions(users.since(moment)) == {"champion"}
    assert users.failed == []


def test_a_challenger_that_comes_back_is_asked_again(rollout, tmp_path):
    provider, _, challenger, users = rollout
    challenger.kill()
    keep_asking(users)
    with back_again(challenger, users, tmp_path / "again"):
        pass
    assert lost(provider, users) == 0


def test_real_model_servers_are_rolled_out_and_back_without_a_loss(tmp_path):
    packages = [tmp_path / "a", tmp_path / "b"]
    digests = [
        model_server.build_tiny_package(folder, seed=seed) for seed, folder in enumerate(packages)
    ]
    with (
        model_server.running(tmp_path, packages[0], digests[0]) as champion,
        model_server.running(tmp_path, packages[1], digests[1]) as challenger,
        envoy.running(tmp_path / "t", Weights(backend_of(champion))) as server,
        load.running(server.provider.port, USERS, body=model_server.BODY) as users,
    ):
        first, second = backend_of(champion), backend_of(challenger)
        keep_asking(users, 50)
        server.provider.apply(Weights(first, second, 5_000, "salt"))
        moment = keep_asking(users, 100)
        assert versions(users.since(moment)) == {champion.version, challenger.version}
        server.provider.apply(Weights(second))
        time.sleep(1)
        champion.terminate()
        moment = keep_asking(users, 100)
        assert versions(users.since(moment)) == {challenger.version}
    assert users.failed == []
