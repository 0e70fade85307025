"""What a pull request may bring back without a gate: never a model that was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.champion import champion_path
from pipeline.core.review.kind import Kind, kind_of
from pipeline.reviewing.facts import commits_of
from pipeline.rollout_commands import Command, Verb, commands_path
from pipeline.rollout_status import Phase
from tests.repository import commit, git
from tests.rolling.rolled import Rolled, file_spec, roll, rolled
from tests.rollouts import BAD, MINUTE


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Rolled]:
    with rolled(tmp_path / "world") as found:
        yield found


def kind_of_a_pull(world: Rolled) -> Kind:
    """The kind of what was changed in the clone of the people, on a branch of its own."""
    git(world.people, "checkout", "--quiet", "-b", "pull")
    commit(world.people, "Tidy up")
    head = git(world.people, "rev-parse", "HEAD").strip()
    git(world.people, "checkout", "--quiet", "main")
    return kind_of(commits_of(world.people, head).changes)


def test_the_promotion_is_reverted_for_free(world: Rolled) -> None:
    before = champion_path(world.people, world.model).read_text()
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "promoted")
    world.pull()
    champion_path(world.people, world.model).write_text(before)
    assert kind_of_a_pull(world) is Kind.ROLLBACK


def test_a_model_that_was_stopped_does_not_come_back_by_its_old_pointer(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "promoted")
    world.pull()
    pointer = champion_path(world.people, world.model)
    promoted = pointer.read_text()
    world.now += 10 * MINUTE
    world.record(spec, challenger=BAD)
    world.reconcile()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    world.pull()
    pointer.write_text(promoted)
    assert kind_of_a_pull(world) is Kind.SERVING

    git(world.people, "merge", "--quiet", "--ff-only", "pull")  # and whoever merges it all the same
    git(world.people, "push", "--quiet", "origin", "main")
    world.record(spec, challenger=BAD)
    world.said.clear()
    (result,) = world.reconcile()
    assert (result.steps, result.failures) == ((), ())
    assert "which was stopped" in world.said[-1]
    assert world.served() == spec.champion_version


def test_what_a_person_told_a_rollout_is_not_taken_back_for_free(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-1")
    world.tell(Command(Verb.PAUSE, spec.version))
    [pause] = commands_path(world.people, world.model).iterdir()
    pause.unlink()
    assert kind_of_a_pull(world) is Kind.SERVING


def test_an_old_pointer_that_cannot_be_read_is_judged(world: Rolled) -> None:
    pointer = champion_path(world.people, world.model)
    good = pointer.read_text()
    for text in ("model: [", good):
        pointer.write_text(text)
        world.push("Edit the pointer")
    pointer.write_text("model: [")
    assert kind_of_a_pull(world) is Kind.SERVING
