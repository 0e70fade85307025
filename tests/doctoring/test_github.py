"""The repository on GitHub, changed by hand: what the doctor says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.doctoring.github import (
    check_clock,
    check_people,
    check_pushes,
    check_schedules,
    check_settings,
)
from tests.doctoring.checkouts import replaced, situation_of, told
from tests.repository import git
from tests.servers.github_api import sample
from tests.servers.github_standin import ACTIONS_BOT, GitHubStandIn
from tests.servers.github_standin.settings_state import APP


def checks(*names: str) -> dict[str, Any]:
    return sample("protected-branch-required-status-check", contexts=list(names))


def reviews(*apps: int) -> dict[str, Any]:
    passing = {"users": [], "teams": [], "apps": [sample("integration", id=app) for app in apps]}
    name = "protected-branch-pull-request-review"
    return sample(name, bypass_pull_request_allowances=passing)


def strange(*kinds: str) -> dict[str, Any]:
    """A ruleset that is not ours."""
    names = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
    rules = [{"type": kind} for kind in kinds]
    return {"name": "strict", "enforcement": "active", "conditions": names, "rules": rules}


def use_app(root: Path) -> None:
    replaced(root / "configs/repository.yaml", "app_id: null", f"app_id: {APP}")


def test_each_setting_that_is_not_as_wished_is_a_line_with_its_mend(
    root: Path, github: GitHubStandIn
) -> None:
    lines = told(check_settings, situation_of(root, github))
    set_up = "python -m scripts.set_up_repository --apply"
    assert f"fault settings: ruleset perennial is not there -> {set_up}" in lines
    assert any(
        line.startswith("fault settings: job token drifted: default_permissions: write -> read")
        for line in lines
    )
    assert any(line.endswith("gh secret set WAREHOUSE_URL") for line in lines)
    assert any(line.startswith("warning settings: main takes pushes") for line in lines)


def test_a_rule_that_asks_code_owners_where_there_are_none_is_a_fault(
    root: Path, github: GitHubStandIn
) -> None:
    replaced(root / "configs/repository.yaml", "app_id: null", f"app_id: {APP}")
    lines = told(check_settings, situation_of(root, github))
    bare = [line for line in lines if "has no code owner" in line]
    assert [line.split()[2] for line in bare] == [".github/", "configs/", "rollouts/"]
    assert all(line.startswith("fault settings: ") for line in bare)
    assert all("name people in .github/CODEOWNERS" in line for line in bare)
    (root / ".github/CODEOWNERS").write_text("* @ada\n")
    lines = told(check_settings, situation_of(root, github))
    assert not any("code owner" in line for line in lines)


def test_what_a_jobs_token_may_not_see_is_not_called_well(
    root: Path, github: GitHubStandIn
) -> None:
    lines = told(check_settings, situation_of(root, github, ACTIONS_BOT))
    assert any(line.startswith("not checked settings: secrets") for line in lines)


def test_another_ruleset_that_stops_the_reconciler_is_a_fault(
    root: Path, github: GitHubStandIn
) -> None:
    situation = situation_of(root, github)
    assert told(check_pushes, situation)[0].startswith("ok main")
    github.act("octo", "POST", "/rulesets", strange("pull_request", "merge_queue", "deletion"))
    first, second, _ = told(check_pushes, situation)
    assert first.startswith("fault main: merge_queue (octo/model) holds main too")
    assert second.startswith("fault main: pull_request (octo/model) holds main too")
    assert second.endswith(
        "-> remove it, or set app_id in configs/repository.yaml and let that App through"
    )


def test_another_ruleset_is_well_once_it_lets_our_app_push_past_it(
    root: Path, github: GitHubStandIn
) -> None:
    use_app(root)
    situation = situation_of(root, github)
    number = github.act("octo", "POST", "/rulesets", strange("pull_request"))["id"]
    for mode, health in ((None, "fault"), ("pull_request", "fault"), ("always", "ok")):
        actor = {"actor_id": APP, "actor_type": "Integration", "bypass_mode": mode}
        body = {"bypass_actors": [actor] if mode else []}
        github.act("octo", "PUT", f"/rulesets/{number}", body)
        line = told(check_pushes, situation)[0]
        assert line.startswith(health)
        assert line.endswith("-> let the App bypass that ruleset") is (health == "fault")


def test_a_rule_that_stops_some_commits_is_a_warning(root: Path, github: GitHubStandIn) -> None:
    github.act("octo", "POST", "/rulesets", strange("commit_message_pattern"))
    line = told(check_pushes, situation_of(root, github))[0]
    assert line.startswith("warning main: commit_message_pattern (octo/model) holds main too")


def test_a_ruleset_whose_bypass_list_is_hidden_is_neither_well_nor_a_fault(
    root: Path, github: GitHubStandIn
) -> None:
    use_app(root)
    number = github.act("octo", "POST", "/rulesets", strange("pull_request"))["id"]
    hidden = "not checked main: whether the App may bypass pull_request"
    line = told(check_pushes, situation_of(root, github, "ada"))[0]
    assert line.startswith(f"{hidden} (octo/model) on main")
    of_organization = {"source": "octo", "source_type": "Organization"}
    github.world.settings.rulesets[number] |= of_organization
    line = told(check_pushes, situation_of(root, github))[0]
    assert line.startswith(f"{hidden} (octo) on main")


HARMLESS = {
    "required_status_checks": checks(),
    "required_signatures": {"url": "https://api.github.com", "enabled": False},
    "required_linear_history": {"enabled": True},
    "lock_branch": {"enabled": False},
}
STOPPING = {
    "required_pull_request_reviews": reviews(),
    "required_status_checks": checks("all green"),
    "restrictions": sample("branch-restriction-policy"),
    "required_signatures": {"url": "https://api.github.com", "enabled": True},
    "lock_branch": {"enabled": True},
}


def test_each_rule_of_a_classic_protection_that_stops_the_reconciler_is_a_fault(
    root: Path, github: GitHubStandIn
) -> None:
    situation = situation_of(root, github)
    assert told(check_pushes, situation)[1].startswith("ok main: no classic branch protection")
    github.world.settings.protection = HARMLESS
    assert told(check_pushes, situation)[1].startswith("ok main: no classic branch protection")
    github.world.settings.protection = STOPPING
    lines = told(check_pushes, situation)[1:]
    assert [line.split()[2] for line in lines] == list(STOPPING)
    assert all(line.startswith("fault main:") and "-> remove it" in line for line in lines)


def test_a_classic_protection_is_well_once_it_lets_our_app_in_and_no_other(
    root: Path, github: GitHubStandIn
) -> None:
    use_app(root)
    situation = situation_of(root, github)
    for app, health in ((APP + 1, "fault"), (APP, "ok")):
        github.world.settings.protection = {
            "required_pull_request_reviews": reviews(app),
            "restrictions": sample("branch-restriction-policy", apps=[{"id": app}]),
        }
        lines = told(check_pushes, situation)[1:]
        assert {line.split()[0] for line in lines} == {health}
        if app != APP:
            assert "-> let the App bypass required pull requests" in lines[0]
            assert "-> add the App to those who may push" in lines[1]


@pytest.mark.parametrize("login", [ACTIONS_BOT, "ada"])
def test_a_classic_protection_that_the_token_may_not_see_is_not_called_well(
    root: Path, github: GitHubStandIn, login: str
) -> None:
    for protection in (None, STOPPING):
        github.world.settings.protection = protection
        line = told(check_pushes, situation_of(root, github, login))[1]
        assert line.startswith("not checked main: a classic branch protection")


def test_where_the_plan_has_neither_rulesets_nor_protections_nothing_stops_the_reconciler(
    root: Path, github: GitHubStandIn
) -> None:
    github.world.is_private, github.world.settings.plan = True, "free"
    lines = told(check_pushes, situation_of(root, github))
    assert [line.split()[0] for line in lines] == ["ok", "ok"]


def test_an_approver_without_an_account_or_without_a_say_is_told(
    root: Path, github: GitHubStandIn
) -> None:
    situation = situation_of(root, github)
    assert told(check_people, situation) == ["ok people: 2 approvers may approve"]
    github.add_person("ben", "read")
    replaced(root / "configs/approvers.yaml", "[ada]", "[adaa]")
    lines = told(check_people, situation)
    assert lines[0] == "fault people: GitHub has no adaa -> mend configs/approvers.yaml"
    assert lines[1].startswith("warning people: ben may read only")


def test_a_schedule_that_github_turned_off_is_a_fault(root: Path, github: GitHubStandIn) -> None:
    git(root, "push", "--quiet", str(github.world.git.path), "main")
    situation = situation_of(root, github)
    assert told(check_schedules, situation)[0].startswith("ok workflows")
    github.world.settings.workflow_states = {"monitor.yml": "disabled_inactivity"}
    (root / ".github/workflows/extra.yml").write_text("on: push\n")
    assert told(check_schedules, situation) == [
        "fault workflows: monitor.yml is disabled_inactivity -> gh workflow enable monitor.yml",
        "warning workflows: extra.yml is not on GitHub yet -> push it to the default branch",
    ]


def test_a_workflow_of_somebody_else_or_of_the_past_is_no_fault(
    root: Path, github: GitHubStandIn
) -> None:
    git(root, "push", "--quiet", str(github.world.git.path), "main")
    (root / ".github/workflows/monitor.yml").unlink()
    github.world.settings.workflow_states = {"monitor.yml": "deleted"}
    (line,) = told(check_schedules, situation_of(root, github))
    assert line.startswith("ok workflows")


def test_a_public_repository_without_commits_is_warned_in_time(
    root: Path, github: GitHubStandIn
) -> None:
    git(root, "push", "--quiet", str(github.world.git.path), "main")
    github.world.is_private = False
    situation = situation_of(root, github)
    later = replace(situation, now=situation.now + timedelta(days=50))
    (line,) = told(check_schedules, later)
    assert line.startswith("warning workflows: no commit for 50 days")


def test_a_clock_is_well_however_long_the_checks_before_took(
    root: Path, github: GitHubStandIn
) -> None:
    situation = situation_of(root, github)
    ten_minutes = timedelta(minutes=10)
    slow = replace(
        situation, now=situation.now - ten_minutes, loaded=situation.loaded - ten_minutes.seconds
    )
    assert told(check_clock, slow)[0].startswith("ok clock")


def test_a_clock_that_runs_away_is_told(root: Path, github: GitHubStandIn) -> None:
    situation = situation_of(root, github)
    assert told(check_clock, situation)[0].startswith("ok clock")
    for minutes, health in ((3, "warning"), (30, "fault")):
        wrong = replace(situation, now=situation.now + timedelta(minutes=minutes))
        assert told(check_clock, wrong)[0].startswith(f"{health} clock:")
