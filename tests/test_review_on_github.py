"""The judge at work on GitHub, from a job whose token may no more than review.yml grants it.

GitHub is the stand-in, with a real repository behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.called import call_script
from tests.repository import commit, copy_repository, git
from tests.servers import github_recorder
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn, Rules

BRANCH = "perennial/retrain/flight-delay-0001"
CHAMPION = "rollouts/flight-delay/champion.yaml"
APPROVERS = "roles:\n  ml_lead: [ada]\n  product_owner: [linus]\n"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    standin = GitHubStandIn(tmp_path / "bare.git")
    standin.world.rules = Rules(checks=("perennial/verify",), dismisses_stale=True)
    with github_recorder.running(standin):
        for login in ("ada", "linus", "mallory"):
            standin.add_person(login)
        yield standin
    assert standin.violations == []


@pytest.fixture
def repository(github: GitHubStandIn, tmp_path: Path) -> Path:
    """A checkout of main, whose origin is the stand-in's repository."""
    root = copy_repository(tmp_path / "flights")
    (root / "configs/approvers.yaml").write_text(APPROVERS)
    commit(root, "Name the approvers")
    git(root, "remote", "add", "origin", str(github.world.git.path))
    git(root, "push", "--quiet", "--force", "origin", "main")
    return root


def propose(
    repository: Path, github: GitHubStandIn, path: str, text: str, branch: str = "work"
) -> None:
    """mallory pushes a branch that changes one file, and opens a pull request for it."""
    git(repository, "switch", "--quiet", "--create", branch)
    (repository / path).write_text(text)
    commit(repository, "Change it")
    git(repository, "push", "--quiet", "origin", branch)
    git(repository, "switch", "--quiet", "main")
    github.act("mallory", "POST", "/pulls", {"title": "Work", "head": branch, "base": "main"})


def propose_from_a_fork(
    repository: Path, github: GitHubStandIn, folder: Path, path: str, text: str
) -> None:
    """As above, from a fork of somebody who may not write."""
    github.add_fork("eve", folder / "fork.git")
    git(repository, "switch", "--quiet", "--create", "work")
    (repository / path).write_text(text)
    commit(repository, "Change it")
    git(repository, "push", "--quiet", str(folder / "fork.git"), "work")
    git(repository, "switch", "--quiet", "main")
    github.act("eve", "POST", "/pulls", {"title": "Work", "head": "eve:work", "base": "main"})


def judge(repository: Path, github: GitHubStandIn, number: int = 1) -> tuple[str, str]:
    """What a job of review.yml does. Returns the state and the words of the commit status."""
    asked = ("--pull-request", str(number), "--accept-no", "--apply")
    run_in_job(repository, github, ("review.yml", "verify"), "verify_retrain_pr", *asked)
    head = github.act("mallory", "GET", f"/pulls/{number}")["head"]["sha"]
    newest = github.act("mallory", "GET", f"/commits/{head}/statuses")[0]
    assert newest["context"] == "perennial/verify"
    return newest["state"], newest["description"]


def run_in_job(
    repository: Path, github: GitHubStandIn, place: tuple[str, str], script: str, *options: str
) -> str:
    """What a script printed, run with what the token of that workflow's job may."""
    grants = grants_of(repository, *place)
    done = call_script(
        repository,
        script,
        *options,
        GITHUB_REPOSITORY="octo/model",
        GITHUB_TOKEN=github.token_for(ACTIONS_BOT, **grants),
        GITHUB_API_URL=github.url,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def grants_of(repository: Path, file: str, job: str) -> dict[str, str]:
    """What a job's token may, as its workflow asks."""
    workflow = yaml.safe_load((repository / ".github/workflows" / file).read_text())
    asked = workflow["jobs"][job]["permissions"]
    return {name.replace("-", "_"): level for name, level in asked.items()}


def renew(repository: Path, github: GitHubStandIn, *options: str) -> str:
    """What a job of monitor.yml does. Returns what it printed."""
    place = ("monitor.yml", "check")
    return run_in_job(repository, github, place, "renew_reviews", "--apply", *options)


def comments(github: GitHubStandIn) -> list[str]:
    return [comment["body"] for comment in github.act("ada", "GET", "/issues/1/comments")]


def test_what_changes_nothing_that_serves_is_let_through_without_a_word(
    repository: Path, github: GitHubStandIn
) -> None:
    propose(repository, github, "README.md", "Better words.\n")
    assert judge(repository, github) == ("success", "1 of 1 gates pass")
    assert comments(github) == []
    github.merge(1, "ada")


def test_a_new_champion_waits_for_its_roles_and_one_comment_says_so(
    repository: Path, github: GitHubStandIn
) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    state, words = judge(repository, github)
    assert (state, words.startswith("approvals: Waits for ml_lead")) == ("pending", True)
    github.approve(1, "ada")
    assert "product_owner" in judge(repository, github)[1]
    github.approve(1, "linus")
    assert judge(repository, github) == ("success", "1 of 1 gates pass")
    [comment] = comments(github)
    assert "This may be merged" in comment


def test_a_push_after_the_approvals_takes_them_back(
    repository: Path, github: GitHubStandIn
) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    for login in ("ada", "linus"):
        github.approve(1, login)
    assert judge(repository, github)[0] == "success"
    git(repository, "switch", "--quiet", "work")
    (repository / CHAMPION).write_text("model: another\n")
    commit(repository, "One more thing")
    git(repository, "push", "--quiet", "origin", "work")
    git(repository, "switch", "--quiet", "main")
    state, words = judge(repository, github)
    assert state == "pending"
    assert "dismissed" in words


def push_as(
    repository: Path, github: GitHubStandIn, login: str, *, author: str = "perennial[bot]"
) -> None:
    """`login` pushes a commit to mallory's branch, in the name of `author`."""
    git(repository, "switch", "--quiet", "work")
    (repository / CHAMPION).write_text("model: mine\n")
    commit(repository, "One more thing")
    who = f"--author={author} <{author}@users.noreply.github.com>"
    git(repository, "commit", "--quiet", "--amend", "--no-edit", who)
    github.look()
    github.world.pusher = login
    git(repository, "push", "--quiet", "origin", "work")
    github.look()
    github.world.pusher = "octo"
    git(repository, "switch", "--quiet", "main")


def test_whoever_pushed_to_the_branch_does_not_approve_it_whatever_name_is_in_the_commit(
    repository: Path, github: GitHubStandIn
) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    push_as(repository, github, "ada")
    for login in ("ada", "linus"):
        github.approve(1, login)
    state, words = judge(repository, github)
    assert (state, "ml_lead (ada made a part of it)" in words) == ("pending", True)


def test_whoever_made_a_commit_does_not_approve_it_whoever_pushed_it(
    repository: Path, github: GitHubStandIn
) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    push_as(repository, github, "octo", author="linus")
    for login in ("ada", "linus"):
        github.approve(1, login)
    state, words = judge(repository, github)
    assert (state, "product_owner (linus made a part of it)" in words) == ("pending", True)


def test_whoever_only_deleted_an_earlier_branch_of_the_name_may_approve(
    repository: Path, github: GitHubStandIn
) -> None:
    git(repository, "push", "--quiet", "origin", "main:work")
    github.look()
    github.world.pusher = "ada"
    git(repository, "push", "--quiet", "origin", ":work")
    github.look()
    github.world.pusher = "octo"
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    for login in ("ada", "linus"):
        github.approve(1, login)
    assert judge(repository, github)[0] == "success"


def test_a_manifest_by_hand_is_judged_as_a_retrain_and_blocked(
    repository: Path, github: GitHubStandIn
) -> None:
    manifest = "rollouts/flight-delay/rollout.yaml"
    propose(repository, github, manifest, "model: flight-delay\n", BRANCH)
    for login in ("ada", "linus"):
        github.approve(1, login)
    state, words = judge(repository, github)
    assert state == "failure"
    assert words.startswith("contents: ")
    assert "This must not be merged" in comments(github)[0]


def test_a_fork_is_judged_by_what_it_changes(
    repository: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    propose_from_a_fork(repository, github, tmp_path, "README.md", "Better words.\n")
    assert judge(repository, github) == ("success", "1 of 1 gates pass")


def recomputed(repository: Path, github: GitHubStandIn, number: int = 1) -> tuple[int, str]:
    """What the job that holds the secrets does, whoever started it."""
    asked = ("--pull-request", str(number))
    job = {"GITHUB_REPOSITORY": "octo/model", "GITHUB_API_URL": github.url}
    done = call_script(repository, "recompute_retrain", *asked, **job)
    return done.returncode, done.stdout + done.stderr


def test_no_figures_of_a_fork_are_worked_out_though_a_person_starts_the_review(
    repository: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    manifest = "rollouts/flight-delay/rollout.yaml"
    propose_from_a_fork(repository, github, tmp_path, manifest, "model: flight-delay\n")
    code, said = recomputed(repository, github)
    assert (code, "is the newest of no branch perennial/retrain/" in said) == (1, True), said


def test_figures_of_a_branch_of_ours_are_worked_out_if_it_is_a_retrains(
    repository: Path, github: GitHubStandIn
) -> None:
    propose(repository, github, "README.md", "Better words.\n")
    code, said = recomputed(repository, github)
    assert (code, "is the newest of no branch perennial/retrain/" in said) == (1, True), said
    propose(repository, github, "README.md", "Other words.\n", BRANCH)
    code, said = recomputed(repository, github, 2)  # it begins, and finds no run to look into
    assert (code, "dvc.lock: the pull request has none" in said) == (3, True), said


def test_a_fork_proposes_no_retrain_whoever_approves(
    repository: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    manifest = "rollouts/flight-delay/rollout.yaml"
    propose_from_a_fork(repository, github, tmp_path, manifest, "model: flight-delay\n")
    for login in ("ada", "linus"):
        github.approve(1, login)
    state, words = judge(repository, github)
    assert (state, words.startswith("branch: It comes from a fork")) == ("failure", True)


def test_a_fork_with_the_very_commit_of_our_pull_request_says_nothing_of_it(
    repository: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    for login in ("ada", "linus"):
        github.approve(1, login)
    judged = judge(repository, github)
    assert judged[0] == "success"
    github.add_fork("eve", tmp_path / "fork.git")  # with all branches, and so with this commit
    github.act("eve", "POST", "/pulls", {"title": "Mine", "head": "eve:work", "base": "main"})
    assert judge(repository, github, 2) == judged
    github.merge(1, "ada")


def test_approvals_for_another_branch_are_none_for_main(
    repository: Path, github: GitHubStandIn
) -> None:
    git(repository, "push", "--quiet", "origin", "main:staging")
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    judged = judge(repository, github)
    assert judged[0] == "pending"
    github.act("mallory", "POST", "/pulls", {"title": "Try", "head": "work", "base": "staging"})
    for login in ("ada", "linus"):
        github.approve(2, login)
    assert judge(repository, github, 2) == judged


def test_a_fork_is_judged_once_our_pull_request_of_its_commit_is_closed(
    repository: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    github.add_fork("eve", tmp_path / "fork.git")
    github.act("eve", "POST", "/pulls", {"title": "Mine", "head": "eve:work", "base": "main"})
    github.act("ada", "PATCH", "/pulls/1", {"state": "closed"})
    state, words = judge(repository, github, 2)
    assert (state, words.startswith("approvals: Waits for ml_lead")) == ("pending", True)


def approved(repository: Path, github: GitHubStandIn) -> tuple[str, str]:
    """A proposal that main has judged and found well. Returns its status."""
    propose(repository, github, CHAMPION, "model: flight-delay\n", BRANCH)
    for login in ("ada", "linus"):
        github.approve(1, login)
    judged = judge(repository, github)
    assert judged[0] == "success"
    return judged


def move(repository: Path, path: str, text: str = "Another.\n") -> None:
    (repository / path).parent.mkdir(parents=True, exist_ok=True)
    (repository / path).write_text(text)
    commit(repository, "Move on")


def move_main(repository: Path, path: str) -> None:
    move(repository, path)
    git(repository, "push", "--quiet", "origin", "main")


def status(github: GitHubStandIn) -> tuple[str, str]:
    head = github.act("ada", "GET", "/pulls/1")["head"]["sha"]
    newest = github.act("ada", "GET", f"/commits/{head}/statuses")[0]
    return newest["state"], newest["description"]


def asked(github: GitHubStandIn) -> list[dict[str, str]]:
    return [sent["inputs"] for sent in github.world.workflow_dispatches]


def test_a_green_verdict_counts_no_longer_once_main_has_moved_on_and_is_asked_for_once(
    repository: Path, github: GitHubStandIn
) -> None:
    judged = approved(repository, github)
    renew(repository, github)
    assert (asked(github), status(github)) == ([], judged)
    move_main(repository, "configs/gates.yaml")
    assert "main has moved on since" in renew(repository, github)
    head = github.act("ada", "GET", "/pulls/1")["head"]["sha"]
    assert asked(github) == [{"pull_request": "1", "kept_for": head}]
    state, words = status(github)
    assert (state, words.startswith("Is judged again: main has moved on")) == ("pending", True)
    renew(repository, github)  # an hour later, whatever became of that review
    assert len(asked(github)) == 1
    git(repository, "checkout", "--quiet", "HEAD~", "--", "configs/gates.yaml")
    commit(repository, "Back again")
    git(repository, "push", "--quiet", "origin", "main")
    assert judge(repository, github) == judged
    renew(repository, github)
    assert len(asked(github)) == 1


def test_records_of_rollouts_end_no_verdict_and_a_day_does(
    repository: Path, github: GitHubStandIn
) -> None:
    judged = approved(repository, github)
    move_main(repository, "rollouts/flight-delay/status/0001-stage-1.yaml")
    assert "No open proposal" in renew(repository, github)
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1, seconds=5):%Y-%m-%dT%H:%M:%SZ}"
    assert "its verdict is of" in renew(repository, github, "--at", tomorrow)
    assert len(asked(github)) == 1
    assert status(github) == judged  # it stays until the newer one


def test_a_pull_request_to_another_branch_holds_up_no_renewal(
    repository: Path, github: GitHubStandIn
) -> None:
    approved(repository, github)
    git(repository, "switch", "--quiet", "--create", "old")
    move(repository, ".github/workflows/review.yml", "on: workflow_dispatch\n")
    git(repository, "push", "--quiet", "origin", "old")
    git(repository, "switch", "--quiet", "--create", "perennial/retrain/flight-delay-9999")
    move(repository, "README.md")
    git(repository, "push", "--quiet", "origin", "HEAD")
    git(repository, "switch", "--quiet", "main")
    mine = {"title": "Mine", "head": "perennial/retrain/flight-delay-9999", "base": "old"}
    github.act("mallory", "POST", "/pulls", mine)
    move_main(repository, "configs/gates.yaml")
    renew(repository, github)
    assert [inputs["pull_request"] for inputs in asked(github)] == ["1"]
    assert status(github)[0] == "pending"


def test_a_proposal_that_nobody_judged_is_judged(repository: Path, github: GitHubStandIn) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n", BRANCH)
    for _ in range(2):
        renew(repository, github)
    assert len(asked(github)) == 1
    assert status(github) == ("pending", "Is judged again: nobody has judged it yet.")


def test_a_shallow_checkout_as_the_monitor_has_it_knows_what_main_was(
    repository: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    judged = approved(repository, github)
    move_main(repository, "rollouts/flight-delay/status/0001-stage-1.yaml")
    url = github.world.git.path.as_uri()
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", url, "shallow")
    assert "No open proposal" in renew(tmp_path / "shallow", github)
    assert status(github) == judged


def test_where_no_proposal_is_open_one_request_is_all(
    repository: Path, github: GitHubStandIn
) -> None:
    propose(repository, github, "README.md", "Better words.\n")  # a person's, which events judge
    before = len(github.requests_of(ACTIONS_BOT))
    assert "No open proposal" in renew(repository, github)
    assert len(github.requests_of(ACTIONS_BOT)) == before + 1


def test_without_apply_nothing_is_started(repository: Path, github: GitHubStandIn) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n", BRANCH)
    done = call_script(
        repository,
        "renew_reviews",
        GITHUB_REPOSITORY="octo/model",
        GITHUB_TOKEN=github.token_for(ACTIONS_BOT, pull_requests="read", statuses="read"),
        GITHUB_API_URL=github.url,
    )
    assert "#1 is to be judged again: nobody has judged it yet" in done.stdout
    assert "--apply starts the reviews" in done.stdout
    assert asked(github) == []
