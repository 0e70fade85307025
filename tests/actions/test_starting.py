"""Which events start which workflows, for whom, and how runs of a group wait for each other."""

import pytest
import requests

from tests.repository import git
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT

STEPS = "    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.sha }}\n"
JOBS = f"permissions: {{}}\njobs:\n  a:\n{STEPS}"
ALL = """on:
  push:
  pull_request:
  pull_request_target:
  pull_request_review:
  repository_dispatch:
"""


def started(actions):
    """Settle; the events of the runs since, with their actors, oldest first."""
    before = len(actions.runs)
    actions.settle()
    assert all(run.conclusion == "success" for run in actions.runs[before:])
    return [(run.event.name, run.actor) for run in actions.runs[before:]]


@pytest.fixture
def actions(attach):
    return attach({"w.yml": ALL + JOBS})


def pull(github, login):
    body = {"title": "x", "head": "b", "base": "main", "body": "x"}
    return github.act(login, "POST", "/pulls", body)


def test_people_and_apps_start_workflows(actions, github, clone):
    clone.push("b", {"x": "1"})
    assert started(actions) == [("push", "octo")]
    pull(github, APP_BOT)
    both = [("pull_request", APP_BOT), ("pull_request_target", APP_BOT)]
    assert started(actions) == both
    github.approve(1, "alice")
    assert started(actions) == [("pull_request_review", "alice")]
    clone.push("b", {"x": "2"})
    names = [name for name, _ in started(actions)]
    assert names == ["push", "pull_request", "pull_request_target"]
    assert actions.runs[-1].event.payload["action"] == "synchronize"
    github.merge(1, "alice")
    assert started(actions) == [("push", "alice")]
    payload = actions.runs[-1].event.payload
    assert payload["head_commit"]["committer"]["email"] == "noreply@github.com"
    assert payload["head_commit"]["added"] == ["x"]
    assert actions.runs[-1].event.paths == ["x"]


def test_what_a_jobs_own_token_does_starts_nothing_but_dispatches(actions, github, clone):
    clone.push("b", {"x": "1"})
    pull(github, "alice")
    started(actions)
    github.act(ACTIONS_BOT, "PATCH", "/pulls/1", {"title": "y"})
    github.review(1, ACTIONS_BOT, "COMMENT", "x")
    github.act(ACTIONS_BOT, "DELETE", "/git/refs/heads/b")
    assert started(actions) == []
    actions.repository_dispatch("hello", by=ACTIONS_BOT, payload={"a": 1})
    assert started(actions) == [("repository_dispatch", ACTIONS_BOT)]
    event = actions.runs[-1].event.payload
    assert (event["action"], event["client_payload"]) == ("hello", {"a": 1})


def test_a_pull_request_of_a_jobs_own_token_gets_runs_that_wait_for_an_approval(
    actions, github, clone
):
    clone.push("b", {"x": "1"})
    started(actions)
    pull(github, ACTIONS_BOT)
    assert actions.settle() == []
    [run] = actions.runs[1:]
    assert (run.event.name, run.conclusion) == ("pull_request", "action_required")
    assert (run.minutes, run.log.count("success")) == (0, 0)


def policy(events):
    paths = {"include": [".github/workflows/w.yml"], "exclude": []}
    rules = [{"type": "restrict_action_events", "parameters": {"allowed_events": events}}]
    conditions = {"workflow_path": paths}
    return {"name": "w", "enforcement": "active", "conditions": conditions, "rules": rules}


def test_in_public_nobodys_pull_request_starts_its_target_unless_a_policy_allows_it(
    actions, github, clone
):
    github.world.is_private = False
    clone.push("b", {"x": "1"})
    pull(github, APP_BOT)
    actions.settle()
    runs = {run.event.name: (run.conclusion, run.minutes) for run in actions.runs}
    assert runs["pull_request"] == ("success", 1)
    assert runs["pull_request_target"] == ("failure", 0)
    github.act("octo", "POST", "/actions/policies", policy(["pull_request_target"]))
    before = len(actions.runs)
    clone.push("b", {"x": "2"})
    actions.settle()
    runs = {run.event.name: run.conclusion for run in actions.runs[before:]}
    # A policy is the whole list: what it does not name is blocked from now on.
    assert runs == {
        "push": "failure",
        "pull_request": "failure",
        "pull_request_target": "success",
    }


def test_a_workflow_runs_as_the_commit_of_its_event_has_it(attach, github, clone):
    """A pull request's own copy for pull_request; main's for its target and for dispatches."""
    actions = attach({"w.yml": ALL + JOBS})
    changed = (ALL + JOBS).replace("echo", "echo changed")
    clone.push("b", {".github/workflows/w.yml": changed})
    pull(github, "alice")
    actions.repository_dispatch("hello", by="alice")
    actions.settle()
    logs = {run.event.name: "changed" in run.log for run in actions.runs}
    assert logs == {
        "push": True,
        "pull_request": True,
        "pull_request_target": False,
        "repository_dispatch": False,
    }


def test_branches_paths_and_types_filter(attach, github, clone):
    push = "on:\n  push:\n    branches: [main]\n    paths: ['a/**', '!a/*.md']\n"
    kinds = "on:\n  repository_dispatch:\n    types: [wanted]\n"
    actions = attach({"push.yml": push + JOBS, "kinds.yml": kinds + JOBS})
    actions.settle()
    clone.push("main", {"a/x.md": "1"})
    clone.push("other", {"a/x.py": "1"})
    clone.push("main", {"b/x.py": "1"})
    actions.repository_dispatch("other", by="alice")
    assert started(actions) == []
    clone.push("main", {"a/x.md": "2", "a/x.py": "1"})
    actions.repository_dispatch("wanted", by="alice")
    assert [name for name, _ in started(actions)] == ["push", "repository_dispatch"]


def test_a_commit_may_ask_for_no_run(actions, clone):
    clone.push("b", {"x": "1"})
    started(actions)
    git(clone.folder, "commit", "--quiet", "--allow-empty", "--message=Change [skip ci]")
    git(clone.folder, "push", "--quiet", "origin", "HEAD:refs/heads/b")
    assert started(actions) == []


def test_a_schedule_fires_on_the_default_branch_unless_it_is_disabled(attach, github):
    text = "on:\n  schedule:\n    - cron: '7 5 * * *'\n" + JOBS
    actions = attach({"w.yml": text, "off.yml": text}, disabled=["off.yml"])
    actions.schedule("w.yml")
    actions.schedule("off.yml")
    assert started(actions) == [("schedule", "octo")]
    assert actions.runs[-1].event.payload["schedule"] == "7 5 * * *"
    assert actions.runs[-1].minutes == 1


def test_a_dispatch_that_the_workflow_does_not_know_is_refused(attach):
    text = "on:\n  workflow_dispatch:\n    inputs:\n      c: {type: choice, options: [x, y]}\n"
    actions = attach({"w.yml": text + JOBS})
    for inputs in ({"c": "z"}, {"d": "x"}):
        with pytest.raises(requests.HTTPError):
            actions.dispatch("w.yml", by="alice", **inputs)
    with pytest.raises(requests.HTTPError):
        actions.dispatch("none.yml", by="alice")


def grouped(rule):
    return f"on:\n  repository_dispatch:\nconcurrency:\n  group: g\n{rule}" + JOBS


def conclusions(actions):
    return [run.conclusion for run in actions.runs]


def test_a_group_has_one_run_and_one_pending_the_older_pending_is_dropped(attach):
    actions = attach({"w.yml": grouped("  cancel-in-progress: false\n")})
    for _ in range(4):
        actions.repository_dispatch("x", by="alice")
    actions.settle()
    assert conclusions(actions) == ["success", "cancelled", "cancelled", "success"]
    assert [run.minutes for run in actions.runs] == [1, 0, 0, 1]


def test_the_newest_of_a_group_may_cancel_the_others(attach):
    actions = attach({"w.yml": grouped("  cancel-in-progress: true\n")})
    for _ in range(3):
        actions.repository_dispatch("x", by="alice")
    actions.settle()
    assert conclusions(actions) == ["cancelled", "cancelled", "success"]


def test_a_queue_without_limit_drops_nothing(attach):
    actions = attach({"w.yml": grouped("  queue: max\n")})
    for _ in range(3):
        actions.repository_dispatch("x", by="alice")
    actions.settle()
    assert conclusions(actions) == ["success"] * 3


def test_a_run_that_waits_for_reviewers_holds_its_group(attach):
    text = grouped("").replace("    runs-on", "    environment: prod\n    runs-on")
    actions = attach({"w.yml": text})
    actions.set_environment("prod", reviewers=["rita"])
    for _ in range(2):
        actions.repository_dispatch("x", by="alice")
    [first] = actions.settle()
    assert [run.status for run in actions.runs] == ["waiting", "pending"]
    actions.approve(first, by="rita")
    [second] = actions.settle()
    assert [run.status for run in actions.runs] == ["completed", "waiting"]
    actions.approve(second, by="rita")
    assert actions.settle() == []
