"""Settings on GitHub, against the stand-in: what is read, what is set, what the plan lacks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.github.settings import GitHubSettings
from pipeline.adapters.github.settings_looks import NotSeen, PlanLacks
from pipeline.core.settings.plan import plan_settings
from pipeline.core.settings.wish import wished_settings
from pipeline.errors import OutsideError
from pipeline.repository_settings import Fields, Found, Key, Kind
from tests.proposals import HASTY
from tests.repository_settings import ROLES, config_of
from tests.servers import github_recorder
from tests.servers.github_recorder import TAKEN_AND_DROPPED, Answer
from tests.servers.github_standin import ACTIONS_BOT, Clone, GitHubStandIn
from tests.servers.github_standin.settings_state import APP

RULESET = Key(Kind.RULESET, "perennial")
MANUAL, ROLLOUT = Key(Kind.ENVIRONMENT, "manual-retrain"), Key(Kind.ENVIRONMENT, "rollout")
ROUTES = "/repos/{owner}/{repo}"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[GitHubStandIn]:
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as server:
        assert isinstance(server, GitHubStandIn)
        for login in ("Ada", "ben", "cleo"):
            server.add_person(login)
        yield server
    assert server.violations == []


@pytest.fixture
def settings(github: GitHubStandIn) -> GitHubSettings:
    return settings_of(github, "octo")


def settings_of(github: GitHubStandIn, login: str, **grants: str) -> GitHubSettings:
    return GitHubSettings(
        "octo/model", github.token_for(login, **grants), github.url, patience=HASTY
    )


def wished_by(settings: GitHubSettings) -> dict[Key, Fields]:
    return wished_settings(config_of(app_id=APP, pages="always"), ROLES, settings.account())


def found_by(settings: GitHubSettings) -> Found:
    return settings.find(settings.account(), wished_by(settings))


def test_everything_is_found_as_it_was_set_and_setting_it_twice_changes_nothing(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    wished = wished_by(settings)
    for _ in range(2):
        for key, fields in wished.items():
            settings.set(key, fields)
    found = found_by(settings).settings
    assert {key: found[key] for key in wished} == wished
    world = github.world
    assert [ruleset["name"] for ruleset in world.settings.rulesets.values()] == ["perennial"]
    assert list(world.settings.environments["rollout"].branches or {}) == ["main"]
    assert len(world.labels) == 3


def test_what_drifted_is_set_back(github: GitHubStandIn, settings: GitHubSettings) -> None:
    for key, fields in wished_by(settings).items():
        settings.set(key, fields)
    state = github.world.settings
    state.environments["manual-retrain"].reviewers = ["ben"]
    state.environments["rollout"].branches = {"anything": 1}
    state.variables["PERENNIAL_MONITOR"] = "on"
    state.pages, state.default_permissions = "legacy", "write"
    (ruleset,) = state.rulesets.values()
    ruleset["rules"] = [{"type": "required_linear_history"}]
    drifted = found_by(settings).settings
    assert drifted[RULESET]["other_rules"] == ("required_linear_history",)
    assert (drifted[RULESET]["approvals"], drifted[RULESET]["checks"]) == (None, None)
    for key, fields in wished_by(settings).items():
        settings.set(key, fields)
    found = found_by(settings).settings
    assert {key: found[key] for key in wished_by(settings)} == wished_by(settings)


def test_what_somebody_added_to_the_ruleset_is_not_lost_unsaid(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    """Setting a ruleset sets all of it: what that would take away protects less."""
    wished = {RULESET: wished_by(settings)[RULESET]}
    settings.set(RULESET, wished[RULESET])
    (ruleset,) = github.world.settings.rulesets.values()
    for rule in ruleset["rules"]:
        if rule["type"] == "pull_request":
            rule["parameters"]["required_review_thread_resolution"] = True
            team = {"reviewer": {"id": 7, "type": "Team"}, "minimum_approvals": 1}
            rule["parameters"]["required_reviewers"] = [{**team, "file_patterns": ["pipeline/*"]}]
        if rule["type"] == "required_status_checks":
            rule["parameters"]["strict_required_status_checks_policy"] = True
    ruleset["rules"].append({"type": "required_signatures"})
    ruleset["conditions"] = {"ref_name": {"include": ["~ALL"], "exclude": []}}
    (item,) = plan_settings(wished, found_by(settings))
    assert item.weaker == (
        "includes: without ~ALL",
        "other_rules: without pull_request: required_review_thread_resolution",
        "other_rules: without pull_request: required_reviewers",
        "other_rules: without required_signatures",
        "other_rules: without required_status_checks: strict_required_status_checks_policy",
    )


def test_what_we_have_no_word_for_stays_as_somebody_set_it(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    wished = wished_by(settings)[RULESET]
    settings.set(RULESET, wished)
    actors = [{"id": 7, "type": "Team"}]
    theirs = {"dismissal_restriction": {"enabled": True, "allowed_actors": actors}}
    parameters = pull_parameters(github)
    parameters |= {**theirs, "another": False, "required_review_thread_resolution": True}
    settings.set(RULESET, {**wished, "approvals": 2})
    found = pull_parameters(github)
    assert found["required_approving_review_count"] == 2
    assert found["required_review_thread_resolution"] is False  # the plan names it, and so it goes
    assert {name: found[name] for name in theirs} == theirs
    assert "another" not in found
    found["dismissal_restriction"] = {"enabled": False, "allowed_actors": []}
    settings.set(RULESET, wished)
    assert "dismissal_restriction" not in pull_parameters(github)


def pull_parameters(github: GitHubStandIn) -> dict[str, Any]:
    (ruleset,) = github.world.settings.rulesets.values()
    return next(r for r in ruleset["rules"] if r["type"] == "pull_request")["parameters"]


def test_a_wait_that_would_end_protects_less(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    wished = {ROLLOUT: wished_by(settings)[ROLLOUT]}
    settings.set(ROLLOUT, wished[ROLLOUT])
    github.world.settings.environments["rollout"].wait_minutes = 30
    (item,) = plan_settings(wished, found_by(settings))
    assert item.weaker == ("wait_minutes",)


def test_a_ruleset_without_checks_is_no_drift_for_ever(settings: GitHubSettings) -> None:
    shipped = config_of(app_id=APP)
    ruleset = shipped.ruleset.model_copy(update={"checks": ()})
    config = shipped.model_copy(update={"ruleset": ruleset})
    wished = wished_settings(config, ROLES, settings.account())
    settings.set(RULESET, wished[RULESET])
    assert settings.find(settings.account(), [RULESET]).settings[RULESET] == wished[RULESET]


def test_a_ruleset_whose_answer_was_lost_is_made_once(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    github.fail("POST", f"{ROUTES}/rulesets", TAKEN_AND_DROPPED)
    settings.set(RULESET, wished_by(settings)[RULESET])
    assert len(github.world.settings.rulesets) == 1


def test_the_job_token_cannot_be_let_through_a_ruleset(settings: GitHubSettings) -> None:
    wished = {**wished_by(settings)[RULESET], "bypass": ("Integration 15368 always",)}
    with pytest.raises(OutsideError, match="must be part of the ruleset source"):
        settings.set(RULESET, wished)


@pytest.mark.parametrize(("plan", "lacking"), [("free", {"ruleset"}), ("team", set())])
def test_github_says_which_settings_the_plan_lacks(
    github: GitHubStandIn, settings: GitHubSettings, plan: str, lacking: set[str]
) -> None:
    github.world.settings.plan = plan
    found = found_by(settings)
    assert set(found.lacking) == lacking
    assert found.account.plan == plan
    assert all("Upgrade to GitHub" in words for words in found.lacking.values())
    with pytest.raises(PlanLacks, match="billing plan"):
        settings.set(MANUAL, wished_by(settings)[MANUAL])


@pytest.mark.parametrize(
    ("login", "is_organization", "plan"),
    [("octo", True, "team"), ("octo", False, "team"), ("Ada", True, None), ("Ada", False, None)],
)
def test_the_plan_is_told_to_the_owner_alone(
    github: GitHubStandIn, login: str, is_organization: bool, plan: str | None
) -> None:
    github.world.settings.plan = "team"
    github.world.settings.is_organization = is_organization
    account = settings_of(github, login).account()
    assert (account.plan, account.is_private) == (plan, True)


def test_a_jobs_own_token_sees_little_and_sets_nothing(github: GitHubStandIn) -> None:
    bot = settings_of(github, ACTIONS_BOT)
    wished = wished_by(bot)
    settings_of(github, "octo").set(RULESET, wished[RULESET])
    found = bot.find(bot.account(), wished)
    assert set(found.unseen) == {"actions", "job token", "variable", "pages", "ruleset"}
    assert bot.secrets(["rollout"]).unseen == "Resource not accessible by integration"
    with pytest.raises(NotSeen):
        bot.set(RULESET, wished[RULESET])


def test_names_of_secrets_are_told_and_nothing_else(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    state = github.world.settings
    state.secrets, state.shared_secrets = {f"NAME_{n:02}" for n in range(45)}, {"SHARED"}
    settings.set(ROLLOUT, wished_by(settings)[ROLLOUT])
    state.environments["rollout"].secrets = {"OWN"}
    names = settings.secrets(["rollout", "not-there"])
    assert names.everywhere == state.secrets | {"SHARED"}
    assert names.of_environment == {"rollout": {"OWN"}, "not-there": frozenset()}
    assert {request.method for request in github.requests if "secrets" in request.path} == {"GET"}


def test_a_reviewer_without_an_account_is_named(settings: GitHubSettings) -> None:
    wished = {**wished_by(settings)[MANUAL], "reviewers": ("nobody-here",)}
    with pytest.raises(OutsideError, match="no account 'nobody-here'"):
        settings.set(MANUAL, wished)


def test_environments_of_other_shapes_are_told_as_they_are(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    body = {"deployment_branch_policy": None, "wait_timer": 30}
    github.act("octo", "PUT", "/environments/rollout", body)
    found = found_by(settings).settings[ROLLOUT]
    assert (found["branches"], found["wait_minutes"]) == ((), 30)
    policy = {"protected_branches": False, "custom_branch_policies": True}
    github.act("octo", "PUT", "/environments/rollout", {"deployment_branch_policy": policy})
    assert found_by(settings).settings[ROLLOUT]["branches"] == ("(no branch)",)


def test_rules_of_other_rulesets_are_told_apart_from_ours(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    settings.set(RULESET, wished_by(settings)[RULESET])
    assert settings.rules_of_others("main", "perennial") == ()
    others = settings.rules_of_others("main", "another")
    assert "pull_request (octo/model)" in map(str, others)
    assert {settings.apps_past(rule.ruleset) for rule in others} == {frozenset({APP})}
    assert settings.apps_past(1) is None
    assert settings.rules_of_others("release/1", "another") == ()


def test_people_workflows_and_the_time_are_told(
    github: GitHubStandIn, settings: GitHubSettings, tmp_path: Path
) -> None:
    clone = Clone(github.world.git, tmp_path / "clone")
    clone.push("main", {".github/workflows/ci.yml": "on: push\n"})
    github.world.settings.workflow_states = {"ci.yml": "disabled_inactivity"}
    assert settings.workflow_states() == {"ci.yml": "disabled_inactivity"}
    assert [settings.permission_of(login) for login in ("ada", "nobody")] == ["write", None]
    assert abs((settings.server_time() - datetime.now(UTC)).total_seconds()) < 600


PAGE = b"<html><title>Sign in to octo</title></html>"


@pytest.mark.parametrize("body", [PAGE, {"message": "Welcome"}, {"private": True, "owner": None}])
def test_a_page_that_something_else_answers_with_is_an_error_and_no_guess(
    github: GitHubStandIn, settings: GitHubSettings, body: Any
) -> None:
    github.fail("GET", ROUTES, Answer(200, body))
    with pytest.raises(OutsideError, match=r"did not answer in JSON|is not as described"):
        settings.account()


def test_a_page_that_answers_for_a_setting_is_an_error(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    github.fail("PUT", "*", Answer(200, PAGE))
    with pytest.raises(OutsideError, match=r"PUT /environments/rollout did not answer in JSON"):
        settings.set(ROLLOUT, wished_by(settings)[ROLLOUT])


def test_a_repository_that_is_not_there_is_named(github: GitHubStandIn) -> None:
    token = github.token_for("octo")
    elsewhere = GitHubSettings("octo/other", token, github.url, patience=HASTY)
    with pytest.raises(OutsideError, match="no repository octo/other"):
        elsewhere.account()


POLICY = Key(Kind.POLICY, "perennial-review")


def test_a_policy_is_found_as_it_was_set_and_set_back_where_it_drifted(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    github.world.is_private = False
    wished = wished_by(settings)[POLICY]
    assert POLICY not in found_by(settings).settings
    for _ in range(2):
        settings.set(POLICY, wished)
    [policy] = github.world.settings.policies.values()
    assert found_by(settings).settings[POLICY] == wished
    policy["enforcement"] = "disabled"
    policy["rules"].append(
        {"type": "restrict_actions_actors", "parameters": {"allowed_actors": [{"id": 1}]}}
    )
    found = found_by(settings).settings[POLICY]
    assert found["enforcement"] == "disabled"
    assert found["other_rules"] == ("restrict_actions_actors",)
    settings.set(POLICY, wished)
    assert found_by(settings).settings[POLICY] == wished


def test_a_policy_that_somebody_else_made_is_left_alone(
    github: GitHubStandIn, settings: GitHubSettings
) -> None:
    github.world.is_private = False
    theirs = {"name": "theirs", "enforcement": "active", "rules": []}
    github.act("octo", "POST", "/actions/policies", theirs)
    settings.set(POLICY, wished_by(settings)[POLICY])
    names = [policy["name"] for policy in github.world.settings.policies.values()]
    assert names == ["theirs", "perennial-review"]


@pytest.mark.parametrize("login", [ACTIONS_BOT, "Ada"])
def test_policies_that_the_token_may_not_see_are_not_called_well(
    github: GitHubStandIn, login: str
) -> None:
    github.world.is_private = False
    assert Kind.POLICY in found_by(settings_of(github, login)).unseen
    with pytest.raises(NotSeen):
        settings_of(github, login).set(POLICY, {"enforcement": "active"})
