"""The rule that code owners must look asks nobody where a path has no owner."""

from __future__ import annotations

import pytest

from pipeline.core.settings.owned import owner_items
from pipeline.core.settings.plan import Mark
from pipeline.repository_settings import Kind
from tests.repository_settings import ROOT, config_of

PATHS = (
    ".github/workflows/a.yml",
    ".github/workflows/b.yml",
    "configs/gates.yaml",
    "rollouts/m/rollout.yaml",
)
LINES = "/.github/ @ada\n/configs/ @octo/leads\n/rollouts/ ada@example.org\n"


def bare(codeowners: str) -> list[str]:
    """The folders that the items name."""
    items = owner_items(config_of(app_id=77), (), codeowners, PATHS)
    assert all(item.mark is Mark.BY_HAND for item in items)
    return [item.what.split()[0] for item in items]


@pytest.mark.parametrize(
    ("codeowners", "without"),
    [
        (LINES, []),
        ("* @ada", []),
        ("", [".github/", "configs/", "rollouts/"]),
        (LINES.replace("/configs/", "# /configs/"), ["configs/"]),
        (f"{LINES}/rollouts/\n", ["rollouts/"]),  # the last line that matches wins
        (LINES.replace("@ada", "ada"), [".github/"]),
    ],
)
def test_a_folder_without_an_owner_is_named(codeowners: str, without: list[str]) -> None:
    assert bare(codeowners) == without


def test_nobody_owns_the_shipped_file_until_somebody_is_named() -> None:
    assert bare((ROOT / ".github/CODEOWNERS").read_text()) == [".github/", "configs/", "rollouts/"]


def test_one_file_that_nobody_owns_is_enough_and_the_others_are_counted() -> None:
    first, *_ = owner_items(config_of(app_id=77), (), "* @ada\n/.github/workflows/b.yml", PATHS)
    assert first.what == ".github/ has no code owner (.github/workflows/b.yml)"
    first, *_ = owner_items(config_of(app_id=77), (), "", PATHS)
    assert first.what == ".github/ has no code owner (.github/workflows/a.yml and 1 more)"


def test_where_the_rule_is_not_on_nobody_is_missed() -> None:
    assert owner_items(config_of(), (), "", PATHS) == ()
    assert owner_items(config_of(app_id=77), {Kind.RULESET}, "", PATHS) == ()
    config = config_of(app_id=77)
    off = config.model_copy(
        update={"ruleset": config.ruleset.model_copy(update={"code_owners": False})}
    )
    assert owner_items(off, (), "", PATHS) == ()
