"""Secrets by name: which job needs which, and which are missing."""

from __future__ import annotations

from typing import Any

from pipeline.core.settings.needed_secrets import Use, secret_items, uses_of
from pipeline.core.settings.plan import Mark
from pipeline.repository_settings import SecretNames
from tests.repository_settings import config_of

WORKFLOWS = {
    "a.yml": {
        "env": {"URL": "${{ secrets.SHARED_URL }}"},
        "jobs": {
            "train": {"steps": [{"env": {"A": "${{ secrets.KEY || github.token }}"}}]},
            "serve": {"environment": {"name": "rollout"}, "if": "vars.ON == 'on'"},
            "odd": None,
        },
    },
    "b.yml": "not a workflow",
}
WISHES = {
    "KEY": {"required": "always", "why": "to train"},
    "SHARED_URL": {"required": "never", "why": "nice to have"},
    "APP_KEY": {"required": "app", "why": "to push"},
}


def test_uses_are_found_with_their_jobs_and_environments() -> None:
    assert uses_of(WORKFLOWS) == (
        Use("KEY", "a.yml", "train"),
        Use("ON", "a.yml", "serve", "rollout", is_secret=False),
        Use("SHARED_URL", "a.yml", "odd"),
        Use("SHARED_URL", "a.yml", "serve", "rollout"),
        Use("SHARED_URL", "a.yml", "train"),
    )


def told(uses: tuple[Use, ...], names: SecretNames, **changes: Any) -> dict[str, str]:
    items = secret_items(config_of(secrets=WISHES, **changes), uses, names)
    return {item.what.removeprefix("secret "): item.mark for item in items}


USES = (Use("KEY", "a.yml", "train"), Use("APP_KEY", "a.yml", "push", "rollout"))


def test_a_missing_secret_is_for_a_person_to_set_if_it_must_be_there() -> None:
    found = told(USES, SecretNames())
    assert found == {
        "KEY: not set": Mark.BY_HAND,
        "SHARED_URL: read by no workflow": Mark.SAME,
        "APP_KEY: not set, and need not be": Mark.SAME,
    }
    assert told(USES, SecretNames(), app_id=77)["APP_KEY: not set"] is Mark.BY_HAND


def test_what_environments_alone_need_is_set_for_each_of_them_and_for_no_other_branch() -> None:
    uses = (*USES, Use("APP_KEY", "b.yml", "propose", "proposals"))
    items = secret_items(config_of(secrets=WISHES, app_id=77), uses, SecretNames())
    [notes] = [item.notes for item in items if item.what == "secret APP_KEY: not set"]
    assert notes[1:] == (
        "gh secret set APP_KEY --env proposals",
        "gh secret set APP_KEY --env rollout",
    )


def test_a_secret_of_an_environment_is_seen_by_its_own_jobs_alone() -> None:
    own = SecretNames(of_environment={"rollout": frozenset({"KEY", "APP_KEY"})})
    found = told(USES, own, app_id=77)
    assert found["APP_KEY: set"] is Mark.SAME
    assert found["KEY: not set"] is Mark.BY_HAND


def test_the_line_says_which_job_waits_and_why() -> None:
    item = secret_items(config_of(secrets=WISHES), USES, SecretNames())[0]
    assert item.notes == ("for a.train: to train", "gh secret set KEY")


def test_a_secret_that_nobody_describes_is_told() -> None:
    uses = (Use("STRANGE", "a.yml", "train"), Use("GITHUB_TOKEN", "a.yml", "train"))
    found = told(uses, SecretNames(frozenset({"STRANGE"})))
    assert found["STRANGE: a workflow reads it"] is Mark.BY_HAND
    assert not any("GITHUB_TOKEN" in what for what in found)


def test_a_token_that_may_not_list_secrets_is_told_so() -> None:
    (item,) = secret_items(config_of(), USES, SecretNames(unseen="Not accessible"))
    assert (item.mark, item.what) == (Mark.UNSEEN, "secrets: Not accessible")
