"""GitHub as a forge, against the stand-in: what is asked, what is believed, what is made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.adapters.github import Busy, GitHubForge, Refused
from pipeline.errors import OutsideError
from pipeline.forge import PullState, ReviewState, StatusState
from tests.proposals import HASTY, REVIEW_WORKFLOW, clone, commit_and_push, write
from tests.repository import ROOT, git
from tests.servers import github_recorder
from tests.servers.github_api import sample
from tests.servers.github_recorder import (
    BROKEN,
    DROPPED,
    TAKEN_AND_DROPPED,
    Answer,
    secondary_limit,
)
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT, GitHubStandIn

BRANCH = "perennial/retrain/flight-delay-0001"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as server:
        assert isinstance(server, GitHubStandIn)
        server.add_person("ada", "write")
        yield server
    assert server.violations == []


@pytest.fixture
def root(tmp_path: Path, github: GitHubStandIn) -> Path:
    folder = clone(github.world.git.path, tmp_path / "clone")
    write(folder, {".github/workflows/review.yml": REVIEW_WORKFLOW})
    commit_and_push(folder, "Start")
    (folder / "report.md").write_text("found")
    commit_and_push(folder, "Propose", BRANCH)
    return folder


@pytest.fixture
def forge(github: GitHubStandIn, root: Path) -> GitHubForge:
    return forge_of(github)


def forge_of(github: GitHubStandIn, login: str = APP_BOT, **grants: str) -> GitHubForge:
    token = github.token_for(login, **grants)
    return GitHubForge("octo/model", token, github.url, patience=HASTY)


def open_one(forge: GitHubForge) -> int:
    made = forge.open_pull(branch=BRANCH, base="main", title="Retrain", body="Found.")
    return made.number


@pytest.mark.parametrize("login", [APP_BOT, ACTIONS_BOT, "ada"])
def test_github_says_who_we_are_to_bots_too(github: GitHubStandIn, login: str) -> None:
    assert forge_of(github, login).login() == login


def test_a_pull_request_is_opened_read_and_renewed(forge: GitHubForge, root: Path) -> None:
    number = open_one(forge)
    forge.edit_pull(number, title="Newer")
    forge.edit_pull(number, body="Found more.")
    (pull,) = forge.pulls("perennial/retrain/flight-delay-")
    assert pull == forge.pull(number)
    assert (pull.title, pull.body, pull.state) == ("Newer", "Found more.", PullState.OPEN)
    assert (pull.branch, pull.base, pull.author) == (BRANCH, "main", APP_BOT)
    assert pull.head == git(root, "rev-parse", "HEAD").strip()
    assert (pull.closed_by, pull.merge_commit) == (None, None)
    assert forge.pulls("perennial/retrain/other-") == ()


def test_opening_it_again_finds_it(forge: GitHubForge) -> None:
    assert open_one(forge) == open_one(forge)


def test_what_github_refuses_for_another_reason_is_an_error(forge: GitHubForge) -> None:
    with pytest.raises(Refused):
        forge.open_pull(branch="nothing", base="main", title="t", body="b")


def test_who_closed_it_and_what_merged_it_are_told(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    number = open_one(forge)
    github.close(number, "ada")
    assert (forge.pull(number).state, forge.pull(number).closed_by) == (PullState.CLOSED, "ada")
    github.reopen(number, "ada")
    forge.close_pull(number)
    forge.close_pull(number)
    assert forge.pull(number).closed_by == APP_BOT
    github.reopen(number, "ada")
    sha = github.merge(number, "ada")["sha"]
    merged = forge.pull(number)
    assert (merged.state, merged.merge_commit) == (PullState.MERGED, sha)


def test_a_forks_branch_of_the_same_name_is_not_ours(
    forge: GitHubForge, github: GitHubStandIn, tmp_path: Path, root: Path
) -> None:
    github.world.is_private = False
    github.add_fork("mallory", tmp_path / "fork.git")
    git(root, "push", "--quiet", str(tmp_path / "fork.git"), f"HEAD:refs/heads/{BRANCH}")
    asked = {"head": f"mallory:{BRANCH}", "base": "main", "title": "Evil", "body": "x"}
    theirs = github.act("mallory", "POST", "/pulls", asked)["number"]
    assert forge.pulls("perennial/") == ()
    assert forge.pull(theirs).is_fork
    ours = open_one(forge)
    assert ours != theirs
    assert not forge.pull(ours).is_fork
    assert [pull.number for pull in forge.open_pulls()] == [ours]


def test_the_open_ones_are_found_without_a_look_at_those_that_are_closed(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    forge.close_pull(open_one(forge))
    number = open_one(forge)
    weak = forge_of(github, ACTIONS_BOT, contents="read", pull_requests="read")
    assert [pull.number for pull in weak.open_pulls("perennial/")] == [number]
    assert weak.open_pulls("other/") == ()
    asked = [r.path.partition("?")[0] for r in github.requests_of(ACTIONS_BOT)]
    assert asked == ["/repos/octo/model/pulls"] * 2


@pytest.mark.parametrize("fault", [DROPPED, TAKEN_AND_DROPPED, BROKEN, Answer(delay_seconds=1.5)])
@pytest.mark.parametrize("what", ["pull", "comment", "issue"])
def test_what_may_have_been_made_is_looked_for_and_never_made_twice(
    forge: GitHubForge, github: GitHubStandIn, what: str, fault: Answer
) -> None:
    template = {"pull": "/pulls", "comment": "/issues/{issue_number}/comments", "issue": "/issues"}
    number = open_one(forge) if what == "comment" else 0
    github.fail("POST", f"/repos/{{owner}}/{{repo}}{template[what]}", fault)
    if what == "pull":
        assert forge.pull(open_one(forge)).title == "Retrain"
        assert len(forge.pulls("perennial/")) == 1
    elif what == "comment":
        assert forge.add_comment(number, "Said\nonce.").author == APP_BOT
        assert [c.body for c in forge.comments(number)] == ["Said\nonce."]
    else:
        assert forge.open_issue(title="State", body="well", labels=["state"]).is_open
        assert len(forge.issues("state")) == 1


def test_saying_the_same_twice_on_purpose_says_it_twice(forge: GitHubForge) -> None:
    number = open_one(forge)
    first, second = forge.add_comment(number, "again"), forge.add_comment(number, "again")
    assert first.id != second.id


def test_what_a_stranger_said_in_the_same_words_is_not_our_lost_comment(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    number = open_one(forge)
    template = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
    github.meanwhile("POST", template, lambda: github.comment(number, "ada", "mine"), login=APP_BOT)
    github.fail("POST", template, DROPPED, login=APP_BOT)
    assert forge.add_comment(number, "mine").author == APP_BOT
    assert [c.author for c in forge.comments(number)] == ["ada", APP_BOT]


def test_a_limit_is_waited_for_or_told(forge: GitHubForge, github: GitHubStandIn) -> None:
    github.fail("POST", "/repos/{owner}/{repo}/pulls", secondary_limit(1))
    number = open_one(forge)
    template = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
    github.fail("POST", template, secondary_limit(90))
    with pytest.raises(Busy):
        forge.add_comment(number, "later")
    assert github.world.comments == {}


def test_comments_are_read_over_all_pages_oldest_first_and_edited(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    number = open_one(forge)
    for index in range(101):
        github.comment(number, "ada", f"{index}")
    assert [c.body for c in forge.comments(number)] == [str(index) for index in range(101)]
    mine = forge.add_comment(number, "mine")
    forge.edit_comment(mine.id, "mine, edited")
    assert forge.comments(number)[-1].body == "mine, edited"


def test_people_are_asked_and_what_is_refused_is_told_and_stops_nothing(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    number = open_one(forge)
    refused = forge.ask(
        number, labels=["retrain"], reviewers=["ada", "nobody-here"], assignees=["ada"]
    )
    assert len(refused) == 1
    assert refused[0].startswith("nobody-here: ")
    issue = github.world.issues[number]
    assert (issue.labels, issue.assignees) == (["retrain"], ["ada"])
    assert issue.pull is not None
    assert issue.pull.reviewers == ["ada"]
    assert forge.pull(number).labels == ("retrain",)
    assert forge.ask(number, labels=[], reviewers=[], assignees=[]) == ()


def test_reviews_carry_the_commit_that_was_looked_at(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    number = open_one(forge)
    github.approve(number, "ada")
    (review,) = forge.reviews(number)
    assert (review.author, review.state) == ("ada", ReviewState.APPROVED)
    assert review.commit == forge.pull(number).head


def test_makers_are_those_of_the_commits_and_whoever_pushed(
    forge: GitHubForge, github: GitHubStandIn, root: Path
) -> None:
    number = open_one(forge)
    github.add_person("ben", "write")
    for address in ("ada@users.noreply.github.com", "nobody@example.com"):
        who = f"--author=Somebody <{address}>"
        git(root, "commit", "--quiet", "--allow-empty", "--message=Edit", who)
        git(root, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
    github.world.pusher = "ben"
    assert forge.makers(forge.pull(number), {}) == ("ada", "ben", "octo")


@pytest.mark.parametrize("is_hidden", [False, True])
def test_whoever_pushed_a_merge_of_main_alone_is_no_maker(
    forge: GitHubForge, github: GitHubStandIn, root: Path, is_hidden: bool
) -> None:
    number = open_one(forge)
    before, who = forge.pull(number).head, "--author=Ben <ben@users.noreply.github.com>"
    github.add_person("ben", "write")
    github.world.pusher = "ben"
    if is_hidden:  # more comes with the same push, and its commit names nobody
        git(root, "commit", "--quiet", "--allow-empty", "--message=Edit")
    parent = git(root, "rev-parse", "HEAD").strip()
    git(root, "commit", "--quiet", "--allow-empty", "--message=Merge", who)
    git(root, "push", "--quiet", "origin", f"HEAD:{BRANCH}")
    merge = forge.pull(number).head
    makers = forge.makers(forge.pull(number), {merge: parent})
    assert (parent != before) is is_hidden
    assert makers == (("ben", "octo") if is_hidden else ("octo",))


def test_who_made_it_is_not_known_where_github_leaves_commits_out(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    number = open_one(forge)
    path = "/repos/{owner}/{repo}/pulls/{pull_number}/commits"
    for size, before in ((100, 0), (100, 1), (50, 2)):
        github.fail("GET", path, Answer(200, [sample("commit")] * size), after=before)
    with pytest.raises(OutsideError, match=f"pull request {number}, and no more of any"):
        forge.makers(forge.pull(number), {})


def test_issues_leave_pull_requests_out(forge: GitHubForge) -> None:
    number = open_one(forge)
    forge.ask(number, labels=["state"], reviewers=[], assignees=[])
    issue = forge.open_issue(title="State", body="well", labels=["state"])
    assert [found.number for found in forge.issues("state")] == [issue.number]
    forge.edit_issue(issue.number, body="ill", is_open=False)
    (found,) = forge.issues("state")
    assert (found.body, found.is_open) == ("ill", False)


def test_a_status_is_set_on_a_commit(forge: GitHubForge, github: GitHubStandIn) -> None:
    head = forge.pull(open_one(forge)).head
    forge.set_status(
        head, context="perennial/review", state=StatusState.FAILURE, description="x" * 200
    )
    (status,) = github.world.statuses
    assert (status.commit, status.context, status.state) == (head, "perennial/review", "failure")
    assert status.description == "x" * 140


def test_the_newest_status_of_a_context_is_the_one_that_counts(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    head, url = forge.pull(open_one(forge)).head, "https://github.com/octo/model/commit/x"
    assert forge.status_of(head, "perennial/review") is None
    for context in ("perennial/review", "other"):
        for state in (StatusState.FAILURE, StatusState.SUCCESS):
            forge.set_status(head, context=context, state=state, description=context, url=url)
    found = forge.status_of(head, "perennial/review")
    assert found is not None
    assert (found.state, found.description, found.url) == (
        StatusState.SUCCESS,
        "perennial/review",
        url,
    )
    assert found.at == github.world.statuses[1].created_at


def test_a_review_that_waits_says_for_which_commit_figures_were_kept(
    root: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    known = "      kept_for: {required: false}\n"
    main = clone(github.world.git.path, tmp_path / "main")
    write(main, {".github/workflows/review.yml": f"{REVIEW_WORKFLOW}{known}"})
    commit_and_push(main, "Take what was kept")
    forge = forge_of(github)
    number = open_one(forge)
    assert forge.start_review(number, kept_for="a" * 40) == ()
    (sent,) = github.world.workflow_dispatches
    assert sent["inputs"] == {"pull_request": str(number), "kept_for": "a" * 40}


@pytest.mark.parametrize("login", [ACTIONS_BOT, "ada"])
def test_a_review_is_started_whoever_we_are(
    forge: GitHubForge, github: GitHubStandIn, login: str
) -> None:
    number = open_one(forge)
    assert forge_of(github, login).start_review(number) == ()
    (sent,) = github.world.workflow_dispatches
    assert sent["inputs"] == {"pull_request": str(number)}
    assert (sent["ref"], sent["actor"]) == ("main", login)


def test_an_apps_review_is_started_by_the_jobs_own_token(root: Path, github: GitHubStandIn) -> None:
    grants = {"contents": "write", "issues": "write", "pull_requests": "write"}
    app = github.token_for(APP_BOT, **grants)
    job = github.token_for(ACTIONS_BOT, actions="write")
    forge = GitHubForge("octo/model", app, github.url, patience=HASTY, review_token=job)
    number = open_one(forge)
    assert forge.start_review(number) == ()
    (sent,) = github.world.workflow_dispatches
    assert sent["actor"] == ACTIONS_BOT
    assert {r.path for r in github.requests_of(ACTIONS_BOT)} == {
        "/repos/octo/model/actions/workflows/review.yml/dispatches"
    }


def test_a_token_that_may_start_no_review_says_what_a_person_can_do(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    number = open_one(forge)
    weak = forge_of(github, APP_BOT, contents="write", pull_requests="write")
    (remark,) = weak.start_review(number)
    assert f"`gh workflow run review.yml -f pull_request={number}`" in remark
    assert github.world.workflow_dispatches == []


def test_a_review_that_github_is_too_busy_to_start_is_an_error(
    forge: GitHubForge, github: GitHubStandIn
) -> None:
    number = open_one(forge)
    path = "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches"
    github.fail("POST", path, secondary_limit(3600))
    with pytest.raises(Busy):
        forge.start_review(number)


def test_a_missing_permission_is_told_at_once(forge: GitHubForge, github: GitHubStandIn) -> None:
    weak = forge_of(github, ACTIONS_BOT, contents="write", pull_requests="read")
    with pytest.raises(OutsideError, match="lacks a permission"):
        open_one(weak)
    posts = [r for r in github.requests_of(ACTIONS_BOT) if r.method == "POST"]
    assert len([r for r in posts if r.path.endswith("/pulls")]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"message": "not a list"},
        [{"number": "7"}],
        [None],
        [{"number": 7, "title": "t", "state": "half-open"}],
        "[]",
    ],
)
def test_an_answer_without_its_shape_is_an_error_and_no_guess(
    forge: GitHubForge, github: GitHubStandIn, body: Any
) -> None:
    github.fail("GET", "/repos/{owner}/{repo}/pulls", Answer(200, body))
    with pytest.raises(OutsideError, match=r"not as described|not answer with a list"):
        forge.pulls("perennial/")


def test_the_token_is_in_no_error(forge: GitHubForge, github: GitHubStandIn) -> None:
    token = github.token_for(APP_BOT)
    github.fail("GET", "*", Answer(400, {"message": f"bad {token}"}))
    with pytest.raises(OutsideError) as caught:
        forge.pull(1)
    assert token not in str(caught.value)
    assert "bad ***" in str(caught.value)


def test_the_monitors_own_grants_tell_who_closed_a_proposal_of_a_private_repository(
    github: GitHubStandIn, forge: GitHubForge
) -> None:
    number = open_one(forge)
    github.act("ada", "PATCH", f"/pulls/{number}", {"state": "closed"})
    github.world.is_private = True
    jobs = yaml.safe_load((ROOT / ".github/workflows/monitor.yml").read_text())["jobs"]
    asked = {name.replace("-", "_"): level for name, level in jobs["check"]["permissions"].items()}
    assert forge_of(github, ACTIONS_BOT, **asked).pull(number).closed_by == "ada"
