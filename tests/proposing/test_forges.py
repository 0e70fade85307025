import argparse
from pathlib import Path

import pytest

from pipeline.adapters.github import GitHubForge
from pipeline.adapters.local_forge import LocalForge
from pipeline.errors import ConfigurationError
from pipeline.proposing.forges import add_forge_options, chosen_forge


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_forge_options(parser)
    return parser.parse_args(words)


def test_the_local_forge_needs_no_variable(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    forge = chosen_forge(tmp_path, options("--forge", "local"))
    assert isinstance(forge, LocalForge)
    assert forge.issues("perennial") == ()


def test_github_is_the_default_and_says_what_it_lacks(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    monkeypatch.setenv("GITHUB_REPOSITORY", "example/flights")
    with pytest.raises(ConfigurationError, match="GITHUB_TOKEN"):
        chosen_forge(tmp_path, options())
    monkeypatch.setenv("GITHUB_TOKEN", "no-such-token")
    assert isinstance(chosen_forge(tmp_path, options()), GitHubForge)
