"""The judge at work on GitHub, from a job whose token may no more than review.yml grants it.

GitHub is the stand-in, with a real repository behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.called import call_script
from tests.repository import commit, copy_repository, git
from tests.servers import github_recorder
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn, Rules

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


def propose(repository: Path, github: GitHubStandIn, path: str, text: str) -> None:
    """mallory pushes a branch that changes one file, and opens a pull request for it."""
    git(repository, "switch", "--quiet", "--create", "work")
    (repository / path).write_text(text)
    commit(repository, "Change it")
    git(repository, "push", "--quiet", "origin", "work")
    git(repository, "switch", "--quiet", "main")
    github.act("mallory", "POST", "/pulls", {"title": "Work", "head": "work", "base": "main"})


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
    workflow = yaml.safe_load((repository / ".github/workflows/review.yml").read_text())
    asked = workflow["jobs"]["verify"]["permissions"]
    grants = {name.replace("-", "_"): level for name, level in asked.items()}
    done = call_script(
        repository,
        "verify_retrain_pr",
        *("--pull-request", str(number), "--accept-no", "--apply"),
        GITHUB_REPOSITORY="octo/model",
        GITHUB_TOKEN=github.token_for(ACTIONS_BOT, **grants),
        GITHUB_API_URL=github.url,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    head = github.act("mallory", "GET", f"/pulls/{number}")["head"]["sha"]
    newest = github.act("mallory", "GET", f"/commits/{head}/statuses")[0]
    assert newest["context"] == "perennial/verify"
    return newest["state"], newest["description"]


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


def test_a_manifest_by_hand_is_judged_as_a_retrain_and_blocked(
    repository: Path, github: GitHubStandIn
) -> None:
    propose(repository, github, "rollouts/flight-delay/rollout.yaml", "model: flight-delay\n")
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


def test_a_fork_is_judged_once_our_pull_request_of_its_commit_is_closed(
    repository: Path, github: GitHubStandIn, tmp_path: Path
) -> None:
    propose(repository, github, CHAMPION, "model: flight-delay\n")
    github.add_fork("eve", tmp_path / "fork.git")
    github.act("eve", "POST", "/pulls", {"title": "Mine", "head": "eve:work", "base": "main"})
    github.act("ada", "PATCH", "/pulls/1", {"state": "closed"})
    state, words = judge(repository, github, 2)
    assert (state, words.startswith("approvals: Waits for ml_lead")) == ("pending", True)
