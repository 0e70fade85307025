"""Which retrain's rollout ended without a promotion, as monitoring asks it of git."""

from __future__ import annotations

from pathlib import Path

from pipeline.adapters.git.branches import GitBranches
from pipeline.adapters.local_forge import LocalForge
from pipeline.core.proposal.identity import branch_of
from pipeline.rolling.ended import closed_retrain, ended_retrains
from tests.repository import commit, git
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rollouts import BAD, MODEL


def test_a_rollout_names_its_retrain_once_it_is_rolled_back_by_its_figures(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    assert ended_retrains(world.repository("monitor"), MODEL) == {}
    world.record(spec, challenger=BAD)
    world.reconcile()
    (reason,) = ended_retrains(world.repository("monitor"), MODEL).values()
    assert reason.startswith("RolledBack: ")
    assert list(ended_retrains(world.repository("monitor"), MODEL)) == [spec.retrain]


def test_a_reverted_merge_ends_it_too_and_a_promotion_does_not(world: Rolled) -> None:
    spec = file_spec()
    merge = world.merge(spec)
    roll(world, spec, "settled")
    assert ended_retrains(world.repository("monitor"), MODEL) == {}
    world.revert(merge)
    world.reconcile()
    assert list(ended_retrains(world.repository("monitor"), MODEL)) == [spec.retrain]
    assert ended_retrains(world.repository("monitor"), "other") == {}


def test_a_manifest_that_is_refused_ends_nothing(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    roll(world, spec, "stage-2")
    people = world.clone("people")
    git(people, "pull", "--quiet")
    (people / f"rollouts/{MODEL}/rollout.yaml").write_text("half: [of")
    git(people, "commit", "--quiet", "--all", "--message=Break it")
    git(people, "push", "--quiet")
    assert ended_retrains(world.repository("monitor"), MODEL) == {}


def test_a_closed_pull_request_ends_it_with_who_closed_it_and_a_merged_one_does_not(
    tmp_path: Path,
) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "Start")
    forge = LocalForge(tmp_path / ".git/forge", GitBranches(tmp_path))
    for retrain in ("flight-delay-0001", "flight-delay-00010"):
        git(tmp_path, "switch", "--quiet", "--create", branch_of(retrain), "main")
        commit(tmp_path, f"Propose {retrain}")
        forge.open_pull(branch=branch_of(retrain), base="main", title=retrain, body="")
    assert closed_retrain(forge, "flight-delay-0001") == {}
    forge.close_pull(2)
    assert closed_retrain(forge, "flight-delay-0001") == {}
    forge.close_pull(1)
    (words,) = closed_retrain(forge, "flight-delay-0001").values()
    assert words.startswith("pull request #1 was closed")
    git(tmp_path, "switch", "--quiet", "main")
    git(tmp_path, "merge", "--quiet", "--no-ff", branch_of("flight-delay-00010"))
    assert closed_retrain(forge, "flight-delay-00010") == {}
    assert closed_retrain(forge, "flight-delay-0009") == {}
