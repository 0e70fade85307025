"""A registry that has the model, and no alias `champion` yet: the first promotion makes it."""

from __future__ import annotations

import pytest

from pipeline.core.rollout.step import is_elsewhere
from pipeline.rollout_status import Phase
from tests.rollouts import START, run_until, spec_of, world_of


def test_the_first_promotion_makes_the_alias() -> None:
    spec = spec_of()
    world = world_of(spec)
    world.alias = ""
    run_until(world, Phase.PROGRESSING, START)
    assert world.alias == ""
    run_until(world, Phase.BAKING, START)
    assert world.alias == spec.challenger.digest


@pytest.mark.parametrize(
    ("alias", "is_promoted", "expected"),
    [
        (None, True, False),  # no registry, or a silent one: nothing is known
        ("", False, False),  # a first champion that nobody registered could not have it
        ("", True, True),
        ("sha256:a", True, False),
        ("sha256:b", False, True),
    ],
)
def test_when_an_alias_moves(alias: str | None, is_promoted: bool, expected: bool) -> None:
    assert is_elsewhere(alias, "sha256:a", is_promoted=is_promoted) is expected
