"""Two reconcilers and a human: one winner, the revert wins, and nothing is ever forced."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

from pipeline.rolling.effects import Hands
from pipeline.rollout_status import Phase
from tests.repository import git
from tests.rolling.rolled import Rolled, file_spec, roll
from tests.rollouts import HOUR


def test_of_two_reconcilers_that_decided_the_same_one_commits(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    both = threading.Barrier(2, timeout=60)
    won: list[bool] = []

    def wrap(hands: Hands) -> Hands:
        def commit(*arguments) -> bool:
            if len(won) < 2:
                both.wait()  # both have decided before either commits
            done = hands.commit(*arguments)
            won.append(done)
            return done

        return replace(hands, commit=commit)

    for name in ("one", "two"):
        world.clone(name)
    later = world.now + timedelta(seconds=1)
    runs = [
        threading.Thread(target=world.reconcile, args=("one", wrap)),
        threading.Thread(
            target=world.reconcile, args=("two", wrap), kwargs={"clock": lambda: later}
        ),
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(won) == [False, True]
    assert world.kinds() == ["stage-1"]
    assert world.share() == 5


def test_a_revert_that_comes_before_the_commit_wins(world: Rolled) -> None:
    spec = file_spec()
    merge = world.merge(spec)
    roll(world, spec, "stage-1")
    world.now = world.now.replace(hour=world.now.hour + 2)
    world.record(spec)
    tips = [world.tip()]

    def wrap(hands: Hands) -> Hands:
        def commit(*arguments) -> bool:
            if len(tips) == 1:
                tips.append(world.revert(merge))
            return hands.commit(*arguments)

        return replace(hands, commit=commit)

    world.reconcile(wrap=wrap)
    assert world.kinds() == ["stage-1", "ended"]
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert world.share() == 0
    for tip in tips:  # nothing was overwritten
        git(world.folder / "remote.git", "merge-base", "--is-ancestor", tip, "main")


def test_other_peoples_pushes_are_no_reason_to_decide_again(world: Rolled) -> None:
    spec = file_spec()
    world.merge(spec)
    world.record(spec)
    lost: list[bool] = []

    def wrap(hands: Hands) -> Hands:
        def commit(*arguments) -> bool:
            (world.people / "README.md").write_text("Words.\n")
            world.pull()
            world.push("Write words")
            lost.append(hands.commit(*arguments))
            return lost[-1]

        return replace(hands, commit=commit)

    world.reconcile(wrap=wrap)
    assert lost == [True]
    log = git(world.folder / "remote.git", "log", "-2", "--format=%s", "main").splitlines()
    assert "5 % to" in log[0]
    assert log[1] == "Write words"


def test_two_reconcilers_and_a_human_who_reverts_have_one_winner_the_human(world: Rolled) -> None:
    spec = file_spec()
    merge = world.merge(spec)
    roll(world, spec, "stage-1")
    world.now += 2 * HOUR
    world.record(spec)
    for name in ("one", "two"):
        world.clone(name)
    before = world.commits()
    both = threading.Barrier(3, timeout=60)  # both have decided to advance, and the human is there
    tips: list[str] = []
    waited = threading.local()

    def wrap(hands: Hands) -> Hands:
        def commit(*arguments) -> bool:
            if not getattr(waited, "once", False):
                waited.once = True
                both.wait()
                both.wait()
            return hands.commit(*arguments)

        return replace(hands, commit=commit)

    runs = [threading.Thread(target=world.reconcile, args=(n, wrap)) for n in ("one", "two")]
    for run in runs:
        run.start()
    both.wait()
    tips.append(world.revert(merge))
    both.wait()
    for run in runs:
        run.join()
    assert world.kinds() == ["stage-1", "ended"]
    assert world.status.records[-1].phase is Phase.ROLLED_BACK
    assert world.commits() == before + 2  # the revert, and one record of it
    assert world.share() == 0
    assert "10000" not in (world.serving / "weights.log").read_text().split()
    git(world.folder / "remote.git", "merge-base", "--is-ancestor", tips[0], "main")
