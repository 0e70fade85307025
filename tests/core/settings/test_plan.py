"""The plan: what is added, changed, kept, and what of it would protect less."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.core.settings.plan import Item, Mark, SettingsPlan, plan_settings, shown
from pipeline.core.settings.wish import wished_settings
from pipeline.repository_settings import NO_BRANCH, PROTECTED, Fields, Found, Key, Kind
from tests.repository_settings import PUBLIC, ROLES, config_of

LABEL = Key(Kind.LABEL, "retrain")
TOKEN = Key(Kind.TOKEN)
RULESET = Key(Kind.RULESET, "perennial")
MANUAL = Key(Kind.ENVIRONMENT, "manual-retrain")
WISHED = wished_settings(config_of(app_id=77), ROLES, PUBLIC)


def planned(key: Key, found: Fields | None, wished: Fields | None = None) -> Item:
    settings = {} if found is None else {key: found}
    wanted = {key: WISHED[key] if wished is None else wished}
    (item,) = plan_settings(wanted, Found(PUBLIC, settings))
    return item


def changed(key: Key, **changes: Any) -> Item:
    return planned(key, {**WISHED[key], **changes})


def test_what_is_as_wished_is_one_line() -> None:
    item = planned(RULESET, WISHED[RULESET])
    assert (item.mark, str(item)) == (Mark.SAME, "= ruleset perennial")


def test_what_is_not_there_is_added_with_all_that_it_says() -> None:
    item = planned(LABEL, None, {"color": "1d76db", "description": ""})
    assert str(item) == "+ label retrain\n    color: 1d76db"


def test_a_change_shows_what_was_and_what_will_be() -> None:
    item = changed(LABEL, color="ffffff")
    assert str(item) == "~ label retrain\n    color: ffffff -> 1d76db"
    assert item.wished == WISHED[LABEL]


def test_what_github_adds_of_its_own_is_no_drift() -> None:
    assert changed(LABEL, default=False).mark is Mark.SAME


def test_somebody_else_in_the_bypass_list_is_drift() -> None:
    item = changed(RULESET, bypass=("Integration 77 always", "RepositoryRole 5 always"))
    assert item.mark is Mark.CHANGE
    assert item.weaker == ()
    assert "RepositoryRole 5 always" in str(item)


@pytest.mark.parametrize(
    ("key", "found", "words"),
    [
        (RULESET, {"approvals": 2}, "approvals"),
        (RULESET, {"checks": (*WISHED[RULESET]["checks"], "audit")}, "checks: without audit"),
        (RULESET, {"bypass": ()}, "bypass: Integration 77 always"),
        (MANUAL, {"reviewers": ("ada", "ben", "cleo", "dora")}, "reviewers: without dora"),
    ],
)
def test_what_would_protect_less_is_named(key: Key, found: Fields, words: str) -> None:
    item = changed(key, **found)
    assert item.weaker == (words,)
    assert SettingsPlan((item,)).weaker == (f"{key}: {words}",)


def test_opening_an_environment_to_every_branch_protects_less() -> None:
    open_to_all = {**WISHED[MANUAL], "branches": ()}
    assert planned(MANUAL, WISHED[MANUAL], open_to_all).weaker == ("branches: any",)


@pytest.mark.parametrize(
    ("found", "wished", "words"),
    [
        (("main",), ("*",), ("branches: *",)),
        (("main",), ("dev", "main"), ("branches: dev",)),
        ((PROTECTED,), ("main",), ("branches: main",)),
        (("rel*",), ("rel/1",), ("branches: rel/1",)),
        (("rel?",), ("rel*",), ("branches: rel*",)),
        (("*",), ("main",), ()),
        ((), ("main",), ()),
        ((NO_BRANCH,), ("main",), ()),
        ((NO_BRANCH,), (), ("branches: any",)),
    ],
)
def test_each_branch_that_an_environment_does_not_take_now_protects_less(
    found: tuple[str, ...], wished: tuple[str, ...], words: tuple[str, ...]
) -> None:
    before, after = ({**WISHED[MANUAL], "branches": names} for names in (found, wished))
    assert planned(MANUAL, before, after).weaker == words


def test_a_token_that_writes_unasked_protects_less_and_one_that_opens_pull_requests_not() -> None:
    reads = {"default_permissions": "read", "may_open_pull_requests": False}
    writes = {"default_permissions": "write", "may_open_pull_requests": True}
    assert planned(TOKEN, reads, writes).weaker == ("default_permissions: write",)
    assert planned(TOKEN, writes, reads).weaker == ()
    assert planned(TOKEN, reads, WISHED[TOKEN]).weaker == ()


def test_a_rule_that_is_gone_altogether_protects_less() -> None:
    without = wished_settings(config_of(), ROLES, PUBLIC)[RULESET]
    weaker = planned(RULESET, WISHED[RULESET], without).weaker
    assert {"approvals", "code_owners", "dismiss_stale", "last_push_approval"} <= set(weaker)
    assert "checks: without perennial/verify by App 15368" in weaker


def test_more_protection_is_no_weakening() -> None:
    assert changed(RULESET, approvals=None, checks=None).weaker == ()


@pytest.mark.parametrize(
    ("found", "weaker"),
    [
        ("all green", ()),
        ("all green by App 15368", ()),
        ("all green by App 7", ("checks: without all green by App 7",)),
        ("green", ("checks: without green",)),
    ],
)
def test_a_check_that_one_app_must_set_is_no_weakening_of_the_same_by_anybody(
    found: str, weaker: tuple[str, ...]
) -> None:
    assert changed(RULESET, checks=(found,)).weaker == weaker


def test_a_check_that_anybody_may_set_protects_less() -> None:
    loose = {**WISHED[RULESET], "checks": ("all green",)}
    found = {**loose, "checks": ("all green by App 15368",)}
    words = ("checks: without all green by App 15368",)
    assert planned(RULESET, found, loose).weaker == words


def test_a_kind_that_cannot_be_seen_is_neither_drift_nor_as_wished() -> None:
    items = plan_settings({LABEL: WISHED[LABEL]}, Found(PUBLIC, {}, {}, {Kind.LABEL: "no"}))
    plan = SettingsPlan(items)
    assert [str(item) for item in plan.unseen] == ["? label: no"]
    assert (plan.drifted, plan.settable) == ((), ())


def test_the_plan_counts_what_it_says() -> None:
    items = (changed(LABEL, color="ffffff"), Item(Mark.BY_HAND, "secret X: not set"))
    plan = SettingsPlan((*items, planned(RULESET, WISHED[RULESET])))
    assert str(plan).endswith("\n\n1 to change, 1 by hand, 1 as wished")
    assert (len(plan.drifted), len(plan.settable)) == (2, 1)
    assert str(SettingsPlan(())) == "\nnothing"


def test_a_strangers_value_stays_on_its_line() -> None:
    assert shown("a\nb\x1b[31m") == "a b [31m"
    assert [shown(value) for value in (True, False, None, "", (), ("a", "b"), 3)] == [
        "yes",
        "no",
        "none",
        "''",
        "none",
        "a, b",
        "3",
    ]


def test_a_policy_that_allows_more_than_somebody_let_it_is_weaker() -> None:
    key = Key(Kind.POLICY, "perennial-review")
    assert changed(key, enforcement="disabled").weaker == ()
    assert changed(key, events=("pull_request_review", "push", "workflow_dispatch")).weaker == (
        "events: pull_request_target",
    )
    actors = ("restrict_actions_actors",)
    assert changed(key, other_rules=actors).weaker == (
        "other_rules: without restrict_actions_actors",
    )
