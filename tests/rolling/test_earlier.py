"""What is refused on main blinds no watchdog: it goes by what loaded before, and gives no more."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import OutsideError
from pipeline.manifest import RolloutSpec
from pipeline.rolling.reports import STOPPED
from pipeline.rollout_status import Phase
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rolling.test_watchdog import Watching
from tests.rollouts import BAD, HOUR, MODEL, PLAN

STAGES = PLAN["canary_stages"][1:]  # 50 and 100 %
MANIFEST = "rollout.yaml"


@pytest.fixture
def spec(world: Rolled) -> RolloutSpec:
    """The manifest of a challenger that has half of the users."""
    found = file_spec(canary_stages=STAGES)
    world.merge(found)
    roll(world, found, "stage-1")
    return found


def break_it(world: Rolled, name: str = MANIFEST, text: str = "schema: 1\nmodel: [") -> str:
    """A bad edit on main. Returns its commit."""
    world.pull()
    (world.people / f"rollouts/{MODEL}" / name).write_text(text)
    return world.push(f"Break {name}")


def refusals(world: Rolled) -> list[str]:
    return [line for line in world.said if "REFUSED" in line]


@pytest.mark.parametrize("name", [MANIFEST, "champion.yaml", "status/0001-stage-1.yaml"])
def test_a_watchdog_that_starts_on_broken_files_stops_a_challenger_that_fails(
    world: Rolled, spec: RolloutSpec, name: str
) -> None:
    good = world.tip()
    broken = break_it(world, name)
    watching = Watching(world)
    world.record(spec)
    for _ in range(2):
        assert watching.look() == []
    assert world.share() == 50
    (told,) = refusals(world)
    assert f"REFUSED as it is in {broken[:12]}, so what was there before counts" in told
    assert f"counts, in {good[:12]}:" in told
    assert name in told

    world.record(spec, challenger=BAD)
    assert watching.look() == []
    assert (world.share(), watching.events) == (0, [STOPPED])
    world.revert(broken)
    world.reconcile()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    watching.pull()
    assert watching.look() == []
    assert (world.share(), len(refusals(world))) == (0, 1)


def test_a_job_on_broken_files_says_in_which_commit_and_what_to_do(
    world: Rolled, spec: RolloutSpec
) -> None:
    broken = break_it(world)
    (result,) = world.reconcile()
    assert [failure.exit_code for failure in result.failures] == [2]
    told, why = world.said[-2:]
    assert told.startswith(f"{MODEL}: REFUSED as it is in {broken[:12]}, so git records no step")
    assert "Revert the commit that broke it, or mend the files" in told
    assert f"rollouts/{MODEL}: 1 fault to mend" in why


def test_a_champion_that_bakes_on_a_broken_manifest_goes_back_to_the_one_before(
    world: Rolled, spec: RolloutSpec
) -> None:
    roll(world, spec, "promoted")
    break_it(world)
    watching = Watching(world)
    world.record(spec, challenger=BAD)
    watching.look()
    assert (world.served(), watching.events) == (spec.champion_version, [STOPPED])


@pytest.mark.parametrize(("points", "kept"), [(0, 0), (9_000, 50)])
def test_on_an_earlier_version_it_only_takes_traffic_and_asks_for_no_next_stage(
    world: Rolled, spec: RolloutSpec, points: int, kept: int
) -> None:
    broken = break_it(world)
    watching = Watching(world)
    world.traffic.apply(replace(world.traffic.observe(), challenger_basis_points=points))
    for _ in range(2):
        world.record(spec)
        assert watching.look() == []
        world.now += HOUR  # its stage passed
    assert (world.share(), watching.events) == (kept, [])
    world.revert(broken)
    watching.pull()
    world.record(spec)
    watching.look()
    assert world.share() == 50


def test_it_goes_by_the_newest_version_that_loads_also_where_it_had_not_pulled_that_one(
    world: Rolled, spec: RolloutSpec
) -> None:
    watching = Watching(world)
    world.record(spec)
    watching.look()
    roll(world, spec, "stage-2")
    newest = world.tip()
    break_it(world)
    break_it(world, "champion.yaml")
    watching.pull()
    assert watching.look() == []  # weights of the stage that it had not pulled stay
    assert world.share() == 100
    assert f"counts, in {newest[:12]}:" in refusals(world)[0]


def test_a_folder_that_never_was_a_models_is_told_once_and_hinders_no_other(
    world: Rolled, spec: RolloutSpec
) -> None:
    folder = world.people / "rollouts/notes"
    folder.mkdir()
    (folder / "rollout.yaml").write_text("- a list\n")
    world.push("Notes")
    watching = Watching(world)
    world.record(spec, challenger=BAD)
    for _ in range(2):
        assert watching.look() == []
    (told,) = refusals(world)
    assert told.startswith("notes: REFUSED as it is in ")
    assert "nothing earlier loads, so nobody watches it" in told
    assert world.share() == 0


def test_an_object_that_git_cannot_read_is_a_failure_and_read_again_by_each_look(
    world: Rolled, spec: RolloutSpec
) -> None:
    text = (world.people / f"rollouts/{MODEL}/{MANIFEST}").read_text()
    break_it(world, text=f"# seen by Ada\n{text}")
    watching = Watching(world)
    blob = torn_blob(world.folder / "watcher", f"HEAD:rollouts/{MODEL}/{MANIFEST}")
    whole = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(whole[: len(whole) // 2])
    world.record(spec)
    for _ in range(2):
        (error,) = watching.look()
        assert isinstance(error, OutsideError)
    assert len(refusals(world)) == 1
    kept = world.share()
    world.record(spec, challenger=BAD)
    watching.look()
    assert (kept, world.share()) == (50, 0)
    blob.write_bytes(whole)
    assert watching.look() == []


def torn_blob(clone: Path, name: str) -> Path:
    """The file of an object that only this clone has, as a power failure may tear it."""
    git(clone, "pull", "--quiet", "--ff-only", "origin", "main")
    blob = git(clone, "rev-parse", name).strip()
    path = clone / f".git/objects/{blob[:2]}/{blob[2:]}"
    content = zlib.decompress(path.read_bytes())
    path.unlink()  # it may be a link to the remote's
    path.write_bytes(zlib.compress(content))
    return path
