"""Rulesets that were set through the API hold, for merges and for pushes."""

from __future__ import annotations

import pytest
import requests

from tests.repository import commit, git
from tests.servers import github_recorder
from tests.servers.git_push import push
from tests.servers.github_standin import ACTIONS_BOT, APP_BOT, Clone, GitHubStandIn
from tests.servers.github_standin.settings_state import APP

RULES = [
    {"type": "deletion"},
    {"type": "non_fast_forward"},
    {
        "type": "pull_request",
        "parameters": {
            "required_approving_review_count": 1,
            "dismiss_stale_reviews_on_push": True,
            "require_code_owner_review": False,
            "require_last_push_approval": False,
            "required_review_thread_resolution": False,
        },
    },
    {
        "type": "required_status_checks",
        "parameters": {
            "required_status_checks": [{"context": "verify", "integration_id": 15368}],
            "strict_required_status_checks_policy": False,
        },
    },
]
BYPASS = {"actor_id": APP, "actor_type": "Integration", "bypass_mode": "always"}


def ruleset(rules, *actors, **changes):
    body = {
        "name": "main",
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": rules,
        "bypass_actors": list(actors),
    }
    return {**body, **changes}


@pytest.fixture
def github(tmp_path):
    with github_recorder.running(GitHubStandIn(tmp_path / "bare.git")) as standin:
        standin.add_person("ada")
        Clone(standin.world.git, tmp_path / "clone")
        yield standin
    assert standin.violations == []


def commit_in(folder, text):
    (folder / "a").write_text(text)
    commit(folder, text)


def test_pushes_to_main_are_refused_to_all_but_the_app(github, tmp_path):
    github.act("octo", "POST", "/rulesets", ruleset(RULES, BYPASS))
    clone = tmp_path / "clone"
    commit_in(clone, "one")
    for login in ("octo", "ada", ACTIONS_BOT):
        code, words = push(github, clone, login, "HEAD:main")
        assert (code, "Changes must be made through a pull request" in words) == (1, True)
    assert push(github, clone, APP_BOT, "HEAD:main")[0] == 0
    assert push(github, clone, "ada", "HEAD:other")[0] == 0


def test_without_a_rule_about_pull_requests_main_takes_pushes_and_is_not_rewritten(
    github, tmp_path
):
    github.act("octo", "POST", "/rulesets", ruleset(RULES[:2]))
    clone = tmp_path / "clone"
    for text in ("one", "two"):
        commit_in(clone, text)
    assert push(github, clone, ACTIONS_BOT, "HEAD:main")[0] == 0
    git(clone, "reset", "--quiet", "--hard", "HEAD~1")
    code, words = push(github, clone, "ada", "--force", "HEAD:main")
    assert (code, "Cannot force-push" in words) == (1, True)
    code, words = push(github, clone, "ada", ":main")
    assert (code, "Cannot delete this branch" in words) == (1, True)


def test_a_merge_needs_the_approval_and_the_check_of_the_right_app(github, tmp_path):
    clone = Clone(github.world.git, tmp_path / "other")
    head = clone.push("change", {"b": "1"})
    github.act("octo", "POST", "/rulesets", ruleset(RULES, BYPASS))
    asked = {"title": "Change", "head": "change", "base": "main"}
    number = github.act(APP_BOT, "POST", "/pulls", asked)["number"]
    github.approve(number, "ada")
    status = {"context": "verify", "state": "success"}
    github.act("ada", "POST", f"/statuses/{head}", status)
    with pytest.raises(requests.HTTPError, match=r"verify.* is expected"):
        github.merge(number, "ada")
    github.act(ACTIONS_BOT, "POST", f"/statuses/{head}", status)
    github.merge(number, "ada")
    assert github.world.git.commit_of("main") != head


def test_a_ruleset_that_is_off_or_of_another_branch_holds_nothing(github, tmp_path):
    elsewhere = {"ref_name": {"include": ["refs/heads/release"], "exclude": []}}
    github.act("octo", "POST", "/rulesets", ruleset(RULES, name="a", enforcement="disabled"))
    github.act("octo", "POST", "/rulesets", ruleset(RULES, name="b", conditions=elsewhere))
    commit_in(tmp_path / "clone", "one")
    assert push(github, tmp_path / "clone", "ada", "HEAD:main")[0] == 0


def test_names_are_unique_and_only_administrators_set_rules(github):
    made = github.act("octo", "POST", "/rulesets", ruleset(RULES))
    with pytest.raises(requests.HTTPError, match="Name must be unique"):
        github.act("octo", "POST", "/rulesets", ruleset(RULES))
    with pytest.raises(requests.HTTPError, match="Must have admin access"):
        github.act("ada", "POST", "/rulesets", ruleset(RULES, name="another"))
    assert "bypass_actors" not in github.act("ada", "GET", f"/rulesets/{made['id']}")
    assert github.act("octo", "GET", f"/rulesets/{made['id']}")["bypass_actors"] == []
