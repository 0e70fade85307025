"""What main's history tells does not depend on which way round a merge was made."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.adapters.git.plumbing import Git
from pipeline.manifest import render_rollout, rollout_path
from pipeline.rolling.model_state import SPEC, STATUS
from pipeline.rolling.reverting import plan_revert
from pipeline.rolling.snapshot import Snapshot
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


COMMITS = range(1, 21)
FOLDER = "rollouts/a"
PATHS = (f"{FOLDER}/rollout.yaml", f"{FOLDER}/status/0001-x.yaml", "rollouts/b/champion.yaml", "x")


def write_any_history(root: Path, seed: int) -> list[str]:
    """Commits that edit, remove, branch and merge any way round, without a checkout."""
    rng = np.random.default_rng(seed)
    lines: list[str] = []
    for mark in COMMITS:
        who = f"committer Ada <ada@example.invalid> {1_700_000_000 + mark} +0000"
        lines += [f"commit refs/heads/c{mark}", f"mark :{mark}", who, "data 0"]
        parents = rng.permutation(range(1, mark))[: rng.choice((1, 1, 1, 2))]
        lines += [f"{word} :{mark}" for word, mark in zip(("from", "merge"), parents, strict=False)]
        for path in rng.permutation(PATHS)[: rng.integers(3)]:
            write = [f"M 100644 inline {path}", "data 1", str(rng.integers(3))]
            lines += write if rng.random() < 0.7 else [f"D {path}"]
        lines.append("")
    git(root, "init", "--quiet")
    Git(root, "a test").run("fast-import", "--quiet", given="\n".join(lines))
    return git(root, "rev-parse", *(f"c{mark}" for mark in COMMITS)).split()


@pytest.mark.parametrize("seed", range(3))
def test_a_history_that_goes_on_from_any_other_is_as_one_read_whole(
    tmp_path: Path, seed: int
) -> None:
    commits = write_any_history(tmp_path, seed)
    whole = {commit: Snapshot(Git(tmp_path, "a test"), commit) for commit in commits}
    for known in commits[::5]:
        assert whole[known].models is not None  # which reads its history
        for other in commits:
            assert whole[known].at_newer(other).models == whole[other].models


def test_of_a_main_that_has_gone_on_only_what_is_new_is_read(
    world: Rolled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, repository = file_spec(), world.repository("reader")
    merge = world.merge(spec)
    assert repository.snapshot().models[world.model].commit == merge
    git(begin_here(world), "push", "--quiet", "origin", "HEAD:main")
    roll(world, spec, "stage-1")
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE2", str(trace))
    assert repository.snapshot().models[world.model].history.touches[1].commit == merge
    walks = [
        line for line in trace.read_text().splitlines() if re.search(r" start .* log -z", line)
    ]
    assert len(walks) == 1
    assert f" {merge}.." in walks[0]
