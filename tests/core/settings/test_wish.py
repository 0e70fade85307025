"""What a repository should be set to, from the configuration and what the plan allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.settings.wish import wished_settings
from pipeline.errors import ConfigurationError
from pipeline.repository_settings import Key, Kind, words_of
from tests.repository_settings import PUBLIC, ROLES, config_of

MAIN = Key(Kind.RULESET, "perennial")
MANUAL, ROLLOUT = Key(Kind.ENVIRONMENT, "manual-retrain"), Key(Kind.ENVIRONMENT, "rollout")


def test_with_an_app_main_takes_judged_pull_requests_and_the_apps_own_records() -> None:
    ruleset = wished_settings(config_of(app_id=77), ROLES, PUBLIC)[MAIN]
    assert ruleset["approvals"] == 1
    assert ruleset["checks"] == ("all green by App 15368", "perennial/verify by App 15368")
    assert (ruleset["code_owners"], ruleset["dismiss_stale"]) == (True, True)
    assert ruleset["bypass"] == ("Integration 77 always",)


def test_without_an_app_main_is_protected_from_deletion_and_rewriting_alone() -> None:
    ruleset = wished_settings(config_of(), ROLES, PUBLIC)[MAIN]
    assert ruleset["forbids"] == ("deletion", "non_fast_forward")
    assert {ruleset[name] for name in ("approvals", "checks", "code_owners")} == {None}
    assert ruleset["bypass"] == ()


def test_the_apps_id_is_a_variable_for_the_workflows() -> None:
    wished = wished_settings(config_of(app_id=77), ROLES, PUBLIC)
    assert wished[Key(Kind.VARIABLE, "PERENNIAL_APP_ID")] == {"value": "77"}
    assert Key(Kind.VARIABLE, "PERENNIAL_APP_ID") not in wished_settings(config_of(), ROLES, PUBLIC)


def test_the_people_of_the_roles_approve_a_manual_retrain_and_nobody_delays_a_rollback() -> None:
    wished = wished_settings(config_of(), ROLES, PUBLIC)
    assert wished[MANUAL]["reviewers"] == ("ada", "ben", "cleo")
    assert wished[MANUAL]["prevents_self_review"] is True
    assert (wished[ROLLOUT]["reviewers"], wished[ROLLOUT]["branches"]) == ((), ("main",))


def test_main_is_protected_last() -> None:
    assert list(wished_settings(config_of(), ROLES, PUBLIC))[-1] == MAIN


def test_what_the_plan_lacks_is_not_wished() -> None:
    wished = wished_settings(config_of(), ROLES, PUBLIC, {Kind.RULESET, "reviewers"})
    assert MAIN not in wished
    assert (wished[MANUAL]["reviewers"], wished[MANUAL]["prevents_self_review"]) == ((), False)


@pytest.mark.parametrize(
    ("pages", "is_private", "is_wished"),
    [
        ("when_public", False, True),
        ("when_public", True, False),
        ("always", True, True),
        ("never", False, False),
    ],
)
def test_a_private_repository_gets_no_public_page_unasked(
    pages: str, is_private: bool, is_wished: bool
) -> None:
    account = replace(PUBLIC, is_private=is_private)
    wished = wished_settings(config_of(pages=pages), ROLES, account)
    assert (Key(Kind.PAGES) in wished) is is_wished


def test_a_public_repository_allows_the_judge_its_events_and_a_private_one_needs_no_policy() -> (
    None
):
    key = Key(Kind.POLICY, "perennial-review")
    policy = wished_settings(config_of(), ROLES, PUBLIC)[key]
    assert policy["workflows"] == (".github/workflows/review.yml",)
    assert "pull_request_target" in words_of(policy, "events")
    assert key not in wished_settings(config_of(), ROLES, replace(PUBLIC, is_private=True))


def test_checks_may_come_from_anybody_where_no_app_is_named() -> None:
    shipped = config_of(app_id=77)
    loose = shipped.model_copy(
        update={"ruleset": shipped.ruleset.model_copy(update={"checks_from": None})}
    )
    assert wished_settings(loose, ROLES, PUBLIC)[MAIN]["checks"] == (
        "all green",
        "perennial/verify",
    )


def test_every_fault_of_the_reviewers_is_told_at_once() -> None:
    many = {"ml_lead": tuple(f"person{n}" for n in range(7))}
    with pytest.raises(ConfigurationError) as found:
        wished_settings(config_of(), many, PUBLIC)
    assert len(found.value.faults) == 2
    assert "no role 'product_owner'" in str(found.value)
    assert "7 people, GitHub takes 6" in str(found.value)
