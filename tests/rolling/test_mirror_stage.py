"""A plan that begins with a copy of the traffic, to a reverted stage, on real Envoy."""

from __future__ import annotations

from pathlib import Path

from pipeline.rollout_status import Phase
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec
from tests.rollouts import HOUR
from tests.servers import envoy

MIRROR = {"duration": "1h", "success_criteria": {"error_rate_max": 0.02}}


def test_the_copy_comes_first_then_users_and_a_revert_goes_back_to_the_copy(
    world: Rolled, tmp_path: Path
) -> None:
    spec = file_spec(mirror=MIRROR)
    world.merge(spec)
    with envoy.running(tmp_path / "envoy", world.traffic.observe()) as server:

        def reconcile() -> tuple[bool, int]:
            world.record(spec)
            world.reconcile(provider=lambda *_: server.provider)
            weights = server.provider.observe()
            return weights.is_mirrored, weights.challenger_basis_points

        assert reconcile() == (True, 0)
        told = git(world.folder / "remote.git", "log", "-1", "--format=%s", "main")
        assert told.startswith(f"flight-delay: a copy of the traffic to {spec.version}, stage 1")
        tip = world.tip()
        assert reconcile() == (True, 0)
        assert world.tip() == tip
        world.now += HOUR
        assert reconcile() == (False, 500)
        world.revert(world.tip())
        assert reconcile() == (True, 0)
    assert world.status.records[-1].phase is Phase.PAUSED
