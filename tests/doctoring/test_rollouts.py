"""Rollouts on real git, stuck in each of the ways in which they can be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.champion import champion_path, render_champion
from pipeline.doctoring.rollouts import check_history, check_ledger, check_rollouts
from pipeline.manifest import render_rollout, rollout_path
from pipeline.rollout_commands import Command, Verb
from tests.doctoring.checkouts import situation_of, told
from tests.repository import git
from tests.rolling.rolled import FILE_METRICS, Rolled, file_spec, roll, rolled
from tests.rollouts import BAD, HOUR, spec_of


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Rolled]:
    with rolled(tmp_path / "world") as found:
        yield found


def line(world: Rolled, later: timedelta = timedelta(0)) -> str:
    situation = situation_of(world.clone("doctor"))
    (found,) = told(check_rollouts, replace(situation, now=world.now + later))
    return found


def start(world: Rolled) -> None:
    spec = spec_of(metrics=FILE_METRICS)
    world.merge(spec)
    world.record(spec)
    world.reconcile()


def test_a_model_with_nothing_to_roll_out_is_well(world: Rolled) -> None:
    assert line(world).endswith("nothing runs")


def test_a_model_that_was_taken_away_is_not_told_of(world: Rolled) -> None:
    git(world.people, "rm", "-r", "--quiet", f"rollouts/{world.model}")
    world.push("Take the example away")
    assert told(check_rollouts, situation_of(world.clone("doctor"))) == []


def test_a_running_rollout_is_well_until_its_deadline_is_long_over(world: Rolled) -> None:
    start(world)
    assert "is Progressing at 5 %" in line(world)
    assert line(world).startswith("ok")
    assert line(world, 13 * HOUR).startswith("ok")
    assert line(world, 15 * HOUR).startswith("fault")
    assert "past its deadline by 1 hours -> gh workflow run rollout.yml" in line(world, 15 * HOUR)


def test_a_pause_is_a_persons_business_until_it_is_forgotten(world: Rolled) -> None:
    start(world)
    world.tell(Command(Verb.PAUSE, spec_of(metrics=FILE_METRICS).version))
    world.reconcile()
    assert line(world, 20 * HOUR).startswith("ok")
    found = line(world, 50 * HOUR)
    assert found.startswith("warning")
    assert "is Paused at 5 % since 2 days" in found
    assert "scripts.control_rollout resume" in found


def test_a_revert_that_nobody_acted_on_is_a_fault(world: Rolled) -> None:
    start(world)
    world.revert(world.tip())
    assert "the revert of 0001-stage-1.yaml was not acted on yet" in line(world)


def test_a_merge_that_nobody_acted_on_is_a_fault_after_the_next_look(world: Rolled) -> None:
    world.merge(spec_of(metrics=FILE_METRICS))
    world.pull()
    merged = int(git(world.people, "log", "-1", "--format=%ct").strip())
    since = timedelta(seconds=merged - world.now.timestamp())
    assert line(world, since + HOUR).startswith("warning")
    assert line(world, since + 8 * HOUR).startswith("fault")


def test_a_spec_that_a_revert_brought_back_was_acted_on_long_ago(world: Rolled) -> None:
    first, second = file_spec(), file_spec("d", "c")
    world.merge(first)
    roll(world, first, "settled")
    merge = world.merge(second)
    world.reconcile()
    world.revert(merge)
    world.reconcile()
    assert world.state().spec == first
    assert world.kinds()[-3:] == ["settled", "waiting", "ended"]
    found = line(world, 8 * HOUR)
    assert found == f"ok rollout of {world.model}: {second.version} is RolledBack at 0 %"


def test_a_merge_that_waits_for_a_bake_is_no_fault(world: Rolled) -> None:
    first, second = file_spec(), file_spec("d", "c")
    world.merge(first)
    roll(world, first, "promoted")
    world.merge(second)
    world.reconcile()
    told_of = f"{first.version} is Baking at 100 %, and {second.version} waits for that"
    assert line(world, 6 * HOUR) == f"ok rollout of {world.model}: {told_of}"
    assert "past its deadline" in line(world, 30 * HOUR)


def test_an_edited_manifest_of_what_serves_is_no_merge_that_nobody_acted_on(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "settled")
    world.pull()
    edited = spec.model_copy(update={"retrain": "flight-delay-9999"})
    rollout_path(world.people, world.model).write_text(render_rollout(edited))
    world.push("Edit the manifest")
    found = line(world, 8 * HOUR)
    assert found == f"ok rollout of {world.model}: {spec.version} is Promoted at 100 %"


def test_what_serves_already_is_no_merge_that_nobody_acted_on(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    world.pull()
    mine = world.champion().model_copy(update=spec.challenger.model_dump())
    champion_path(world.people, world.model).write_text(render_champion(mine))
    world.push("Make it champion by hand")
    world.record(spec)
    world.reconcile()
    assert world.kinds() == []
    assert line(world, 8 * HOUR) == f"ok rollout of {world.model}: none yet"


def test_a_retry_that_nobody_acted_on_is_told_as_a_merge_is(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-1")
    world.record(spec, challenger=BAD)
    world.reconcile()
    assert f"{spec.version} is RolledBack" in line(world)
    world.tell(Command(Verb.RETRY, spec.version, 1))
    assert f"{spec.version} is to start and has not" in line(world)


def test_a_manifest_that_cannot_be_read_is_a_fault(world: Rolled) -> None:
    start(world)
    world.pull()
    rollout_path(world.people, world.model).write_text("schema: nonsense\n")
    world.push("Break it")
    found = line(world)
    assert found.startswith("fault rollout of flight-delay: rollouts/flight-delay")
    assert "revert the commit that brought it" in found


def test_the_ledger_is_read_where_it_is_kept(world: Rolled) -> None:
    situation = situation_of(world.clone("doctor"))
    assert told(check_ledger, situation) == ["ok trigger ledger: 0 events, 0 retrains"]


def test_a_reverted_record_that_a_merge_hides_is_told_until_newer_ones_take_its_place(
    world: Rolled,
) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-1")
    git(world.clone("mine"), "commit", "--quiet", "--allow-empty", "--message=A note")
    roll(world, spec, "stage-2")
    stage = world.tip()
    assert "main has each record that ever was" in history_line(world)
    world.revert(stage)
    assert history_line(world).startswith("ok")
    git(world.clone("mine"), "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main")
    git(world.clone("mine"), "push", "--quiet", "origin", "HEAD:main")
    found = history_line(world)
    assert found.startswith("warning")
    assert f"0002-stage-2.yaml was added in {stage[:12]}" in found
    assert "control_rollout pause or abort" in found
    world.tell(Command(Verb.ABORT, spec.version))
    world.reconcile()
    assert (world.kinds()[-1], world.share()) == ("ended", 0)
    assert history_line(world).startswith("ok")


def history_line(world: Rolled) -> str:
    (found,) = told(check_history, situation_of(world.clone("doctor")))
    return found
