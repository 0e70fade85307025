"""`git revert` of each commit of a whole rollout, at its end: never a conflict, and all agree."""

from __future__ import annotations

from pipeline.manifest import version_of
from pipeline.rollout_status import Phase
from tests.repository import git
from tests.rolling.rolled import Registry, Rolled, file_spec, roll
from tests.rollouts import BAD


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
