"""What both embedded providers must do, with a real Envoy and a real HAProxy."""

import http.client
import os
import resource
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from pipeline.adapters.traffic import Backend, Weights
from pipeline.adapters.traffic import envoy as envoy_module
from pipeline.adapters.traffic import haproxy as haproxy_module
from pipeline.adapters.traffic.envoy import Envoy
from pipeline.adapters.traffic.haproxy import HAProxy
from pipeline.core.routing import assign
from pipeline.errors import ConfigurationError, OutsideError
from tests.servers import envoy, haproxy, load
from tests.servers.binaries import wait_for

SERVERS = {"envoy": envoy, "haproxy": haproxy}
# Deterministic, and so is their split: 2,000 are enough for one within 1 % of each weight.
USERS = [f"passenger-{number}" for number in range(2_000)]


@pytest.fixture(params=sorted(SERVERS))
def server(request, tmp_path, backends):
    with SERVERS[request.param].running(tmp_path / "t", Weights(backends[0])) as running:
        yield running


class Client:
    """One kept connection."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def version(self, user, method="GET"):
        headers = {} if user is None else {"x-user-id": user.encode()}
        self._connection.request(method, "/predict", headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200
        return answer.headers["x-model-version"]


def expected_version(weights, user):
    if assign(weights.salt, user) < weights.challenger_basis_points:
        return weights.challenger.name
    return weights.champion.name


@pytest.mark.parametrize(("points", "salt"), [(1, "a"), (500, "e-1"), (2_500, "e-2"), (9_999, "z")])
def test_each_user_gets_the_version_that_python_computes(server, backends, points, salt):
    weights = Weights(backends[0], backends[1], points, salt)
    server.provider.apply(weights)
    client = Client(server.provider.port)
    users = [*USERS[:500], "ü-ñ-漢", "a, b", "a:b", " x y", "{}%", "1" * 300]
    users = [user.strip() for user in users]
    assert [client.version(u) for u in users] == [expected_version(weights, u) for u in users]


def test_at_the_ends_everybody_gets_the_same(server, backends):
    champion, challenger, _ = backends
    client = Client(server.provider.port)
    for points, name in ((10_000, challenger.name), (0, champion.name)):
        server.provider.apply(Weights(champion, challenger, points, "salt"))
        assert {client.version(user) for user in USERS[:200]} == {name}


@pytest.mark.parametrize("user", [None, ""])
def test_who_does_not_say_who_they_are_gets_the_champion(server, backends, user):
    server.provider.apply(Weights(backends[0], backends[1], 10_000, "salt"))
    assert Client(server.provider.port).version(user) == backends[0].name


def test_under_load_nothing_fails_nobody_goes_back_and_the_split_is_the_weight(server, backends):
    champion, challenger, _ = backends
    with load.running(server.provider.port, USERS, workers=4) as users:
        time.sleep(0.2)
        start = time.monotonic()
        for points in (500, 2_500, 5_000, 10_000):
            server.provider.apply(Weights(champion, challenger, points, "salt"))
            moment = time.monotonic()
            wait_until_each_asked(users, moment)
            found = load.share(users.since(moment), challenger.name)
            assert found == pytest.approx(points / 10_000, abs=0.01)
        growing = users.since(start)
        server.provider.apply(Weights(champion, challenger, 0, "salt"))
        moment = time.monotonic()
        wait_until_each_asked(users, moment)
        assert {answer.version for answer in users.since(moment)} == {champion.name}
    assert users.failed == []
    assert load.went_back(growing, champion.name) == set()
    assert len(users.answers) > 5 * len(USERS)


def wait_until_each_asked(users, moment):
    wait_for(lambda: len({answer.user for answer in users.since(moment)}) == len(USERS), 60)


NOT_FOR_USERS = [
    *("/", "/feedback", "/metrics", "/healthz", "/predict/", "/predictions", "/PREDICT"),
    *("/predict/../feedback", "/predict%2f..%2ffeedback", "/predict;/../feedback", "//feedback"),
    *("/feedback?/predict", "/feedback/../predict/../feedback"),
]


@pytest.mark.parametrize("points", [0, 10_000])
def test_users_reach_predictions_and_nothing_else(server, backends, points):
    server.provider.apply(Weights(backends[0], backends[1], points, "salt"))
    connection = http.client.HTTPConnection("127.0.0.1", server.provider.port, timeout=10)

    def asked(method, path, headers):
        connection.request(method, path, b"{}" if method == "POST" else None, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["x-model-version"]

    for headers in ({}, {"x-user-id": "u"}):
        for method in ("GET", "POST"):
            found = {path: asked(method, path, headers) for path in NOT_FOR_USERS}
            assert found == dict.fromkeys(NOT_FOR_USERS, (404, None))
            assert asked(method, "/predict?a=/feedback", headers)[0] == 200


def test_a_promotion_and_the_next_challenger_lose_nothing(server, backends):
    first, second, third = backends
    steps = [
        Weights(first, second, 2_500, "one"),
        Weights(first, third, 500, "two"),  # a newer challenger, in the middle of a rollout
        Weights(first, third, 10_000, "two"),
        Weights(third),
        Weights(third, second, 2_500, "three"),
        Weights(first),  # all reverted
    ]
    with load.running(server.provider.port, USERS[:200], workers=4) as users:
        for weights in steps:
            server.provider.apply(weights)
            assert server.provider.observe() == weights
            time.sleep(0.3)
            moment = time.monotonic()
            time.sleep(0.2)
            for answer in users.since(moment)[:-4]:
                assert answer.version == expected_version(weights, answer.user)
    assert users.failed == []


def test_a_restart_begins_with_what_was_served_last(server, backends):
    weights = Weights(backends[0], backends[1], 2_500, "salt")
    server.provider.apply(weights)
    server.kill()
    server.provider.prepare(Weights(backends[2]))  # as a script that starts it would
    server.start()
    assert server.provider.observe() == weights
    client = Client(server.provider.port)
    users = USERS[:99]
    assert [client.version(u) for u in users] == [expected_version(weights, u) for u in users]


def test_what_cannot_be_confirmed_is_an_error_and_is_served_by_the_next_start(server, backends):
    weights = Weights(backends[0], backends[1], 2_500, "salt")
    server.kill()
    with pytest.raises(OutsideError, match="Is it running"):
        server.provider.apply(weights)
    with pytest.raises(OutsideError, match="Is it running"):
        server.provider.observe()
    server.start()
    server.provider.apply(weights)
    assert server.provider.observe() == weights


@pytest.mark.parametrize("left", [0, 500])
def test_traffic_is_taken_away_where_envoy_cannot_be_asked_and_none_is_given(
    tmp_path, backends, left
):
    champion, challenger, _ = backends
    with envoy.running(tmp_path / "t", Weights(champion)) as server:
        server.provider.apply(Weights(champion, challenger, 10_000, "salt"))
        client = Client(server.provider.port)
        (server.provider.folder / "admin.sock").unlink()
        less = Weights(champion, challenger, left, "salt") if left else Weights(champion)
        with pytest.raises(OutsideError, match="Is it running"):
            server.provider.apply(less)
        share = [expected_version(less, user) for user in USERS[:100]]
        wait_for(lambda: [client.version(user) for user in USERS[:100]] == share, 10)
        with pytest.raises(OutsideError, match="Is it running"):
            server.provider.apply(Weights(champion, challenger, 2_500, "salt"))
        time.sleep(0.5)
        assert [client.version(user) for user in USERS[:100]] == share


def test_what_was_taken_from_a_dead_proxy_is_not_given_by_its_restart(server, backends):
    server.provider.apply(Weights(backends[0], backends[1], 10_000, "salt"))
    server.kill()
    with pytest.raises(OutsideError, match="Is it running"):
        server.provider.apply(Weights(backends[0]))
    server.start()
    client = Client(server.provider.port)
    assert {client.version(user) for user in USERS[:100]} == {backends[0].name}


@contextmanager
def full_disk():
    """No file of this process can have a byte more than it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_is_told_and_haproxy_takes_traffic_away_without_it(tmp_path, backends):
    champion, challenger, _ = backends
    with haproxy.running(tmp_path / "t", Weights(champion)) as server:
        server.provider.apply(Weights(champion, challenger, 500, "salt"))
        before = server.provider.observe()
        with full_disk(), pytest.raises(OutsideError, match=r"haproxy\.cfg: cannot be written"):
            server.provider.apply(Weights(champion, backends[2], 2_500, "salt"))
        assert server.provider.observe() == before
        with full_disk(), pytest.raises(OutsideError, match=r"haproxy\.cfg: cannot be written"):
            server.provider.apply(Weights(champion))
        assert server.provider.observe() == Weights(champion)


def test_applying_again_changes_no_file(server, backends):
    weights = Weights(backends[0], backends[1], 2_500, "salt")
    server.provider.apply(weights)
    before = files_of(server.provider.folder)
    server.provider.apply(weights)
    assert files_of(server.provider.folder) == before


def files_of(folder):
    kinds = (".yaml", ".cfg", ".map")
    paths = [path for path in folder.rglob("*") if path.suffix in kinds]
    assert len(paths) >= 2
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def test_killed_at_any_file_or_command_the_next_run_makes_it_true(server, backends):
    first, second, third = backends
    before = Weights(first, second, 2_500, "one")
    wanted = Weights(second, third, 5_000, "two")
    for step in range(1, 20):
        server.provider.apply(before)
        if not killed_at(step, server.provider, wanted):
            break
        for user in USERS[:20]:
            Client(server.provider.port).version(user)  # whatever it is, it is an answer
        server.provider.apply(wanted)
        assert server.provider.observe() == wanted
    assert step >= 3
    assert server.provider.observe() == wanted


def killed_at(step, provider, wanted):
    """Whether a process that applies `wanted` was killed right before its `step`-th effect."""
    child = os.fork()
    if child == 0:
        left = [step]

        def deadly(effect):
            def run(*arguments):
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return effect(*arguments)

            return run

        for module in (envoy_module, haproxy_module):
            module.save_durably = deadly(module.save_durably)
        runtime = haproxy_module.Runtime
        runtime.set_map, runtime.set_server = deadly(runtime.set_map), deadly(runtime.set_server)
        provider.apply(wanted)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_the_metrics_port_gives_metrics_and_nothing_else(server, backends):
    server.provider.apply(Weights(backends[0], backends[1], 5_000, "salt"))
    client = Client(server.provider.port)
    for user in USERS[:50]:
        client.version(user)
    connection = http.client.HTTPConnection("127.0.0.1", server.provider.metrics_port)

    def ask(method, path):
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    status, text = ask("GET", "/metrics")
    assert status == 200
    assert "_requests_total" in text or "upstream_rq_total" in text
    for method, path in (
        ("POST", "/metrics"),
        ("POST", "/quitquitquit"),
        ("GET", "/config_dump"),
        ("GET", "/metrics/../quitquitquit"),
        ("GET", "/stats"),
    ):
        assert ask(method, path)[0] in (404, 405), path


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"folder": Path("/tmp") / ("x" * 90)}, "folder"),  # noqa: S108 (never made)
        ({"folder": Path("here")}, "folder"),
        ({"folder": Path('/srv/a b"')}, "folder"),
        ({"header": "x-user-id) -m found"}, "header"),
        ({"header": ""}, "header"),
        ({"host": "localhost\n  bind *:1"}, "host"),
        ({"host": "::1%x\n  bind *:1"}, "host"),
    ],
)
@pytest.mark.parametrize("provider", [Envoy, HAProxy])
def test_what_could_break_out_of_the_configuration_is_refused(provider, changes, where):
    with pytest.raises(ConfigurationError, match=f"{where}: found"):
        provider(**{"folder": Path("/srv/traffic"), "port": 1, "metrics_port": 2, **changes})


@pytest.mark.parametrize("host", ["::1", "2001:DB8::1", "0:0:0:0:0:0:0:1", "::FFFF:127.0.0.1"])
def test_a_server_at_an_address_of_any_form_is_given_traffic_and_left_again(server, backends, host):
    champion, challenger = backends[0], Backend("v-6", host, 9_001)
    for wanted in (
        Weights(champion, challenger, 500, "e-1"),
        Weights(challenger),
        Weights(champion),
    ):
        server.provider.apply(wanted)
        assert server.provider.observe().champion == wanted.champion


def test_haproxy_needs_addresses(tmp_path):
    provider = HAProxy(tmp_path, 1, 2)
    with pytest.raises(ConfigurationError, match="expected an IP address"):
        provider.prepare(Weights(Backend("v1", "models.example", 80)))
    assert list(tmp_path.iterdir()) == []


def test_envoy_looks_names_up_and_keeps_the_former_servers(tmp_path):
    first, second = Backend("v1", "one.example", 80), Backend("v2", "127.0.0.1", 81)
    Envoy(tmp_path, 1, 2).prepare(Weights(first, second, 500, "salt"))
    assert Envoy(tmp_path, 1, 2).written() == Weights(first, second, 500, "salt")
    text = envoy_module.render_clusters(Weights(second), also=Weights(first))
    clusters = {one["name"]: one for one in yaml.safe_load(text)["resources"]}
    assert {name: one["type"] for name, one in clusters.items()} == {
        "v1": "STRICT_DNS",
        "v2": "STATIC",
    }
    assert len(clusters["v1"]["load_assignment"]["endpoints"]) == 2  # falls back to the champion


@pytest.mark.parametrize("text", ["", "[]", "{", "resources: [{}]", "resources: 1"])
def test_a_route_file_that_is_none_of_ours_is_written_anew(tmp_path, text):
    provider, weights = Envoy(tmp_path, 1, 2), Weights(Backend("v1", "127.0.0.1", 80))
    provider.prepare(weights)
    (tmp_path / "watched" / "routes.yaml").write_text(text)
    assert provider.written() is None
    provider.prepare(weights)
    assert provider.written() == weights
