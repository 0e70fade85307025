"""A rollout through a real Envoy: who is answered by whom, from the merge to the revert."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import requests

from pipeline.rollout_status import Phase
from tests.rolling.rolled import Rolled, file_spec
from tests.rollouts import BAD, HOUR
from tests.servers import envoy, haproxy
from tests.servers.binaries import wait_for
from tests.servers.ports import free_port

USERS = [f"user-{number}" for number in range(300)]


def answered(port: int, digest: str) -> set[str]:
    """The users who are answered by `digest`; every request must be answered."""
    found = set()
    with requests.Session() as session:
        for user in USERS:
            url = f"http://127.0.0.1:{port}/predict"
            reply = session.get(url, headers={"x-user-id": user}, timeout=5)
            assert reply.status_code == 200
            if reply.json()["digest"] == digest:
                found.add(user)
    return found


def test_users_move_to_the_challenger_and_back_and_nobody_else_moves(
    world: Rolled, tmp_path: Path
) -> None:
    spec = file_spec()
    merge = world.merge(spec)
    with envoy.running(tmp_path / "envoy", world.traffic.observe()) as server:
        port, challenger = server.provider.port, spec.challenger.digest

        def reconcile() -> set[str]:
            world.reconcile(provider=lambda *_: server.provider)
            return answered(port, challenger)

        world.record(spec)
        few = reconcile()
        assert 0 < len(few) < 40  # 5 % of 300 are 15
        world.now += 2 * HOUR
        world.record(spec)
        half = reconcile()
        assert few < half
        assert 110 < len(half) < 190
        world.record(spec, challenger=BAD)
        assert reconcile() == set()
        world.revert(merge)
        assert reconcile() == set()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK


def test_a_rollback_that_envoy_cannot_confirm_is_done_and_no_later_run_calls_it_well(
    world: Rolled, tmp_path: Path
) -> None:
    spec = file_spec()
    world.merge(spec)
    with envoy.running(tmp_path / "envoy", world.traffic.observe()) as server:
        port, challenger = server.provider.port, spec.challenger.digest
        world.record(spec)
        world.reconcile(provider=lambda *_: server.provider)
        assert answered(port, challenger)
        (server.provider.folder / "admin.sock").unlink()
        world.record(spec, challenger=BAD)
        (result,) = world.reconcile(provider=lambda *_: server.provider)
        assert result.failures
        assert world.status.records[-1].phase is Phase.ROLLED_BACK
        wait_for(lambda: not answered(port, challenger), 10)
        (result,) = world.reconcile(provider=lambda *_: server.provider)
        assert "cannot be known" in str(result.failures[0])


@pytest.mark.parametrize("server_of", [envoy, haproxy], ids=["envoy", "haproxy"])
def test_users_follow_a_server_to_its_new_address_once_it_answers_there_in_the_same_shares(
    world: Rolled, tmp_path: Path, server_of: ModuleType
) -> None:
    spec = file_spec()
    world.merge(spec)
    with server_of.running(tmp_path / "t", world.traffic.observe()) as server:
        port, challenger = server.provider.port, spec.challenger.digest

        def reconcile() -> None:
            world.record(spec)
            world.reconcile(provider=lambda *_: server.provider)

        reconcile()
        few, kinds = answered(port, challenger), world.kinds()
        assert few
        for model, version in (
            (spec.champion.digest, spec.champion_version),
            (spec.challenger.digest, spec.version),
        ):
            old = server.provider.observe()
            new = free_port()
            addresses = world.serving / "addresses.yaml"
            lines = [ln for ln in addresses.read_text().splitlines() if not ln.startswith(version)]
            addresses.write_text(
                "".join(f"{ln}\n" for ln in [*lines, f"{version}: 127.0.0.1:{new}"])
            )
            if model == spec.champion.digest:  # a challenger that is nowhere is rolled back
                reconcile()
                assert server.provider.observe() == old  # nobody answers there yet
            world.health.stop(model)
            world.health.start(model, new)
            reconcile()
            # HAProxy asks one that it found dead again each second, and the champion until then.
            wait_for(lambda: answered(port, challenger) == few, 30)
        assert [kind for kind in world.kinds() if kind not in ("held", "cleared")] == kinds
        assert sum("shares are as before" in line for line in world.said) == 2


@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_an_address_that_the_traffic_layer_refuses_keeps_no_challenger_its_traffic(
    world: Rolled, tmp_path: Path, role: str
) -> None:
    spec = file_spec()
    world.merge(spec)
    with haproxy.running(tmp_path / "h", world.traffic.observe()) as server:
        world.record(spec)
        world.reconcile(provider=lambda *_: server.provider)
        assert answered(server.provider.port, spec.challenger.digest)
        addresses = world.serving / "addresses.yaml"
        line = f"{spec.champion_version if role == 'champion' else spec.version}: "
        named = addresses.read_text().replace(f"{line}127.0.0.1:", f"{line}localhost:")
        addresses.write_text(named)  # it answers there, but HAProxy takes no names
        world.record(spec, challenger=BAD)
        world.reconcile(provider=lambda *_: server.provider)
        assert world.status.records[-1].phase is Phase.ROLLED_BACK
        assert not answered(server.provider.port, spec.challenger.digest)
        assert any("expected an IP address" in said for said in world.said)
