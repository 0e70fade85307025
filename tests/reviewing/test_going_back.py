"""What a pull request may bring back without a gate: never a model that was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.champion import champion_path
from pipeline.core.review.kind import Kind, kind_of
from pipeline.experiment import Experiment, experiment_path, looks_path, render_experiment
from pipeline.manifest import rollout_path
from pipeline.reviewing.facts import commits_of
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Phase, status_path
from tests.core.ab_tests import DAY, START
from tests.monitoring.ab_worlds import experiment
from tests.repository import commit, git
from tests.rolling.rolled import Rolled, file_spec, roll, rolled
from tests.rollouts import BAD, MINUTE, commands_path


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


@pytest.mark.parametrize("name", ["rollout.yaml", "status/0001-stage-1.yaml"])
def test_a_link_in_the_place_of_what_was_not_there_once_is_judged(world: Rolled, name: str) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-1")
    world.pull()
    path = rollout_path(world.people, world.model).parent / name
    assert path.exists()
    path.unlink()
    path.symlink_to("/dev/null")  # the reconciler refuses the whole model for it, and moves nothing
    assert kind_of_a_pull(world) is not Kind.ROLLBACK


def test_records_are_taken_back_for_free_by_nothing_but_their_absence(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-1")
    world.pull()
    [record] = status_path(world.people, world.model).iterdir()
    record.unlink()
    assert kind_of_a_pull(world) is Kind.ROLLBACK


def ab_test(world: Rolled, percent: int, **changes: object) -> Experiment:
    """A test as the clone of the people has it from now on."""
    weights = [{"at": START, "challenger_basis_points": percent * 100}]
    found = experiment(model=world.model, weights=weights, **changes)
    path = experiment_path(world.people, world.model, found.id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_experiment(found))
    world.push(f"Give it {percent} %")
    return found


def test_a_test_that_was_stopped_does_not_go_on_by_its_old_file(world: Rolled) -> None:
    found = ab_test(world, 5)
    path = experiment_path(world.people, world.model, found.id)
    running = path.read_text()
    ab_test(world, 5, stopped_at=START + DAY, stopped_because="it harms")
    path.write_text(running)
    assert kind_of_a_pull(world) is Kind.SERVING


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [(5, 50, Kind.ROLLBACK), (50, 5, Kind.SERVING)],
)
def test_a_test_may_go_back_to_less_for_free_and_not_to_more(
    world: Rolled, before: int, now: int, kind: Kind
) -> None:
    path = experiment_path(world.people, world.model, ab_test(world, before).id)
    earlier = path.read_text()
    ab_test(world, now)
    path.write_text(earlier)
    assert kind_of_a_pull(world) is kind


def test_a_test_may_end_for_free(world: Rolled) -> None:
    experiment_path(world.people, world.model, ab_test(world, 5).id).unlink()
    assert kind_of_a_pull(world) is Kind.ROLLBACK


def test_the_looks_of_another_day_do_not_come_back_for_free(world: Rolled) -> None:
    path = looks_path(world.people, world.model, ab_test(world, 5).id)
    for text in ("model_b was ahead", "model_a is ahead"):
        path.write_text(text)
        world.push("Look")
    path.write_text("model_b was ahead")
    assert kind_of_a_pull(world) is Kind.SERVING
