"""A trace that asks GitHub too: the stand-in, with a real repository behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.core.quality.as_json import QUALITY_GATES
from pipeline.core.triggers.ledger import Ledger
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.tracing.outside import TRIGGERS
from scripts.trace import main
from tests.servers import github_recorder
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn, Rules
from tests.tracing.traced import RETRAIN, git, real, traced

NEVER = "2100-01-01T00:00:00Z"  # after every commit: GitHub's are of today


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    standin = GitHubStandIn(tmp_path / "bare.git")
    standin.world.rules = Rules(checks=(), dismisses_stale=True)
    with github_recorder.running(standin):
        for login in ("ada", "linus", "mallory"):
            standin.add_person(login)
        yield standin
    assert standin.violations == []


def traced_on_github(
    github: GitHubStandIn,
    folder: Path,
    approvers: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    updated_by: str | None = None,
    **files: dict[str, str],
) -> None:
    """The rollout of a pull request that `approvers` approved; the working directory is in it.

    Before that, `updated_by` pressed *Update branch*.
    """

    def merge(root: Path, branch: str) -> None:
        git(root, "remote", "add", "origin", str(github.world.git.path))
        git(root, "push", "--quiet", "--force", "origin", "main", branch)
        github.act(
            "mallory", "POST", "/pulls", {"title": "Retrain", "head": branch, "base": "main"}
        )
        if updated_by is not None:
            github.world.pusher = updated_by
            git(root, "switch", "--quiet", branch)
            git(root, "merge", "--quiet", "--no-edit", "main")
            git(root, "push", "--quiet", "origin", branch)
            git(root, "switch", "--quiet", "main")
        for login in approvers:
            github.approve(1, login)
        github.act("linus", "PUT", "/pulls/1/merge", {})
        git(root, "pull", "--quiet", "--ff-only", "origin", "main")

    made = traced(folder, merge, **files)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo/model")
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    token = github.token_for(ACTIONS_BOT, contents="read", pull_requests="read")
    monkeypatch.setenv("GITHUB_TOKEN", token)


def links(capsys: pytest.CaptureFixture[str]) -> dict[str, dict]:
    main([NEVER, "--json", "--local"])
    found = json.loads(capsys.readouterr().out)
    return {link["name"]: link for link in found["models"][0]["links"]}


def test_the_merge_and_its_approvals_are_those_that_github_knows(
    github, tmp_path, monkeypatch, capsys
):
    traced_on_github(github, tmp_path / "flights", ("ada", "linus"), monkeypatch)
    found = links(capsys)
    assert found["merge"]["state"] == found["approvals"]["state"] == "verified"
    assert [check["what"] for check in found["merge"]["checks"]] == [
        "trailer Perennial-Evidence",
        "pull request 1: merge commit",
        "pull request 1: branch",
        "pull request 1: head",
    ]
    assert found["approvals"]["says"][0].startswith("ada, linus approved")


def test_who_pressed_update_branch_may_have_approved(github, tmp_path, monkeypatch, capsys):
    traced_on_github(github, tmp_path / "flights", ("ada", "linus"), monkeypatch, "ada")
    found = links(capsys)
    assert found["merge"]["state"] == found["approvals"]["state"] == "verified"
    assert found["merge"]["checks"][0]["what"] == "trailer Perennial-Evidence"


def test_a_merge_past_the_roles_is_found(github, tmp_path, monkeypatch, capsys):
    traced_on_github(github, tmp_path / "flights", ("ada",), monkeypatch)
    found = links(capsys)["approvals"]
    assert found["state"] == "broken"
    assert "product_owner" in found["checks"][0]["found"]


def by_hand(*, has_rule: bool = True, is_waiting: bool = True) -> dict[str, dict[str, str]]:
    """A retrain that nobody's trigger asked for, on a main whose rule asks for three people."""
    rule = real(TRIGGERS).replace("min_approvals: 1", "min_approvals: 3")
    item = {"name": "triggers_validated", "verdict": "INCONCLUSIVE", "waits": is_waiting}
    return {
        "start": {TRIGGERS: rule} if has_rule else {},
        "proposal": {QUALITY_GATES: json.dumps({"gates": [{"items": [item]}]})},
    }


def test_a_retrain_by_hand_without_its_quorum_is_found(github, tmp_path, monkeypatch, capsys):
    traced_on_github(github, tmp_path / "flights", ("ada", "linus"), monkeypatch, **by_hand())
    found = links(capsys)["approvals"]
    assert found["state"] == "broken"
    assert "1 more of ml_lead or product_owner, since it ran by hand" in found["checks"][0]["found"]


def test_a_branch_that_denies_that_it_ran_by_hand_is_found(github, tmp_path, monkeypatch, capsys):
    denied = by_hand(is_waiting=False)
    traced_on_github(github, tmp_path / "flights", ("ada", "linus"), monkeypatch, **denied)
    LedgerStore(Path(), is_local=True).update(lambda _: (Ledger(), None), "No trigger fired")
    found = links(capsys)["approvals"]
    assert found["state"] == "broken"
    why = f"since the trigger ledger has no retrain {RETRAIN}"
    assert f"1 more of ml_lead or product_owner, {why}" in found["checks"][0]["found"]


@pytest.mark.parametrize("less", ["has_rule", "is_waiting"])
def test_a_merge_is_held_to_what_main_asked_for_then(github, tmp_path, monkeypatch, capsys, less):
    files = by_hand(**{less: False})
    traced_on_github(github, tmp_path / "flights", ("ada", "linus"), monkeypatch, **files)
    assert links(capsys)["approvals"]["state"] == "verified"


def test_a_pull_request_that_the_subject_makes_up_is_found(github, tmp_path, monkeypatch, capsys):
    traced_on_github(github, tmp_path / "flights", ("ada", "linus"), monkeypatch)
    del github.world.issues[1]
    found = links(capsys)["approvals"]
    assert found["state"] == "broken"
    assert found["checks"][0]["found"] == "no pull request merged it"


def test_a_merge_commit_that_github_does_not_know_is_found(github, tmp_path, monkeypatch, capsys):
    """The same pull request, on a main that somebody made again."""
    traced_on_github(github, tmp_path / "flights", ("ada", "linus"), monkeypatch)
    pull = github.world.issues[1].pull
    monkeypatch.setattr(pull, "merge_commit", "0" * 40)
    found = links(capsys)["merge"]
    assert [c["found"] for c in found["checks"] if not c["is_good"]] == ["0" * 40]
