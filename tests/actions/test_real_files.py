"""Our own workflow files: GitHub's parser takes them, and events start what they should."""

import os
import subprocess
from pathlib import Path

import pytest

from pipeline.adapters.github import GitHubForge
from tests.actions import Actions
from tests.actions.engine import engine
from tests.actions.ours import FILES, ROOT, dispatch, pull_request, read
from tests.actions.performing import ACTIONS
from tests.actions.runs import Run
from tests.actions.starting import typed_inputs
from tests.actions.triggers import is_started
from tests.actions.workflows import refuse_unsupported
from tests.repository import copy_repository, git
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT, Clone
from tests.servers.github_standin.events import Event


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_githubs_parser_and_this_engine_take_every_file(path):
    workflow = read(path.name)
    refuse_unsupported(workflow)
    steps = [step for job in workflow.jobs.values() for step in job["steps"]]
    used = {step["uses"].partition("@")[0] for step in steps if "uses" in step}
    assert used <= {*ACTIONS, "./.github/actions/setup"}


def test_githubs_parser_takes_the_composite_action():
    text = (ROOT / ".github/actions/setup/action.yml").read_text()
    assert engine().action("action.yml", text)["runs"]["using"] == "composite"


@pytest.mark.parametrize(
    ("path", "is_looked_at"),
    [
        ("rollouts/m/rollout.yaml", True),
        ("rollouts/m/champion.yaml", True),
        ("rollouts/m/commands/1.yaml", True),
        ("rollouts/m/status/000.yaml", True),
        ("rollouts/m/traffic/envoy.yaml", False),
        ("README.md", False),
    ],
)
def test_a_push_of_these_files_starts_a_rollout(world, tmp_path, path, is_looked_at):
    clone = Clone(world.git, tmp_path / "clone")
    before = world.git.refs()
    sha = clone.push("main", {path: path})
    body = {"before": before["refs/heads/main"], "after": sha, "deleted": False}
    pushed = Event(world, "push", "alice", "refs/heads/main", sha, sha, lambda: body)
    assert is_started(read("rollout.yml"), pushed) is is_looked_at


RECORDS = {
    "rollouts/m/status/0007-promoted.yaml": "1",
    "rollouts/m/champion.yaml": "1",
    "rollouts/m/reference.json": "1",
    "rollouts/m/commands/pause-v.yaml": "1",
    "evidence/protocol-24-retraining/m/v/outcome/0007-promoted.md": "1",
}


@pytest.mark.parametrize(
    ("files", "is_tested"),
    [
        (RECORDS, False),
        ({**RECORDS, "dvc.lock": "a merged retrain"}, True),
        ({"pipeline/a.py": "1"}, True),
    ],
)
def test_what_the_reconciler_pushes_starts_no_tests_and_a_pull_request_always_does(
    world, tmp_path, files, is_tested
):
    clone = Clone(world.git, tmp_path / "clone")
    before = world.git.refs()["refs/heads/main"]
    sha = clone.push("main", files)
    body = {"before": before, "after": sha, "deleted": False}
    pushed = Event(world, "push", "perennial[bot]", "refs/heads/main", sha, sha, lambda: body)
    assert is_started(read("ci.yml"), pushed) is is_tested
    # The check that main asks for is told for each: one that never starts would block for ever.
    assert not {"paths", "paths-ignore"} & set(read("ci.yml").events["pull_request"])


def test_the_newest_state_of_a_pull_request_is_what_is_reviewed(world):
    rules = {}
    by_hand = dispatch(world, pull_request="7", kept_for="")
    for number, started_by in enumerate([pull_request(world), by_hand]):
        run = Run(number, 1, read("review.yml"), started_by, "alice", Path())
        if number:
            run.inputs = typed_inputs(run.workflow, started_by)
        about = {"event_name": started_by.name, "event": started_by.payload}
        contexts = {"github": about, "inputs": run.inputs}
        rules[number] = engine().resolve(run.workflow.tree["concurrency"], contexts)
    assert rules[0] == rules[1] == {"group": "review-7", "cancel-in-progress": True}


def test_a_review_that_the_clock_asks_for_waits_for_the_one_that_runs(world):
    started_by = dispatch(world, pull_request="7", kept_for="a" * 40)
    workflow = read("review.yml")
    contexts = {
        "github": {"event_name": started_by.name, "event": started_by.payload},
        "inputs": typed_inputs(workflow, started_by),
    }
    found = engine().resolve(workflow.tree["concurrency"], contexts)
    assert found == {"group": "review-7", "cancel-in-progress": False}


@pytest.mark.parametrize(
    ("changes", "group"),
    [
        ({}, "review-7"),
        ({"state": "dismissed"}, "review-7"),
        ({"state": "commented"}, "review-42"),
        ({"fork": "mallory"}, "review-42"),
    ],
)
def test_a_review_that_judges_nothing_does_not_end_the_one_that_does(world, changes, group):
    reviewed = pull_request(world, "pull_request_review", **changes)
    about = {"event_name": reviewed.name, "event": reviewed.payload, "run_id": "42"}
    github = {**about, "repository": f"{world.owner}/model"}
    contexts = {"github": github, "inputs": {}}
    found = engine().resolve(read("review.yml").tree["concurrency"], contexts)
    assert found == {"group": group, "cancel-in-progress": False}


def test_in_public_a_proposal_of_an_app_is_judged_though_its_own_event_starts_nothing(
    attach, github, clone
):
    github.world.is_private = False
    rules = (ROOT / ".github/workflows/review.yml").read_text().partition("\nenv:\n")[0]
    job = "jobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo judged\n"
    actions = attach({"review.yml": f"{rules}\n{job}"})
    clone.push("perennial/retrain/m-1", {"x": "1"})
    forge = GitHubForge(
        github.world.full_name,
        github.token_for(APP_BOT, contents="write", issues="write", pull_requests="write"),
        github.url,
        review_token=github.token_for(ACTIONS_BOT, actions="write"),
    )
    made = forge.open_pull(branch="perennial/retrain/m-1", base="main", title="x", body="x")
    assert forge.start_review(made.number) == ()
    actions.settle()
    runs = [(run.event.name, run.conclusion) for run in actions.runs]
    assert runs == [("pull_request_target", "failure"), ("workflow_dispatch", "success")]


def test_approvals_of_strangers_end_no_review_and_the_newest_state_is_judged_last(
    attach, github, clone
):
    rules = (ROOT / ".github/workflows/review.yml").read_text().partition("\nenv:\n")[0]
    job = "jobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo judged\n"
    github.add_person("mallory", "read")
    actions = attach({"review.yml": f"{rules}\n{job}"})
    clone.push("b", {"x": "1"})
    github.act("alice", "POST", "/pulls", {"title": "x", "head": "b", "base": "main"})
    for _ in range(3):
        github.approve(1, "mallory")
    actions.settle()
    runs = [(run.event.name, run.conclusion) for run in actions.runs]
    dropped = ("pull_request_review", "cancelled")
    judged = [(name, "success") for name in ("pull_request_target", "pull_request_review")]
    assert runs == [judged[0], dropped, dropped, judged[1]]
    clone.push("b", {"x": "2"})  # what is to be judged is another commit: nothing waits for that
    github.approve(1, "rita")
    actions.settle()
    assert [run.conclusion for run in actions.runs[4:]] == ["success", "success"]


ALONE, TOGETHER = "rollout-42", "rollout-state"


@pytest.mark.parametrize(
    ("name", "event", "inputs", "group"),
    [
        ("repository_dispatch", {"action": "rollout-stopped"}, {}, ALONE),
        ("repository_dispatch", {"action": "rollout-check"}, {}, TOGETHER),
        ("workflow_dispatch", {}, {"command": "abort", "model": "m"}, ALONE),
        ("workflow_dispatch", {}, {"command": "look", "model": ""}, TOGETHER),
        ("workflow_dispatch", {}, {"command": "look", "model": "m"}, ALONE),
        ("push", {"sender": {"type": "User"}}, {}, TOGETHER),
        ("push", {"sender": {"type": "Bot"}}, {}, ALONE),
        ("schedule", {}, {}, TOGETHER),
    ],
)
def test_what_is_nowhere_else_is_never_dropped_and_only_who_looks_at_all_takes_a_place(
    name, event, inputs, group
):
    contexts = {
        "github": {"event_name": name, "event": event, "run_id": "42"},
        "inputs": inputs,
    }
    found = engine().resolve(read("rollout.yml").tree["concurrency"], contexts)
    assert found["group"] == group


def taken(left: Path, checkout: Path) -> subprocess.CompletedProcess[str]:
    """The step that takes what a training run left, as bash runs it on a runner."""
    steps = read("retrain.yml").jobs["propose"]["steps"]
    [step] = [each for each in steps if each.get("name") == "Take what a run may leave"]
    return subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "LEFT": str(left)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_code_that_a_training_run_left_never_lies_where_code_is_read_from(tmp_path):
    left, checkout = tmp_path / "left", tmp_path / "checkout"
    for path in ("artifacts/a.json", "evidence/m/b.md", "pipeline/__init__.py", "yaml.py"):
        (left / path).parent.mkdir(parents=True, exist_ok=True)
        (left / path).write_text("raise SystemExit('ours now')")
    (left / "dvc.lock").write_text("{}")
    checkout.mkdir()
    assert taken(left, checkout).returncode == 0
    found = {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}
    assert found == {"artifacts/a.json", "evidence/m/b.md", "dvc.lock"}


def test_a_link_that_a_training_run_left_is_refused(tmp_path):
    left, checkout = tmp_path / "left", tmp_path / "checkout"
    (left / "artifacts").mkdir(parents=True)
    (left / "artifacts/report").symlink_to("/etc")
    checkout.mkdir()
    done = taken(left, checkout)
    assert (done.returncode, list(checkout.iterdir())) == (1, [])
    assert "a link" in done.stdout


def test_a_real_job_runs_from_its_checkout_to_its_script(github, tmp_path):
    """The rollouts of a repository that has none yet: our files, our code, the App's token."""
    seed = copy_repository(tmp_path / "seed")
    git(seed, "push", "--quiet", str(github.world.git.path), "main")
    actions = Actions(github, tmp_path / "actions", disabled=["ci.yml"], app="1234")
    actions.dispatch("rollout.yml", by="alice")
    actions.settle()
    [run] = actions.runs
    assert run.conclusion == "success", run.log
    assert "Nothing rolls out." in run.jobs["reconcile"].log
