"""Each call to GitHub fails once, before, during or after it takes effect: the next run completes.

Every failure ends the run at once, as a kill would; nothing is tried again within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pipeline.adapters.github import GitHubForge
from pipeline.core.proposal.notes import superseded_note
from pipeline.core.proposal.steps import End
from pipeline.errors import OutsideError
from pipeline.forge import PullRequest, PullState
from pipeline.proposing.loop import bring_about, plan
from tests.proposals import HASTY, MODEL, clone, finish_run, make_remote, proposal_of
from tests.servers import github_recorder
from tests.servers.github_recorder import (
    BROKEN,
    DROPPED,
    TAKEN_AND_DROPPED,
    Answer,
    secondary_limit,
)
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn

ONE_TRY = replace(HASTY, attempts=1)
ROOT = "/repos/{owner}/{repo}"
CALLS = [  # all that a succession asks of GitHub
    ("POST", "/graphql"),
    ("GET", f"{ROOT}/pulls"),
    ("GET", f"{ROOT}/pulls/{{pull_number}}"),
    ("GET", f"{ROOT}/issues/{{issue_number}}"),
    ("GET", f"{ROOT}/issues/{{issue_number}}/comments"),
    ("POST", f"{ROOT}/issues/{{issue_number}}/comments"),
    ("PATCH", f"{ROOT}/pulls/{{pull_number}}"),  # closes the old one
    ("POST", f"{ROOT}/pulls"),
    ("PATCH", f"{ROOT}/issues/comments/{{comment_id}}"),
    ("POST", f"{ROOT}/issues/{{issue_number}}/labels"),
    ("POST", f"{ROOT}/pulls/{{pull_number}}/requested_reviewers"),
    ("POST", f"{ROOT}/issues/{{issue_number}}/assignees"),
    ("POST", f"{ROOT}/actions/workflows/{{workflow_id}}/dispatches"),
]
NOTE = ("PATCH", f"{ROOT}/pulls/{{pull_number}}")  # and the last one, which notes who was told
SLOW = Answer(delay_seconds=1.3)  # served, but nobody waits that long
TAKEN_AND_BROKEN = Answer(502, {"message": "Server Error"}, is_served=True)
FAULTS = {
    "killed before": DROPPED,
    "killed after": TAKEN_AND_DROPPED,
    "500": BROKEN,
    "502 though it was done": TAKEN_AND_BROKEN,
    "403": secondary_limit(None),
    "timeout": SLOW,
}


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    remote = make_remote(tmp_path / "remote.git")
    with github_recorder.running(GitHubStandIn(remote)) as server:
        assert isinstance(server, GitHubStandIn)
        server.add_person("ada")
        server.add_person("ben")
        yield server
    assert server.violations == []


Run = Callable[[int], End]
SPARE = 2  # runs: on a busy machine an answer may come too late for a client that tries once


@pytest.fixture
def run(tmp_path: Path, github: GitHubStandIn) -> Run:
    """One run of the retrain with this number, from the start."""
    checkout = clone(github.world.git.path, tmp_path / "checkout")

    def once(number: int) -> End:
        finish_run(checkout, f"result {number}")
        token = github.token_for(ACTIONS_BOT)
        forge = GitHubForge("octo/model", token, github.url, patience=ONE_TRY)
        proposal = proposal_of(checkout, forge, f"{MODEL}-{number:04d}")
        end = bring_about(proposal, lambda _: None).end
        assert plan(proposal).steps == ()
        return end

    return once


def pulls(github: GitHubStandIn) -> dict[str, PullRequest]:
    """By the four digits of its retrain; there is one of each."""
    token = github.token_for(ACTIONS_BOT)
    found = GitHubForge("octo/model", token, github.url, patience=HASTY).pulls("perennial/")
    by_number = {pull.branch[-4:]: pull for pull in found}
    assert len(by_number) == len(found)
    return by_number


def assert_succession(github: GitHubStandIn, number: int) -> None:
    """`number` is open and complete, and took the place of the one before it, all said once."""
    found = pulls(github)
    own, old = found[f"{number:04d}"], found[f"{number - 1:04d}"]
    is_open = [pull for pull in found.values() if pull.state is PullState.OPEN]
    assert is_open == [own]
    assert own.labels == ("retrain",)
    issue = github.world.issues[own.number]
    assert issue.pull is not None
    assert (issue.pull.reviewers, issue.assignees) == (["ada"], ["ben"])
    said = [c.body for c in github.world.comments.values() if c.number == old.number]
    assert said == [superseded_note(f"{MODEL}-{number:04d}", own.number)]
    started = {sent["inputs"]["pull_request"] for sent in github.world.workflow_dispatches}
    assert str(own.number) in started
    log = github.world.git.run("rev-list", "--count", f"main..{own.branch}")
    assert log == "1"


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_call_fails_the_next_run_goes_on_and_nothing_is_there_twice(
    github: GitHubStandIn, run: Run, fault: str
) -> None:
    """Each call fails once, in one succession: as many runs as it takes."""
    assert run(1) is End.CURRENT
    met: set[int] = set()
    answer = FAULTS[fault]
    closings = 1 if answer.is_served or answer.delay_seconds else 2  # as often as it takes
    calls = [*((call, 0) for call in CALLS), (NOTE, closings)]
    for index, ((method, template), after) in enumerate(calls):
        note = partial(met.add, index)
        github.meanwhile(method, template, note, after=after, login=ACTIONS_BOT)
        github.fail(method, template, answer, after=after, login=ACTIONS_BOT)
    for _ in range(len(calls) + SPARE):
        with suppress(OutsideError):
            run(2)
    assert met == set(range(len(calls)))
    assert run(2) is End.CURRENT
    assert_succession(github, 2)


def test_a_push_that_is_killed_on_either_side_is_completed(github: GitHubStandIn, run: Run) -> None:
    run(1)
    for number, name in enumerate(("pre-receive", "post-receive"), 2):
        hook = github.world.git.path / "hooks" / name
        hook.write_text("#!/bin/sh\nkill -9 $PPID\nexit 1\n")
        hook.chmod(0o755)
        if name == "pre-receive":
            with pytest.raises(OutsideError):
                run(number)
            hook.unlink()
        assert run(number) is End.CURRENT
        assert_succession(github, number)
