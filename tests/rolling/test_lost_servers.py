"""Servers that die at the worst moment of a rollout: through a real Envoy, under load."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from pipeline.adapters.traffic.envoy import Envoy
from pipeline.manifest import RolloutSpec
from pipeline.rolling.effects import Hands
from pipeline.rolling.reports import stops_in
from pipeline.rollout_status import Phase
from pipeline.serving_config import ServingConfig
from tests.rolling.rolled import Rolled, address_of, file_spec, roll, rolled
from tests.rolling.test_watchdog import Watching, git_reach
from tests.rollouts import BAD, MINUTE, START
from tests.servers import envoy, load
from tests.servers.binaries import wait_for
from tests.servers.page import page

USERS = [f"passenger-{number}" for number in range(200)]
DUE = 65 * MINUTE  # a stage's hour, and the window of its metrics


@dataclass
class Served:
    """A rollout with an Envoy and users in front of it."""

    world: Rolled
    spec: RolloutSpec
    traffic: Envoy
    users: load.Load

    def reconcile(self, wrap: Callable[[Hands], Hands] | None = None):
        self.world.record(self.spec)
        return self.world.reconcile(wrap=wrap, provider=lambda *_: self.traffic)

    def go_on_until(self, kind: str) -> None:
        while kind not in self.world.kinds():
            self.reconcile()
            self.world.now += DUE

    def dying_before_weights(self, hands: Hands) -> Hands:
        """The challenger's server dies after look and commit, before the weights are set."""

        def set_weights(*arguments) -> None:
            if self.spec.challenger.digest in self.world.health.servers:
                self.world.health.stop(self.spec.challenger.digest)
            hands.set_weights(*arguments)

        return replace(hands, set_weights=set_weights)

    def versions(self, requests: int = 100) -> set[str]:
        """Who answers the next so many requests that begin from now on."""
        moment = time.monotonic()
        wait_for(lambda: len(self.users.since(moment)) > requests, 60)
        return {answer.version for answer in self.users.since(moment)}


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with (
        rolled(tmp_path_factory.mktemp("w")) as world,
        envoy.running(world.serving / "e", world.traffic.observe()) as server,
        load.running(server.provider.port, USERS, per_second=150) as users,
    ):
        spec = file_spec()
        world.merge(spec)
        yield Served(world, spec, server.provider, users)


@pytest.mark.parametrize(
    ("before", "at"), [("stage-2", "stage-3"), ("stage-3", "promoted")], ids=["100 %", "promotion"]
)
def test_a_challenger_that_dies_at_the_final_switch_is_not_routed_to_and_nothing_fails(
    served: Served, before: str, at: str
) -> None:
    served.go_on_until(before)
    weights = served.traffic.observe()
    (result,) = served.reconcile(served.dying_before_weights)
    assert served.world.kinds()[-1] == at  # that commit was on its way already
    assert "gets no more traffic, since its server does not answer" in str(result.failures[0])
    assert served.traffic.observe() == weights
    assert served.versions() == {served.spec.champion.digest}  # Envoy asks the champion instead

    served.reconcile()
    assert served.world.status.records[-1].phase is Phase.ROLLED_BACK
    assert served.traffic.observe().challenger is None
    assert served.traffic.observe().champion.name == served.spec.champion_version
    assert served.world.champion().digest == served.spec.champion.digest
    assert served.versions() == {served.spec.champion.digest}
    assert served.users.failed == []


@pytest.mark.parametrize("before", ["stage-1", "stage-3"])
@pytest.mark.parametrize("how", ["gone", "another model"])
def test_nothing_advances_while_the_champion_does_not_answer_and_it_goes_on_afterwards(
    world: Rolled, before: str, how: str
) -> None:
    spec = file_spec()
    world.merge(spec)
    while before not in world.kinds():
        world.record(spec)
        world.reconcile()
        world.now += DUE
    share, port = world.share(), address_of(world, spec.champion_version)
    world.health.stop(spec.champion.digest)
    if how == "another model":
        world.health.start("sha256:" + "f" * 64, port)
    for _ in range(2):
        world.record(spec)
        world.reconcile()
        assert world.kinds()[-1] == "held"
        assert "The champion does not answer" in world.status.records[-1].reason
        assert world.share() == share
        world.now += DUE
    if how == "another model":
        world.health.stop("sha256:" + "f" * 64)
    world.health.start(spec.champion.digest, port)
    world.record(spec)
    world.reconcile()
    assert world.kinds()[-1] == ("stage-2" if before == "stage-1" else "promoted")


def forget_the_way_back(world: Rolled, spec: RolloutSpec) -> str:
    """Somebody took the champion of before out of the addresses. Returns them as they were."""
    path = world.serving / "addresses.yaml"
    before = path.read_text()
    lines = before.splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(spec.champion_version)))
    return before


def test_a_rollback_in_the_bake_that_has_nowhere_to_go_is_told_with_what_to_do(
    world: Rolled,
) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "promoted")
    addresses = forget_the_way_back(world, spec)
    world.record(spec, challenger=BAD)
    world.reconcile()
    assert world.served() == spec.version
    (alert,) = [line.strip() for line in world.said if "ALERT" in line]
    start, _, rest = alert.partition(": USERS MAY STILL GET IT, and each look tries again. ")
    assert start == f"ALERT {world.model}: {spec.version} was rolled back"
    assert f"no address of {spec.champion_version}. Start its server, and write its line" in rest
    assert "It ended for: error rate: 20 %" in rest

    (world.serving / "addresses.yaml").write_text(addresses)
    world.reconcile()
    assert (world.served(), world.champion()) == (spec.champion_version, spec.champion)


def all_up() -> str:
    """What a Prometheus says that knows every server, and that it is up."""
    found = [{"metric": {}, "value": [START.timestamp(), "1"]}]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": found}})


def test_a_way_back_that_is_lost_is_told_in_the_bake_also_where_prometheus_says_who_answers(
    world: Rolled,
) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "promoted")
    forget_the_way_back(world, spec)
    world.record(spec)
    beside, elsewhere = world.equipment(world.repository()).serving, git_reach(world)
    with page(200, all_up()) as url:
        world.environment = {"PROMETHEUS_URL": url}
        world.reconcile(serving=by_prometheus(elsewhere))
        assert world.kinds()[-1] == "promoted"  # it needs no address there
        world.reconcile(serving=by_prometheus(beside))
    assert world.kinds()[-1] == "held"
    assert f"champion: unknown: {world.serving / 'addresses.yaml'}: no address of" in world.said[-2]
    assert "Start its server, and write its line there" in world.status.records[-1].reason


def by_prometheus(serving: ServingConfig) -> ServingConfig:
    health = serving.default.health.model_copy(update={"source": "prometheus"})
    return serving.model_copy(
        update={"default": serving.default.model_copy(update={"health": health})}
    )


def test_a_job_that_does_not_reach_the_traffic_layer_tells_what_its_watchdog_could_not_move(
    world: Rolled,
) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "promoted")
    watching = Watching(world)
    forget_the_way_back(world, spec)
    world.record(spec, challenger=BAD)
    assert "no address of" in str(watching.look()[0])
    assert world.served() == spec.version
    (event, payload), *_ = watching.reports.values()
    stops = stops_in({"action": event, "client_payload": payload})
    world.reconcile(serving=git_reach(world), stops=stops)
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    (alert,) = [line for line in world.said if "ALERT" in line]
    assert "USERS MAY STILL GET IT" in alert
    assert f"no address of {spec.champion_version}" in alert
    assert "error rate: 20 %" in alert
