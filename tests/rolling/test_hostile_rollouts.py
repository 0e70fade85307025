"""What a stranger may commit below rollouts/: refused with the reason, and nothing is applied."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigurationError
from pipeline.manifest import render_rollout
from pipeline.rollout_commands import Command, Verb, render_command
from pipeline.rollout_status import Phase
from tests.repository import commit, git
from tests.rolling.rolled import Rolled, file_spec
from tests.rollouts import commands_path

GOOD = render_rollout(file_spec())
BOMB = "a: &a [x, x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(20))
HOSTILE = {
    "a path that leads out": GOOD.replace("evidence/2013", "evidence/../../etc/2013"),
    "an absolute path": GOOD.replace("evidence/2013", "/etc/2013"),
    "a bomb": BOMB,
    "a tag that runs": "!!python/object/apply:os.system ['true']",
    "another model": GOOD.replace("model: flight-delay", "model: other"),
    "a digest that is none": GOOD.replace("c" * 64, "c" * 63 + "/"),
    "10 MB": GOOD + "# x" * 3_500_000,
    "no UTF-8": b"\xff\xfe\x00",
    "a list": "- a\n",
    "nothing": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_manifest_is_refused_and_nothing_is_applied(
    world: Rolled, text: str | bytes
) -> None:
    path = world.people / "rollouts/flight-delay/rollout.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert_refused(world)


def assert_refused(world: Rolled, name: str = "flight-delay") -> None:
    commit(world.people, "Propose")
    git(world.people, "push", "--quiet", "origin", "main")
    tip, weights = world.tip(), (world.serving / "weights.log").read_text()
    found = {result.model: result for result in world.reconcile()}
    (failure,) = found[name].failures
    assert isinstance(failure, ConfigurationError)
    assert failure.faults
    assert found[name].steps == ()
    assert world.tip() == tip
    assert (world.serving / "weights.log").read_text() == weights


@pytest.mark.parametrize("place", ["rollout.yaml", "status/0001-stage-1.yaml"])
def test_a_link_is_refused(world: Rolled, place: str) -> None:
    path = world.people / "rollouts/flight-delay" / place
    path.parent.mkdir(exist_ok=True)
    (world.people / "secret").write_text(GOOD)
    path.symlink_to(world.people / "secret")
    assert_refused(world)


@pytest.mark.parametrize("name", ["Up$(id)", "-x", "a" * 64, "mödel", "..a"])
def test_a_hostile_name_of_a_model_is_refused(world: Rolled, name: str) -> None:
    folder = world.people / "rollouts" / name
    folder.mkdir()
    (folder / "rollout.yaml").write_text(GOOD)
    assert_refused(world, name)


def test_records_that_nobody_wrote_here_are_refused(world: Rolled) -> None:
    folder = world.people / "rollouts/flight-delay/status"
    folder.mkdir()
    (folder / "0001-stage-1.yaml").write_text("schema: 1\nmodel: flight-delay\n")
    assert_refused(world)


def test_a_command_whose_name_says_another_thing_is_refused(world: Rolled) -> None:
    folder = commands_path(world.people, "flight-delay")
    folder.mkdir()
    command = Command(Verb.PAUSE, file_spec().version)
    (folder / f"abort-{file_spec().version}.yaml").write_text(render_command(command))
    assert_refused(world)


def test_a_champion_that_nobody_compared_with_is_refused_once_and_recorded(world: Rolled) -> None:
    world.merge(file_spec("c", champion="b"))
    world.reconcile()
    record = world.status.records[-1]
    assert record.phase is Phase.REFUSED
    assert "compare it with that one first" in record.reason
    assert world.share() == 0
    tip = world.tip()
    world.reconcile()
    assert world.tip() == tip


def test_a_model_that_is_refused_does_not_delay_another(world: Rolled) -> None:
    bad = world.people / "rollouts/another"
    bad.mkdir()
    (bad / "rollout.yaml").write_text("no: manifest\n")
    world.push("Propose")
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    found = {result.model: result for result in world.reconcile()}
    assert found["another"].failures
    assert world.share() == 5


def test_a_digest_that_was_rolled_back_does_not_return_by_another_merge(world: Rolled) -> None:
    spec = file_spec()
    merge = world.merge(spec)
    world.record(spec)
    world.reconcile()
    world.revert(merge)
    world.reconcile()
    assert world.kinds() == ["stage-1", "ended"]
    again = spec.model_copy(update={"retrain": "flight-delay-0009"})
    world.merge(again, is_served=False)
    world.record(again)
    world.reconcile()
    record = world.status.records[-1]
    assert record.phase is Phase.REFUSED
    assert world.share() == 0
