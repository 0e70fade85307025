"""Every verdict in history can be worked out again, and a record that was bent is found."""

from __future__ import annotations

from dataclasses import replace

from pipeline.rolling.replay import replay
from pipeline.rollout_commands import Command, Verb
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rollouts import BAD, MINUTE


def replayed(world: Rolled):
    snapshot = world.repository("reader").snapshot()
    return list(replay(snapshot, snapshot.models[world.model]))


def test_a_rollout_with_a_pause_a_blind_spell_a_revert_and_an_end_agrees(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    world.reconcile()
    world.record(spec, value=float("nan"))  # JSON's NaN
    world.reconcile()
    world.now += MINUTE
    roll(world, spec, "stage-2")
    told = world.tell(Command(Verb.PAUSE, spec.version))
    world.record(spec)
    world.reconcile()
    world.revert(told)
    world.record(spec)
    world.reconcile()
    stage = git(world.folder / "remote.git", "log", "--format=%H", "--grep=50 % to", "main").split()
    world.revert(stage[-1])
    world.record(spec)
    world.reconcile()
    world.record(spec, challenger=BAD)
    world.reconcile()

    found = replayed(world)
    assert [r.name[5:-5] for r in found] == [
        "stage-1", "held", "cleared", "stage-2", "paused", "resumed", "paused", "ended",
    ]  # fmt: skip
    assert [r.difference for r in found] == [""] * 8
    assert sum(r.verdict is not None for r in found) >= 4


def test_a_look_at_traffic_with_another_champion_agrees(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    world.reconcile()
    now = world.traffic.observe()
    world.traffic.apply(replace(now, champion=replace(now.champion, name="somebody-elses")))
    world.record(spec, challenger=BAD)
    world.reconcile()
    [traffic] = [gate for gate in world.status.records[-1].gates if gate.name == "traffic"]
    assert (traffic.verdict, traffic.reason) == ("INCONCLUSIVE", "the challenger gets 5 %")
    assert [(r.name[5:-5], r.difference) for r in replayed(world)] == [
        ("stage-1", ""),
        ("ended", ""),
    ]


def test_a_record_whose_verdict_was_bent_differs(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    world.pull()
    path = next((world.people / "rollouts/flight-delay/status").glob("*-stage-2.yaml"))
    text = path.read_text()
    assert "value: 0.01" in text
    git(world.people, "rm", "--quiet", str(path))
    bent = path.with_name(path.name.replace("0002", "0007"))
    path.parent.mkdir(exist_ok=True)
    bent.write_text(text.replace("sequence: 2", "sequence: 7").replace("value: 0.01", "value: 0.5"))
    world.push("Bend the evidence")
    (last,) = [r for r in replayed(world) if r.name == bent.name]
    assert last.difference != ""
