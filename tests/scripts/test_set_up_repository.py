"""From a fresh clone to a working GitHub repository, with one command that may be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import GateRefused, OutsideError
from scripts import set_up_repository
from tests.doctoring.checkouts import github_of_two, make_checkout, replaced, situation_of
from tests.repository import ROOT, commit, git, python
from tests.servers.git_push import push
from tests.servers.github_recorder import DROPPED
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT, GitHubStandIn
from tests.servers.github_standin.settings_policies import lets_start
from tests.servers.github_standin.settings_state import APP

RULESET = "/repos/{owner}/{repo}/rulesets"
NEEDED = {
    "WAREHOUSE_URL",
    "DVC_AWS_ACCESS_KEY_ID",
    "DVC_AWS_SECRET_ACCESS_KEY",
    "MLFLOW_TRACKING_URI",
    "PROMETHEUS_URL",
    "PERENNIAL_APP_KEY",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "checkout")


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with github_of_two(tmp_path) as server:
        yield server


def use_app(root: Path, owners: str = "* @ada\n") -> None:
    replaced(root / "configs/repository.yaml", "app_id: null", f"app_id: {APP}")
    (root / ".github/CODEOWNERS").write_text(owners)


def set_up(root: Path, github: GitHubStandIn, *arguments: str, login: str = "octo") -> int:
    situation = situation_of(root, github, login)
    return set_up_repository.run(situation, set_up_repository.parse(list(arguments)))


def writes(github: GitHubStandIn) -> list[str]:
    return [f"{r.method} {r.path}" for r in github.requests if r.method != "GET"]


def test_the_plan_changes_nothing(
    root: Path, github: GitHubStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    assert set_up(root, github) == 0
    told = capsys.readouterr().out
    assert "+ ruleset perennial" in told
    assert "DVC remote" in told
    assert "Nothing was changed." in told
    assert writes(github) == []


def test_once_applied_nothing_is_left_to_do_but_by_hand(
    root: Path, github: GitHubStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    use_app(root)
    assert set_up(root, github, "--apply") == 0
    assert github.world.rules.approvals == 1
    assert github.world.rules.checks == ("all green", "perennial/verify")
    count = len(writes(github))
    assert set_up(root, github, "--apply") == 0
    assert len(writes(github)) == count
    capsys.readouterr()
    assert set_up(root, github, "--check") == 1
    told = capsys.readouterr().out
    assert "! secret WAREHOUSE_URL: not set" in told
    github.world.settings.secrets = set(NEEDED)
    assert set_up(root, github, "--check") == 0
    assert all(name in told for name in NEEDED)


@pytest.mark.parametrize("has_app", [True, False])
def test_the_reconciler_may_push_its_records_in_either_mode(
    root: Path, github: GitHubStandIn, has_app: bool
) -> None:
    if has_app:
        use_app(root)
        commit(root, "Name the App")
    assert push(github, root, "octo", "HEAD:main")[0] == 0  # the workflows, which no bot may push
    set_up(root, github, "--apply")
    (root / "record").touch()
    commit(root, "A record")
    assert push(github, root, ACTIONS_BOT, "HEAD:main")[0] == int(has_app)
    assert push(github, root, APP_BOT, "HEAD:main")[0] == 0
    code, words = push(github, root, APP_BOT if not has_app else "octo", ":main")
    assert (code, "Cannot delete this branch" in words) == (1, True)


def test_what_drifted_is_listed_and_set_back(
    root: Path, github: GitHubStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(root, github, "--apply")
    github.world.settings.secrets = set(NEEDED)
    github.world.may_actions_open_pulls = False
    github.world.settings.variables["PERENNIAL_MONITOR"] = "on"
    capsys.readouterr()
    assert set_up(root, github, "--check") == 1
    told = capsys.readouterr().out
    assert "may_open_pull_requests: no -> yes" in told
    assert "value: on -> off" in told
    assert set_up(root, github, "--apply") == 0
    assert set_up(root, github, "--check") == 0


@pytest.mark.parametrize(("method", "after"), [("PUT", 1), ("POST", 6)])
def test_a_run_that_ends_anywhere_is_completed_by_the_next(
    root: Path, github: GitHubStandIn, method: str, after: int
) -> None:
    use_app(root)
    github.world.settings.secrets = set(NEEDED)
    github.fail(method, "*", DROPPED, times=3, after=after)
    with pytest.raises(OutsideError, match="not everything was set"):
        set_up(root, github, "--apply")
    assert set_up(root, github, "--apply") == 0
    assert set_up(root, github, "--check") == 0


def test_less_protection_than_now_is_refused_until_it_is_asked_for(
    root: Path, github: GitHubStandIn
) -> None:
    use_app(root)
    set_up(root, github, "--apply")
    before = writes(github)
    replaced(root / "configs/repository.yaml", "approvals: 1", "approvals: 2")
    set_up(root, github, "--apply")
    replaced(root / "configs/repository.yaml", "approvals: 2", "approvals: 1")
    with pytest.raises(GateRefused, match="ruleset perennial: approvals"):
        set_up(root, github, "--apply")
    assert github.world.rules.approvals == 2
    assert set_up(root, github, "--apply", "--allow-weaker") == 0
    assert github.world.rules.approvals == 1
    assert len(writes(github)) == len(before) + 2


def test_a_public_repository_gets_a_policy_without_which_no_event_starts_the_judge(
    root: Path, github: GitHubStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    github.world.is_private = False
    github.world.settings.secrets = set(NEEDED)
    review = ".github/workflows/review.yml"
    assert not lets_start(github.world, review, "pull_request_target")
    assert set_up(root, github, "--apply") == 0
    assert "+ actions policy perennial-review" in capsys.readouterr().out
    for event in ("pull_request_target", "pull_request_review", "workflow_dispatch"):
        assert lets_start(github.world, review, event)
    assert not lets_start(github.world, ".github/workflows/ci.yml", "pull_request_target")
    assert set_up(root, github, "--check") == 0


def test_code_owners_that_are_asked_for_and_named_nowhere_are_a_drift(
    root: Path, github: GitHubStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    use_app(root, owners="/.github/ @ada\n/configs/ @ben\n")
    github.world.settings.secrets = set(NEEDED)
    assert set_up(root, github, "--apply") == 0
    assert set_up(root, github, "--check") == 1
    told = capsys.readouterr().out
    assert "! rollouts/ has no code owner (rollouts/flight-delay/champion.yaml and 1 more)" in told
    assert "! configs/" not in told
    assert "! .github/" not in told


@pytest.mark.parametrize("plan", ["free", "team"])
def test_a_plan_that_lacks_features_is_told_and_is_no_drift(
    root: Path, github: GitHubStandIn, capsys: pytest.CaptureFixture[str], plan: str
) -> None:
    use_app(root)
    github.world.settings.plan = plan
    github.world.settings.secrets = set(NEEDED)
    assert set_up(root, github, "--apply") == 0
    told = capsys.readouterr().out
    assert f"a private repository on the plan {plan} has no reviewers of environments" in told
    assert ("has no rulesets" in told) is (plan == "free")
    assert "stands in: admit_retrain.py checks configs/approvers.yaml itself" in told
    assert set_up(root, github, "--check") == 0


def test_a_plan_that_is_not_told_is_found_out_and_may_be_written_down(
    root: Path, github: GitHubStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    state = github.world.settings
    state.plan, state.tells_plan, state.is_organization = "team", False, True
    state.secrets = set(NEEDED)
    assert set_up(root, github, "--apply") == 1
    told = capsys.readouterr().out
    assert "environment manual-retrain without reviewers" in told
    assert state.environments["manual-retrain"].branches is not None
    replaced(root / "configs/repository.yaml", "plan: null", "plan: team")
    assert set_up(root, github, "--check") == 0


def test_a_token_that_sees_too_little_is_no_clean_bill(root: Path, github: GitHubStandIn) -> None:
    github.world.settings.secrets = set(NEEDED)
    set_up(root, github, "--apply")
    with pytest.raises(OutsideError, match="does not see everything"):
        set_up(root, github, "--check", login=ACTIONS_BOT)


def test_a_token_that_sees_too_little_has_not_set_everything(
    root: Path, github: GitHubStandIn
) -> None:
    set_up(root, github, "--apply")
    github.world.may_actions_open_pulls = False  # which a job's token does not see
    with pytest.raises(OutsideError, match="does not see everything"):
        set_up(root, github, "--apply", login=ACTIONS_BOT)


def test_a_value_of_a_secret_is_neither_asked_for_nor_shown(
    root: Path, github: GitHubStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    situation = situation_of(root, github, MLFLOW_TRACKING_URI="http://ann:hunter22@127.0.0.1:9")
    set_up_repository.run(situation, set_up_repository.parse([]))
    told = capsys.readouterr().out
    assert "registry" in told
    assert "hunter22" not in told
    assert situation.environment["GITHUB_TOKEN"] not in told
    assert not any("/secrets/" in request.path for request in github.requests)


def test_without_a_token_the_command_says_how_to_get_one(root: Path) -> None:
    git(root, "remote", "add", "origin", "https://github.com/octo/model.git")
    done = python(root, "scripts.set_up_repository", PYTHONPATH=str(ROOT), GITHUB_TOKEN="")
    assert done.returncode == 2
    assert "export GITHUB_TOKEN=$(gh auth token)" in done.stderr
