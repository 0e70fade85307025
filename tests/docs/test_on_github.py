"""Commands that speak to GitHub: ours to a stand-in; `gh` is held against what it and we take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.doctoring.situation import load_situation
from scripts import doctor, set_up_repository
from tests.docs.conftest import Open
from tests.docs.pages import PAGES, commands, words
from tests.docs.shell import Then
from tests.doctoring.checkouts import make_checkout
from tests.proposals import HASTY
from tests.repository import ROOT
from tests.servers import github_recorder
from tests.servers.git_push import push
from tests.servers.github_standin import GitHubStandIn

WORKFLOWS = ROOT / ".github/workflows"
SET_UP = "python -m scripts.set_up_repository"
COMMANDS = {
    SET_UP: Then(says="Nothing was changed. --apply sets what is marked"),
    "python -m scripts.doctor": Then(code=1, says="GitHub"),  # no champion yet: a fault
    "python -m scripts.doctor --quiet": Then(code=1, says="fault"),
    f"{SET_UP} --apply": Then(says="ruleset"),
    f"{SET_UP} --check": Then(code=1, says="WAREHOUSE_URL"),  # secrets are a person's to set
}
# GitHub's own command line is not at hand where tests run. Its words and options are as in its
# manual (https://cli.github.com/manual); names, files and inputs are held against this repository.
GH = {
    "auth token": set(),
    "attestation verify": {"--cert-identity", "--repo"},
    "pr list": set(),
    "pr merge": {"--merge"},
    "run watch": set(),
    "secret set": {"--body", "--env"},
    "variable set": {"--body"},
    "workflow run": {"-f"},
}


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHubStandIn]:
    bare = tmp_path_factory.mktemp("github") / "bare.git"
    with github_recorder.running(GitHubStandIn(bare)) as server:
        assert isinstance(server, GitHubStandIn)
        for login in ("ada", "ben"):
            server.add_person(login)
        yield server
    assert server.violations == []


@pytest.fixture(scope="module")
def root(github: GitHubStandIn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_checkout(tmp_path_factory.mktemp("settings") / "flights")
    assert push(github, root, "octo", "HEAD:main")[0] == 0
    return root


@pytest.mark.parametrize("command", COMMANDS)
def test_it_does_what_its_page_says(
    command: str,
    root: Path,
    github: GitHubStandIn,
    shell: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = shell(root)
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo/model")
    monkeypatch.setenv("GITHUB_API_URL", github.url)
    monkeypatch.setenv("GITHUB_TOKEN", github.token_for("octo"))
    for script in (doctor, set_up_repository):  # as ever, but without a second after each write
        monkeypatch.setattr(
            script, "load_situation", lambda *told: replace(load_situation(*told), patience=HASTY)
        )
    assert github.token_for("octo") not in opened.check(command, COMMANDS[command])


def typed_at_github() -> list[str]:
    """Every use of `gh`, also within another command."""
    found = [command.text for page in PAGES for command in commands(page)]
    return sorted({use for text in found for use in re.findall(r"\bgh [^)]+", text)})


@pytest.mark.parametrize("command", sorted(typed_at_github()))
def test_gh_takes_it_and_this_repository_has_what_it_names(command: str) -> None:
    _, *given = words(command)
    verb, rest = " ".join(given[:2]), given[2:]
    assert {word for word in rest if word.startswith("-")} <= GH[verb]
    workflows = "".join(path.read_text() for path in WORKFLOWS.glob("*.yml"))
    if verb == "secret set":
        assert f"secrets.{rest[0]} " in workflows
        assert "--env" not in rest or rest[2] in environments()
    if verb == "variable set":
        assert f"vars.{rest[0]} " in workflows
    if verb == "workflow run":
        has_its_inputs(*rest)


def environments() -> set[str]:
    """Those that set_up_repository makes."""
    return set(yaml.safe_load((ROOT / "configs/repository.yaml").read_text())["environments"])


def has_its_inputs(name: str, *given: str) -> None:
    workflow = yaml.safe_load((WORKFLOWS / name).read_text())
    inputs = workflow[True]["workflow_dispatch"]["inputs"]  # YAML 1.1 reads `on` as true
    names = {word.partition("=")[0] for word in given if word != "-f"}
    assert names <= set(inputs)
    assert {key for key, about in inputs.items() if about.get("required")} <= names
