"""docs/security.md names the test that shows each defence: all of them are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)?(?:::(\w+))?`")
ROWS = [
    line
    for line in PAGE.partition("## What is trusted")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| threat")
]
KINDS = [
    "payloads",
    "forks",
    "poisoned data and models",
    "stolen tokens",
    "actions",
    "configuration",
]


def named(row: str) -> list[tuple[str, str]]:
    """File and test of each name in a row; `::name` alone is of the file before it."""
    found, last = [], ""
    for path, name in NAMED.findall(row):
        last = path or last
        if name:
            found.append((last, name))
    return found


@cache
def collected_from(path: str) -> frozenset[str]:
    """The names that pytest collects from a file of tests."""
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    return frozenset(
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def test_every_test_that_the_page_names_exists() -> None:
    everything = named(PAGE.replace("\n", " "))
    assert len(everything) > 60
    missing = [f"{path}::{name}" for path, name in everything if name not in collected_from(path)]
    assert missing == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split(" | ")[0][2:50])
def test_every_threat_has_a_defence_and_a_test(row: str) -> None:
    threat, defence, shown = (cell.strip() for cell in row.strip("|").split("|"))
    assert threat
    assert defence
    assert named(shown)


def test_the_page_speaks_of_every_kind_of_threat() -> None:
    headings = " ".join(re.findall(r"^## (.*)$", PAGE, re.MULTILINE)).casefold()
    assert [kind for kind in KINDS if kind not in headings] == []
