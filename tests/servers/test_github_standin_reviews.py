"""Reviews and the rules of main: who must say yes, and which yes still counts."""

import pytest
import requests

from tests.servers import github_recorder
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT, Clone, GitHubStandIn, Rules

BRANCH = "perennial/retrain/flight-delay-0004"


@pytest.fixture
def github(tmp_path):
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
        for login in ("alice", "bob"):
            standin.add_person(login)
        yield standin
    assert standin.violations == []


@pytest.fixture
def clone(github, tmp_path):
    clone = Clone(github.world.git, tmp_path / "clone")
    clone.push(BRANCH, {"a": "1"})
    body = {"title": "Retrain", "head": BRANCH, "base": "main"}
    github.act(APP_BOT, "POST", "/pulls", body)
    return clone


def refused(call, status, words):
    with pytest.raises(requests.HTTPError) as caught:
        call()
    assert (caught.value.response.status_code, words in str(caught.value)) == (status, True), (
        caught.value
    )


def states(github):
    reviews = github.act("octo", "GET", "/pulls/1/reviews")
    return [(review["user"]["login"], review["state"]) for review in reviews]


def state_of(github):
    return github.act("octo", "GET", "/pulls/1")["mergeable_state"]


def test_a_review_is_of_a_commit(github, clone):
    first = github.approve(1, "alice")["commit_id"]
    second = clone.push(BRANCH, {"a": "2"})
    assert github.review(1, "bob", "COMMENT", "On the old one", sha=first)["commit_id"] == first
    assert github.approve(1, "bob")["commit_id"] == second
    assert states(github) == [("alice", "APPROVED"), ("bob", "COMMENTED"), ("bob", "APPROVED")]
    refused(lambda: github.approve(1, "bob", sha="f" * 40), 422, "not part of the pull request")


def test_nobody_approves_their_own_pull_request(github, clone):
    refused(lambda: github.approve(1, APP_BOT), 422, "Can not approve your own pull request")
    words = "Can not request changes on your own pull request"
    refused(lambda: github.review(1, APP_BOT, "REQUEST_CHANGES", "No"), 422, words)
    github.review(1, APP_BOT, "COMMENT", "A remark")


def test_a_comment_or_a_demand_needs_words(github, clone):
    for event in ("COMMENT", "REQUEST_CHANGES"):
        refused(lambda event=event: github.review(1, "alice", event, " "), 422, "can't be blank")
    assert states(github) == []


def test_a_pending_review_is_seen_by_its_author_alone(github, clone):
    github.act("alice", "POST", "/pulls/1/reviews", {"body": "not yet sent"})
    assert states(github) == []
    assert github.act("alice", "GET", "/pulls/1/reviews")[0]["state"] == "PENDING"


def test_approvals_that_the_rules_want_must_be_there(github, clone):
    github.world.rules = Rules(approvals=2)
    github.approve(1, "alice")
    github.approve(1, "alice")
    assert state_of(github) == "blocked"
    refused(lambda: github.merge(1, "alice"), 405, "At least 2 approving reviews are required")
    github.approve(1, "bob")
    assert state_of(github) == "clean"
    assert github.merge(1, "alice")["merged"]


def test_an_approval_without_write_access_does_not_count(github, clone):
    github.world.rules = Rules(approvals=1)
    github.add_person("reader", "read")
    github.approve(1, "reader")
    refused(lambda: github.merge(1, "alice"), 405, "At least 1 approving review is required")
    github.add_person("reader", "write")
    github.merge(1, "alice")


def test_the_last_word_of_each_person_counts(github, clone):
    github.world.rules = Rules(approvals=1)
    github.approve(1, "alice")
    github.review(1, "bob", "REQUEST_CHANGES", "Please")
    refused(lambda: github.merge(1, "alice"), 405, "Changes have been requested")
    github.review(1, "bob", "COMMENT", "A remark lifts nothing")
    refused(lambda: github.merge(1, "alice"), 405, "Changes have been requested")
    github.approve(1, "bob")
    github.review(1, "alice", "REQUEST_CHANGES", "Oh no")
    refused(lambda: github.merge(1, "alice"), 405, "Changes have been requested")


def test_without_rules_nothing_blocks(github, clone):
    github.review(1, "bob", "REQUEST_CHANGES", "Please")
    assert state_of(github) == "clean"
    github.merge(1, "alice")


@pytest.mark.parametrize("is_dismissed", [True, False])
def test_a_push_dismisses_approvals_only_where_the_rules_say_so(github, clone, is_dismissed):
    github.world.rules = Rules(approvals=1, dismisses_stale=is_dismissed)
    github.approve(1, "alice")
    github.review(1, "bob", "COMMENT", "Fine")
    clone.push(BRANCH, {"a": "2"})
    left = "DISMISSED" if is_dismissed else "APPROVED"
    assert states(github) == [("alice", left), ("bob", "COMMENTED")]
    if is_dismissed:
        refused(lambda: github.merge(1, "alice"), 405, "approving review")
        github.approve(1, "alice")
    github.merge(1, "alice")


def test_a_push_to_the_base_dismisses_nothing(github, clone):
    github.world.rules = Rules(approvals=1, dismisses_stale=True)
    github.approve(1, "alice")
    clone.push("main", {"b": "1"})
    assert states(github) == [("alice", "APPROVED")]


def test_a_review_is_dismissed_by_hand_once(github, clone):
    github.world.rules = Rules(approvals=1)
    number = github.approve(1, "alice")["id"]

    def dismiss(login):
        path = f"/pulls/1/reviews/{number}/dismissals"
        return github.act(login, "PUT", path, {"message": "Why", "event": "DISMISS"})

    github.add_person("reader", "read")
    refused(lambda: dismiss("reader"), 403, "push access")
    assert dismiss("bob")["state"] == "DISMISSED"
    refused(lambda: dismiss("bob"), 422, "Can not dismiss a dismissed pull request review")
    refused(lambda: github.merge(1, "alice"), 405, "approving review")
    number = 1
    refused(lambda: dismiss("bob"), 404, "Not Found")


def test_code_owners_of_the_base_must_approve_what_they_own(github, clone):
    github.world.rules = Rules(approvals=1, needs_code_owner=True)
    github.world.people.teams["data"] = {"bob"}
    clone.push("main", {".github/CODEOWNERS": "# who\n* @octo\n/models/ @octo/data\n*.md\n"})
    clone.push(BRANCH, {"models/x/dvc.lock": "1", "README.md": "2"}, is_forced=True)
    clone.push(BRANCH, {".github/CODEOWNERS": "* @alice\n"})
    github.approve(1, "alice")
    refused(lambda: github.merge(1, "alice"), 405, "Waiting on code owner review")
    github.approve(1, "bob")
    refused(lambda: github.merge(1, "alice"), 405, "Waiting on code owner review")
    github.approve(1, "octo")
    github.merge(1, "alice")


def test_reviewers_are_collaborators_and_not_the_author(github, clone):
    github.world.people.teams["data"] = {"bob"}

    def ask(**who):
        return github.act(APP_BOT, "POST", "/pulls/1/requested_reviewers", who)

    pull = ask(reviewers=["alice", "Bob"], team_reviewers=["data"])
    assert [user["login"] for user in pull["requested_reviewers"]] == ["alice", "bob"]
    assert [team["slug"] for team in pull["requested_teams"]] == ["data"]
    words = "Review cannot be requested from pull request author"
    refused(lambda: ask(reviewers=[APP_BOT]), 422, words)
    for who in ({"reviewers": ["nobody"]}, {"team_reviewers": ["nobodies"]}):
        refused(lambda who=who: ask(**who), 422, "Reviews may only be requested from collab")
    github.approve(1, "alice")
    left = github.act("octo", "GET", "/pulls/1/requested_reviewers")
    assert [user["login"] for user in left["users"]] == ["bob"]


def test_actions_proposes_and_approves_only_where_it_is_allowed_to(github, clone):
    github.world.may_actions_open_pulls = False
    clone.push("other", {"b": "1"})
    body = {"title": "T", "head": "other", "base": "main"}
    refused(lambda: github.act(ACTIONS_BOT, "POST", "/pulls", body), 403, "is not permitted")
    refused(lambda: github.approve(1, ACTIONS_BOT), 422, "is not permitted to approve")
    github.world.may_actions_open_pulls = True
    assert github.act(ACTIONS_BOT, "POST", "/pulls", body)["user"]["type"] == "Bot"


def test_the_rules_of_a_branch_are_told(github, clone):
    github.world.rules = Rules(
        approvals=1, dismisses_stale=True, needs_code_owner=True, checks=("review",), is_strict=True
    )
    rules = github.act("octo", "GET", "/rules/branches/main")
    found = {rule["type"]: rule["parameters"] for rule in rules}
    assert found["pull_request"]["required_approving_review_count"] == 1
    assert found["pull_request"]["dismiss_stale_reviews_on_push"]
    assert found["required_status_checks"]["required_status_checks"] == [{"context": "review"}]
    assert github.act("octo", "GET", "/rules/branches/other") == []
