"""The stand-in fails as it is told to, where and when it is told to."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.servers import github_recorder
from tests.servers.github_recorder import (
    BROKEN,
    DROPPED,
    TAKEN_AND_BROKEN,
    TAKEN_AND_DROPPED,
    Answer,
    secondary_limit,
)
from tests.servers.github_standin import APP_BOT, Clone, GitHubStandIn, primary_limit

ISSUES = "/repos/{owner}/{repo}/issues"


@pytest.fixture
def github(tmp_path):
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
        standin.add_person("alice")
        yield standin
    assert standin.violations == []


def open_issue(github, login=APP_BOT, timeout=5):
    return requests.post(
        f"{github.world.api}/issues",
        json={"title": "T"},
        headers={"Authorization": f"Bearer {github.token_for(login)}"},
        timeout=timeout,
    ).status_code


@pytest.mark.parametrize(
    ("answer", "status", "is_taken"),
    [
        (BROKEN, 500, False),
        (TAKEN_AND_BROKEN, 502, True),
        (DROPPED, None, False),
        (TAKEN_AND_DROPPED, None, True),
        (secondary_limit(None), 403, False),
        (primary_limit(1), 403, False),
    ],
)
def test_a_request_fails_before_or_after_its_effect(github, answer, status, is_taken):
    github.fail("POST", ISSUES, answer)
    if status is None:
        with pytest.raises(requests.ConnectionError):
            open_issue(github)
    else:
        assert open_issue(github) == status
    assert len(github.world.issues) == is_taken
    assert open_issue(github) == 201


def test_a_delay_outlasts_the_client_and_the_request_is_served(github):
    github.fail("POST", ISSUES, Answer(delay_seconds=0.5))
    with pytest.raises(requests.Timeout):
        open_issue(github, timeout=0.1)
    assert len(github.world.issues) == 1


def test_limits_tell_when_to_come_back(github):
    github.fail("GET", "*", primary_limit(1_372_723_200))
    headers = {"Authorization": f"Bearer {github.token_for('alice')}"}
    answer = requests.get(f"{github.url}/user", headers=headers, timeout=5)
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["X-RateLimit-Reset"] == "1372723200"
    github.fail("GET", "*", secondary_limit(7))
    answer = requests.get(f"{github.url}/user", headers=headers, timeout=5)
    assert answer.headers["Retry-After"] == "7"


def test_a_limit_of_one_account_leaves_the_others_alone(github):
    github.fail("POST", ISSUES, secondary_limit(60), login=APP_BOT)
    assert open_issue(github) == 403
    assert open_issue(github, "alice") == 201
    assert github.violations == []
    assert open_issue(github) == 201
    assert "before its Retry-After" in github.violations.pop()


def test_only_the_requests_that_are_meant_fail(github):
    github.fail("POST", ISSUES, BROKEN, times=2, after=1, login=APP_BOT)
    assert github.act("alice", "GET", "/issues") == []
    logins = [APP_BOT, "alice", APP_BOT, "alice", APP_BOT, APP_BOT]
    assert [open_issue(github, login) for login in logins] == [201, 201, 500, 201, 500, 201]


def test_any_request_can_be_the_one_that_fails(github):
    github.fail("*", "*", BROKEN, after=2)
    assert [open_issue(github) for _ in range(4)] == [201, 201, 500, 201]
    github.fail("*", "*", BROKEN, times=100)
    github.faults.clear()
    assert open_issue(github) == 201


def test_somebody_is_quicker(github):
    github.meanwhile("POST", ISSUES, lambda: open_issue(github, "alice"), login=APP_BOT)
    assert open_issue(github) == 201
    assert [issue.author for issue in github.world.issues.values()] == ["alice", APP_BOT]


def test_two_at_once_take_two_numbers(github):
    github.fail("POST", ISSUES, Answer(delay_seconds=0.01), times=100)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: open_issue(github), range(12))) == {201}
    assert sorted(github.world.issues) == list(range(1, 13))


def test_a_fault_of_the_stand_in_itself_is_a_violation(github):
    github.world.clock = time.time
    assert open_issue(github) == 500
    assert "AttributeError" in github.violations.pop()


def test_files_and_folders_are_read_at_a_ref(github, tmp_path):
    clone = Clone(github.world.git, tmp_path / "clone")
    sha = clone.push("perennial/x", {"a/b.txt": "ünï\n", "a/[c]*": "2"})
    file = github.act("alice", "GET", f"/contents/a/b.txt?ref={sha}")
    assert base64.b64decode(file["content"]).decode() == "ünï\n"
    folder = github.act("alice", "GET", "/contents/a?ref=perennial/x")
    assert [(e["path"], e["type"]) for e in folder] == [("a/[c]*", "file"), ("a/b.txt", "file")]
    root = github.act("alice", "GET", "/contents/?ref=perennial/x")
    assert [(e["name"], e["type"]) for e in root] == [("README.md", "file"), ("a", "dir")]
    for path in ("/contents/a", "/contents/README.md?ref=none", "/contents/x?ref=--all"):
        with pytest.raises(requests.HTTPError, match="404"):
            github.act("alice", "GET", path)
    ref = github.act("alice", "GET", "/git/ref/heads/perennial/x")
    assert ref["object"]["sha"] == sha


WORKFLOW = """
on:
  workflow_dispatch:
    inputs:
      model: {required: true}
      force: {default: "no"}
"""


def test_a_dispatched_workflow_is_written_down(github, tmp_path):
    files = {".github/workflows/retrain.yml": WORKFLOW, ".github/workflows/ci.yml": "on: push\n"}
    Clone(github.world.git, tmp_path / "clone").push("main", files)

    def dispatch(name="retrain.yml", ref="main", **inputs):
        path = f"/actions/workflows/{name}/dispatches"
        return github.act(APP_BOT, "POST", path, {"ref": ref, "inputs": inputs})

    dispatch(model="x")
    assert github.workflow_dispatches == [
        {"workflow": "retrain.yml", "ref": "main", "inputs": {"model": "x"}, "actor": APP_BOT}
    ]
    wrong = [
        (dispatch, "Required input 'model' not provided"),
        (lambda: dispatch(model="x", other="y"), "Unexpected inputs provided"),
        (lambda: dispatch("ci.yml"), "does not have 'workflow_dispatch' trigger"),
        (lambda: dispatch("missing.yml"), "404"),
        (lambda: dispatch(ref="missing"), "No ref found for: missing"),
    ]
    for call, words in wrong:
        with pytest.raises(requests.HTTPError, match=words):
            call()
    assert len(github.workflow_dispatches) == 1


def test_dispatches_and_runs_are_served_as_by_the_recorder(github):
    github.act(APP_BOT, "POST", "/dispatches", {"event_type": "retrain"})
    assert github.dispatches == [{"event_type": "retrain"}]
    github.add_run(7, "alice", "octo", [("bob", "approved")])
    assert github.act("alice", "GET", "/actions/runs/7")["actor"]["login"] == "alice"
    approvals = github.act("alice", "GET", "/actions/runs/7/approvals")
    assert approvals[0]["user"]["login"] == "bob"
