"""What main's history tells does not depend on which way round a merge was made."""

from __future__ import annotations

from pathlib import Path

from pipeline.manifest import render_rollout, rollout_path
from pipeline.rolling.model_state import SPEC, STATUS
from pipeline.rolling.reverting import plan_revert
from pipeline.rollout_status import Phase
from tests.repository import commit, git
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rollouts import HOUR


def begin_here(world: Rolled) -> Path:
    """A clone with a commit that was not pushed."""
    mine = world.clone("mine")
    (mine / "note").write_text("anything")
    commit(mine, "A note")
    return mine


def pull_by_a_merge(mine: Path) -> str:
    """Main merged into a person's branch, and main made that: their commit comes first."""
    git(mine, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main")
    git(mine, "push", "--quiet", "origin", "HEAD:main")
    commit, _, _ = git(mine, "rev-list", "--parents", "-n", "1", "HEAD").split()
    return commit


def revert_of(world: Rolled):
    snapshot = world.repository("reader").snapshot()
    return plan_revert(snapshot, snapshot.models[world.model], "hurts", "Ada")


def test_a_reverted_promotion_is_seen_through_a_merge_made_the_other_way_round(
    world: Rolled,
) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    mine = begin_here(world)
    roll(world, spec, "promoted")
    world.revert(world.tip())
    pull_by_a_merge(mine)
    assert [record.name for record in world.status.reverted] == ["0004-promoted.yaml"]
    world.now += HOUR
    world.record(spec)
    world.reconcile()
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert world.served() == spec.champion_version


def test_a_rollback_reverts_the_merge_of_the_challenger_and_not_the_one_over_all_of_main(
    world: Rolled,
) -> None:
    mine = begin_here(world)
    spec = file_spec()
    merge = world.merge(spec)
    roll(world, spec, "stage-1")
    pull_by_a_merge(mine)
    revert = revert_of(world)
    assert revert is not None
    assert revert.of == (merge,)
    assert revert.is_whole
    assert not [path for path in revert.blobs if STATUS in path]


def test_a_challenger_that_came_the_other_way_round_is_taken_back_alone(world: Rolled) -> None:
    first, second = file_spec("c"), file_spec("d", "c")
    world.merge(first)
    mine = world.clone("mine")
    rollout_path(mine, world.model).write_text(render_rollout(second))
    commit(mine, f"Propose {second.version}")
    roll(world, first, "settled")
    turned = pull_by_a_merge(mine)
    revert = revert_of(world)
    assert revert is not None
    assert revert.of == (turned,)
    path = f"rollouts/{world.model}/{SPEC}"
    before = git(world.folder / "remote.git", "rev-parse", f"{turned}^2:{path}").strip()
    assert revert.blobs == {path: before}
    assert revert.is_whole


def test_a_proposal_that_brings_a_reverted_record_back_does_not_pass_for_main(
    world: Rolled,
) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    reverted = world.revert(world.tip())
    git(world.people, "checkout", "--quiet", "-b", "proposal")
    git(world.people, "revert", "--no-edit", reverted)
    world.record(spec)
    world.reconcile()
    git(world.people, "checkout", "--quiet", "main")
    world.pull()
    git(world.people, "merge", "--quiet", "--no-ff", "--no-edit", "proposal")
    git(world.people, "push", "--quiet", "origin", "main")
    log = ("log", "--first-parent", "--format=%H", "main", "--", "rollouts/")
    snapshot = world.repository("reader").snapshot()
    touches = snapshot.models[world.model].history.touches
    assert [touch.commit for touch in touches] == git(world.folder / "remote.git", *log).split()
    assert world.kinds() == ["stage-1", "stage-2", "paused"]


def test_records_of_a_branch_that_main_never_had_are_not_believed(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-1")
    world.pull()
    git(world.people, "checkout", "--quiet", "-b", "proposal")
    folder = world.people / f"rollouts/{world.model}/{STATUS}"
    text = (folder / "0001-stage-1.yaml").read_text().replace("sequence: 1", "sequence: 900")
    (folder / "0900-stage-1.yaml").write_text(text)
    commit(world.people, "Slip a record in")
    (folder / "0900-stage-1.yaml").unlink()
    commit(world.people, "And take it away")
    (world.people / "note").write_text("what reviewers see")
    commit(world.people, "A note")
    git(world.people, "checkout", "--quiet", "main")
    git(world.people, "merge", "--quiet", "--no-ff", "--no-edit", "proposal")
    git(world.people, "push", "--quiet", "origin", "main")
    assert world.status.reverted == ()
