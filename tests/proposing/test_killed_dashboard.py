"""The dashboard and the outcome on GitHub: whatever call fails, there is one of each in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.adapters.github import GitHubForge
from pipeline.core.dashboard.issue import LABEL, MARKER, plan_dashboard
from pipeline.core.outcome.text import MARKER as OUTCOME
from pipeline.errors import OutsideError
from scripts.outcome import say
from scripts.update_dashboard_issue import take
from tests.proposals import HASTY, clone, commit_and_push, make_remote, write
from tests.servers import github_recorder
from tests.servers.github_recorder import BROKEN, DROPPED, TAKEN_AND_DROPPED, Answer
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn

ISSUE = "/repos/{owner}/{repo}/issues"
COMMENT = f"{ISSUE}/{{issue_number}}/comments"
FAULTS = {
    "killed before": DROPPED,
    "killed after": TAKEN_AND_DROPPED,
    "500": BROKEN,
    "502 though it was done": Answer(502, {"message": "Server Error"}, is_served=True),
}


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    remote = make_remote(tmp_path / "remote.git")
    with github_recorder.running(GitHubStandIn(remote)) as server:
        assert isinstance(server, GitHubStandIn)
        yield server
    assert server.violations == []


@pytest.fixture
def forge(github: GitHubStandIn) -> GitHubForge:
    token = github.token_for(ACTIONS_BOT, issues="write", pull_requests="write", contents="read")
    patience = replace(HASTY, attempts=1)
    return GitHubForge("octo/model", token, github.url, patience=patience)


def keep_dashboard(forge: GitHubForge, words: str) -> None:
    body = f"{MARKER}\n{words}\n"
    for step in plan_dashboard(forge.issues(LABEL), forge.login(), body):
        take(forge, step)


def dashboards(forge: GitHubForge) -> list[tuple[str, bool]]:
    return [(issue.body.strip(), issue.is_open) for issue in forge.issues(LABEL)]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    "call", [("GET", ISSUE), ("POST", ISSUE), ("PATCH", f"{ISSUE}/{{issue_number}}")]
)
def test_there_is_one_dashboard_whatever_call_fails(github, forge, call, fault) -> None:
    github.fail(*call, fault)
    for words in ("first", "second", "second"):
        with suppress(OutsideError):
            keep_dashboard(forge, words)
    keep_dashboard(forge, "second")
    assert dashboards(forge) == [(f"{MARKER}\nsecond", True)]


def test_a_dashboard_that_a_person_closed_comes_back(github, forge) -> None:
    keep_dashboard(forge, "first")
    (issue,) = forge.issues(LABEL)
    forge.edit_issue(issue.number, body=issue.body, is_open=False)
    keep_dashboard(forge, "first")
    assert dashboards(forge) == [(f"{MARKER}\nfirst", True)]


@pytest.fixture
def tell(github: GitHubStandIn, forge: GitHubForge, tmp_path: Path) -> Callable[[str], None]:
    root = clone(github.world.git.path, tmp_path / "checkout")
    write(root, {"report.md": "better"})
    commit_and_push(root, "Retrain", "perennial/retrain/flight-delay-0001")
    pull = forge.open_pull(
        branch="perennial/retrain/flight-delay-0001", base="main", title="Retrain", body="b"
    )
    return lambda words: say(forge, pull, f"{OUTCOME}\n{words}\n", is_applied=True)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    "call",
    [("GET", COMMENT), ("POST", COMMENT), ("PATCH", f"{ISSUE}/comments/{{comment_id}}")],
)
def test_there_is_one_outcome_whatever_call_fails(github, forge, tell, call, fault) -> None:
    github.fail(*call, fault)
    for words in ("early", "late", "late"):
        with suppress(OutsideError):
            tell(words)
    tell("late")
    assert [comment.body.strip() for comment in forge.comments(1)] == [f"{OUTCOME}\nlate"]
