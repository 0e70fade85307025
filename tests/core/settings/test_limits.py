"""What a plan lacks, and what stands in for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.settings.limits import lacking_features, lacking_of, limit_items
from pipeline.core.settings.plan import Mark
from pipeline.repository_settings import Found, Key, Kind
from tests.repository_settings import PUBLIC, config_of


@pytest.mark.parametrize(
    ("is_private", "plan", "lacks"),
    [
        (False, "free", set()),
        (True, "free", {"reviewers", "ruleset", "pages", "environment"}),
        (True, "pro", {"reviewers"}),
        (True, "team", {"reviewers"}),
        (True, "enterprise", set()),
        (True, None, set()),
    ],
)
def test_private_repositories_lack_what_their_plan_does_not_pay_for(
    is_private: bool, plan: str | None, lacks: set[str]
) -> None:
    account = replace(PUBLIC, is_private=is_private, plan=plan)
    assert set(lacking_features(account)) == lacks


def test_githubs_own_word_counts_where_the_plan_is_not_told() -> None:
    found = Found(replace(PUBLIC, is_private=True, plan=None), {}, {Kind.RULESET: "Upgrade"})
    assert lacking_of(found) == {"ruleset": "Upgrade"}


def test_each_lack_names_what_stands_in_for_it() -> None:
    free = Found(replace(PUBLIC, is_private=True), {})
    items = limit_items(config_of(app_id=77, pages="always"), free)
    assert {item.mark for item in items} == {Mark.LACKING}
    assert len(items) == 4
    assert all("stands in: " in str(item) for item in items)


def test_a_page_that_nobody_wishes_is_not_missed() -> None:
    free = Found(replace(PUBLIC, is_private=True), {})
    for pages in ("never", "when_public"):
        whats = [item.what for item in limit_items(config_of(pages=pages), free)]
        assert not any(what.startswith("pages") for what in whats)


def test_the_mode_without_an_app_says_what_it_costs() -> None:
    (item,) = limit_items(config_of(), Found(PUBLIC, {}))
    assert "pushes without a pull request" in item.what
    assert limit_items(config_of(app_id=77), Found(PUBLIC, {})) == ()


def test_an_app_that_the_workflows_use_and_the_configuration_does_not_know_is_told() -> None:
    variable = {Key(Kind.VARIABLE, "PERENNIAL_APP_ID"): {"value": "88"}}
    _, item = limit_items(config_of(), Found(PUBLIC, variable))
    assert item.mark is Mark.BY_HAND
    assert item.what == "variable PERENNIAL_APP_ID is 88, and app_id is null"
    assert len(limit_items(config_of(app_id=77), Found(PUBLIC, variable))) == 0
