"""`git revert` of each commit of a whole rollout, at its end: never a conflict, and all agree."""

from __future__ import annotations

from pipeline.manifest import render_rollout, rollout_path, version_of
from pipeline.rollout_commands import Command, Verb
from pipeline.rollout_status import Phase
from tests.repository import git
from tests.rolling.rolled import Registry, Rolled, file_spec, roll
from tests.rollouts import BAD, HOUR, MINUTE


def commits_since(world: Rolled, start: str) -> list[str]:
    log = ("log", "--first-parent", "--reverse", "--format=%H", f"{start}..main")
    return git(world.folder / "remote.git", *log).split()


def assert_all_agree(world: Rolled, registry: Registry) -> None:
    """Champion pointer, traffic and alias name one digest, and nobody else gets anything."""
    champion = world.champion()
    assert world.served() == version_of(champion.digest, champion.as_of)
    assert world.share() == 0
    assert registry.champion == champion.digest


def test_a_revert_of_any_commit_of_a_promoted_rollout_is_no_conflict(world: Rolled) -> None:
    spec = file_spec()
    registry = Registry(spec.champion.digest, spec.challenger.digest)
    world.environment = {"MLFLOW_TRACKING_URI": registry.url}
    start = world.tip()
    merge = world.merge(spec)
    roll(world, spec, "promoted")
    assert registry.champion == spec.challenger.digest
    commits = commits_since(world, start)
    assert len(commits) == 5
    for number, sha in enumerate(commits):
        fork = world.fork(str(number))
        registry.alias = 2
        fork.revert(sha)
        fork.record(spec)
        fork.reconcile()
        assert_all_agree(fork, registry)
        last = fork.status.records[-1]
        assert last.phase is Phase.ROLLED_BACK, sha == merge
        assert fork.champion() == spec.champion
        # and once more: nothing is left to do
        tip = fork.tip()
        fork.reconcile()
        assert fork.tip() == tip


def test_a_revert_of_any_commit_of_a_failed_rollout_leaves_the_champion(world: Rolled) -> None:
    spec = file_spec()
    registry = Registry(spec.champion.digest, spec.challenger.digest)
    world.environment = {"MLFLOW_TRACKING_URI": registry.url}
    start = world.tip()
    world.merge(spec)
    roll(world, spec, "stage-2")
    world.record(spec, challenger=BAD)
    world.reconcile()
    for number, sha in enumerate(commits_since(world, start)):
        fork = world.fork(str(number))
        fork.revert(sha)
        fork.record(spec)
        fork.reconcile()
        assert_all_agree(fork, registry)
        assert fork.champion() == spec.champion
        assert fork.status.records[-1].phase is Phase.ROLLED_BACK


def test_a_revert_of_the_promotion_brings_back_every_byte_of_the_pointer(world: Rolled) -> None:
    spec = file_spec()
    world.pull()
    folder = world.people / "rollouts/flight-delay"
    before = {name: (folder / name).read_bytes() for name in ("champion.yaml", "reference.json")}
    world.merge(spec)
    roll(world, spec, "promoted")
    world.record(spec, challenger=BAD)  # while it bakes
    world.reconcile()
    assert world.kinds()[-1] == "ended"
    world.pull()
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_reverting_a_running_stage_goes_back_one_weight_and_waits(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    assert world.share() == 50
    world.revert(world.tip())
    world.record(spec)
    world.reconcile()
    assert world.share() == 5
    assert world.status.records[-1].phase is Phase.PAUSED


def test_a_stage_that_is_reverted_once_more_after_its_return_goes_back_once_more(
    world: Rolled,
) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    stage = world.tip()
    back = world.revert(stage)
    world.record(spec)
    world.reconcile()
    world.revert(back)
    world.tell(Command(Verb.RESUME, spec.version, world.status.records[-1].pause_sequence))
    for _ in range(2):
        world.now += 2 * HOUR
        world.record(spec)
        world.reconcile()
    assert world.share() == 50
    world.revert(stage)
    world.record(spec)
    world.reconcile()
    assert (world.share(), world.status.records[-1].phase) == (5, Phase.PAUSED)
    tip = world.tip()
    world.reconcile()
    assert world.tip() == tip


def test_a_newer_merge_starts_from_the_champion(world: Rolled) -> None:
    first, second = file_spec("c"), file_spec("d")
    world.merge(first)
    roll(world, first, "stage-2")
    world.merge(second)
    world.record(second)
    world.reconcile()
    assert world.kinds()[-2:] == ["ended", "stage-1"]
    weights = world.traffic.observe()
    assert weights.champion.name == first.champion_version
    assert weights.challenger is not None
    assert weights.challenger.name == second.version
    assert world.share() == 5
    shares = (world.serving / "weights.log").read_text().split()
    assert shares[-3:] == ["5000", "0", "500"]


def test_a_newer_merge_waits_for_the_bake_which_is_watched_to_its_end(world: Rolled) -> None:
    first, second = file_spec("c"), file_spec("d", "c")
    world.merge(first)
    roll(world, first, "promoted")
    until = world.now + HOUR
    world.merge(second, is_served=False)
    tip = world.tip()
    world.now += MINUTE
    world.record(first)
    world.reconcile()
    assert world.tip() == tip
    waits = f"{second.version} waits: {first.version} still bakes"
    assert world.said[-1] == f"{world.model}: {waits}, until {until:%Y-%m-%d %H:%M} UTC."
    bad = world.fork("bad")
    bad.record(first, challenger=BAD)
    bad.reconcile()
    assert bad.champion() == first.champion
    assert bad.served() == first.champion_version
    world.serve(second.challenger.digest, second.version)
    world.now = until
    world.record(first)
    world.reconcile()
    assert world.kinds()[-2] == "settled"
    assert world.status.records[-1].challenger == second.challenger.digest


def test_an_edit_of_the_plan_during_the_bake_changes_how_long_it_is_watched(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "promoted")
    plan = spec.plan.model_copy(update={"bake_after_promotion": 3 * HOUR})
    edited = spec.model_copy(update={"plan": plan})
    world.pull()
    rollout_path(world.people, world.model).write_text(render_rollout(edited))
    world.push("Bake longer")
    world.now += 2 * HOUR
    world.record(spec)
    world.reconcile()
    assert world.kinds()[-1] == "promoted"
    fork = world.fork("good")
    fork.now += HOUR
    fork.record(spec)
    fork.reconcile()
    assert fork.kinds()[-1] == "settled"
    world.record(spec, challenger=BAD)
    world.reconcile()
    assert "ended" in world.kinds()
    assert world.champion() == spec.champion
    assert world.served() == spec.champion_version
