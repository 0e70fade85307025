"""Statuses and checks at the stand-in, and what of them a merge waits for."""

import pytest
import requests

from tests.servers import github_recorder
from tests.servers.github_standin import APP_BOT, Clone, GitHubStandIn, Rules

BRANCH = "perennial/retrain/flight-delay-0004"


@pytest.fixture
def github(tmp_path):
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
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


def head_of(github):
    return github.act("octo", "GET", "/pulls/1")["head"]["sha"]


def tell(github, state, context="review", sha=None, **more):
    path = f"/statuses/{sha or head_of(github)}"
    return github.act(APP_BOT, "POST", path, {"state": state, "context": context, **more})


def check(github, **more):
    body = {"name": "review", "head_sha": head_of(github), **more}
    return github.act(APP_BOT, "POST", "/check-runs", body)


def test_the_newest_status_of_each_context_is_combined(github, clone):
    def combined():
        whole = github.act("octo", "GET", f"/commits/{head_of(github)}/status")
        return whole["state"], [(s["context"], s["state"]) for s in whole["statuses"]]

    assert combined() == ("pending", [])
    tell(github, "pending")
    tell(github, "success", "ci", description="x" * 140)
    assert combined() == ("pending", [("review", "pending"), ("ci", "success")])
    tell(github, "success")
    assert combined()[0] == "success"
    tell(github, "error", "ci")
    assert combined() == ("failure", [("review", "success"), ("ci", "error")])
    every = github.act("octo", "GET", f"/commits/{head_of(github)}/statuses")
    assert [s["state"] for s in every] == ["error", "success", "success", "pending"]
    assert every[0]["creator"]["login"] == APP_BOT


def test_a_status_that_github_does_not_take_is_refused(github, clone):
    refused(lambda: tell(github, "success", sha="f" * 40), 422, "No commit found for SHA")
    refused(lambda: tell(github, "success", description="x" * 141), 422, "140 characters")


def test_a_required_status_must_have_succeeded_on_the_newest_head(github, clone):
    github.world.rules = Rules(checks=("review",))
    words = 'Required status check "review" is '
    refused(lambda: github.merge(1, "octo"), 405, words.replace('"', '\\"') + "expected")
    tell(github, "success", "another")
    tell(github, "pending")
    refused(lambda: github.merge(1, "octo"), 405, "is pending")
    tell(github, "failure")
    refused(lambda: github.merge(1, "octo"), 405, "is failing")
    tell(github, "success")
    clone.push(BRANCH, {"a": "2"})
    refused(lambda: github.merge(1, "octo"), 405, "is expected")
    tell(github, "success")
    github.merge(1, "octo")


def test_a_check_run_meets_a_required_check_as_well(github, clone):
    github.world.rules = Rules(checks=("review",))
    assert check(github, status="in_progress")["conclusion"] is None
    refused(lambda: github.merge(1, "octo"), 405, "is pending")
    check(github, conclusion="failure")
    refused(lambda: github.merge(1, "octo"), 405, "is failing")
    check(github, conclusion="neutral")
    runs = github.act("octo", "GET", f"/commits/{head_of(github)}/check-runs")
    assert [run["conclusion"] for run in runs["check_runs"]] == ["neutral"]
    path = f"/commits/{head_of(github)}/check-runs?filter=all&check_name=review"
    assert github.act("octo", "GET", path)["total_count"] == 3
    github.merge(1, "octo")


def test_only_apps_have_checks(github, clone):
    body = {"name": "review", "head_sha": head_of(github)}
    words = "You must authenticate via a GitHub App"
    refused(lambda: github.act("octo", "POST", "/check-runs", body), 403, words)


def test_a_status_that_is_not_required_makes_it_unstable_only(github, clone):
    tell(github, "failure")
    assert github.act("octo", "GET", "/pulls/1")["mergeable_state"] == "unstable"
    github.merge(1, "octo")


def test_strict_checks_want_the_newest_base(github, clone):
    github.world.rules = Rules(checks=("review",), is_strict=True)
    tell(github, "success")
    clone.push("main", {"b": "1"})
    assert github.act("octo", "GET", "/pulls/1")["mergeable_state"] == "behind"
    refused(lambda: github.merge(1, "octo"), 405, "Head branch is out of date")
