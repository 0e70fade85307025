"""Champion pointer and MLflow's alias move together: a real MLflow, real git, and kills between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipeline.manifest import RolloutSpec
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rollouts import HOUR, MODEL
from tests.servers.ports import free_port
from tests.servers.registered import Registered

CHAMPION, CHALLENGER = "1", "2"
STAGES = [{"traffic_percentage": 100, "duration": "1h", "success_criteria": {"error_rate_max": 1}}]


@pytest.fixture
def registry(world: Rolled, mlflow_url: str) -> Iterator[Registered]:
    spec = file_spec()
    there = Registered(mlflow_url, spec.champion.digest, spec.challenger.digest, name=MODEL)
    there.ask("POST", "registered-models/alias", name=MODEL, alias="champion", version=CHAMPION)
    world.environment = {"MLFLOW_TRACKING_URI": mlflow_url}
    yield there
    there.drop()


def test_the_alias_moves_on_promotion_and_back_with_the_revert(
    world: Rolled, registry: Registered
) -> None:
    spec = file_spec(canary_stages=STAGES)
    world.merge(spec)
    roll(world, spec, "stage-1")
    assert registry.champion == CHAMPION
    roll(world, spec, "promoted")
    assert registry.champion == CHALLENGER
    assert world.champion().digest == spec.challenger.digest
    world.revert(world.tip())
    world.record(spec)
    world.reconcile()
    assert registry.champion == CHAMPION
    assert world.champion().digest == spec.champion.digest


def test_killed_around_every_effect_pointer_and_alias_agree_in_the_end(
    world: Rolled, registry: Registered
) -> None:
    spec = file_spec(canary_stages=STAGES, bake_after_promotion=None)
    world.merge(spec)
    roll(world, spec, "stage-1")
    for until, expected in (("promoted", CHALLENGER), ("ended", CHAMPION)):
        world.now += 2 * HOUR
        world.record(spec)
        assert killed_at_each_effect(world) >= 3  # commit, alias and weights, in some order
        world.reconcile()
        assert world.kinds()[-1] == until
        assert registry.champion == expected
        assert world.champion().digest == by_number(spec)[expected]
        if until == "promoted":
            world.revert(world.tip())


def killed_at_each_effect(world: Rolled) -> int:
    """How many runs were killed: before and after their first effect, their second, and so on."""
    return sum(
        world.reconcile_and_be_killed(effect, after=is_after)
        for effect in range(4)
        for is_after in (False, True)
    )


def by_number(spec: RolloutSpec) -> dict[str, str]:
    return {CHAMPION: spec.champion.digest, CHALLENGER: spec.challenger.digest}


def test_a_registry_that_is_down_delays_nothing_and_is_mended_by_a_later_run(
    world: Rolled, registry: Registered
) -> None:
    spec = file_spec(canary_stages=STAGES, bake_after_promotion=None)
    world.merge(spec)
    roll(world, spec, "stage-1")
    up = world.environment
    world.environment = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}"}
    roll(world, spec, "promoted")
    assert world.served() == spec.version
    assert registry.champion == CHAMPION
    assert any("The alias is looked at again by the next run." in line for line in world.said)
    world.environment = up
    tip = git(world.folder / "remote.git", "rev-parse", "main")
    world.reconcile()
    assert registry.champion == CHALLENGER
    assert git(world.folder / "remote.git", "rev-parse", "main") == tip
