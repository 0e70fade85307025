"""Where the doctor looks from: a checkout, its environment, the time, and the forge behind it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.adapters.github import Patience
from pipeline.adapters.github.settings import GitHubSettings
from pipeline.config import load_usecase
from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError
from pipeline.rolling.repository import RolloutRepository

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|_KEY|WEBHOOK|_URL$|_URI$")
_REMOTE = re.compile(r"(?:https?://|ssh://git@|git@)(?P<host>[^/:@]+)(?::\d+)?[/:](?P<name>.+)")
_NO_TOKEN = "GITHUB_TOKEN is not set: `export GITHUB_TOKEN=$(gh auth token)`"  # noqa: S105


@dataclass(frozen=True)
class Situation:
    """`repository` is owner/name on the forge, None for a checkout that has none."""

    root: Path
    environment: Mapping[str, str]
    now: datetime
    repository: str | None
    api_url: str
    python: tuple[int, ...] = tuple(sys.version_info[:3])
    patience: Patience | None = None

    @property
    def has_remote(self) -> bool:
        """Whether there is a remote called origin."""
        return "origin" in self.git("remote").split()

    @property
    def model(self) -> str:
        """The model of configs/usecase.yaml. Raises ConfigurationError."""
        return load_usecase(self.root).model

    def why_no_forge(self) -> str | None:
        """What is missing to ask the forge, None if nothing is."""
        if not self.repository:
            return "no repository on GitHub: neither GITHUB_REPOSITORY nor a remote origin"
        return None if self.environment.get("GITHUB_TOKEN") else _NO_TOKEN

    def settings(self) -> GitHubSettings:
        """The forge's settings. Raises ConfigurationError where something is missing."""
        missing = self.why_no_forge()
        if missing or self.repository is None:
            raise ConfigurationError("GitHub", [missing or ""])
        token = self.environment["GITHUB_TOKEN"]
        return GitHubSettings(self.repository, token, self.api_url, patience=self.patience)

    def rollouts(self) -> RolloutRepository:
        """The rollouts of the remote's main, or of this checkout's where there is no remote."""
        return RolloutRepository(self.root, "origin" if self.has_remote else None)

    def secrets(self) -> list[str]:
        """Values that no line may show: what the environment calls a secret, longest first."""
        found = {v for name, v in self.environment.items() if _SECRET.search(name) and len(v) > 5}
        passwords = {v.partition("://")[2].partition("@")[0].partition(":")[2] for v in found}
        tokens = {v for v in found if "://" not in v}
        return sorted(filter(None, tokens | passwords), key=len, reverse=True)

    def git(self, *arguments: str) -> str:
        """What git says in the checkout; nothing where it fails."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**self.environment, "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip() if done.returncode == 0 else ""


def load_situation(
    root: Path, environment: Mapping[str, str], repository: str | None = None
) -> Situation:
    """The situation of the checkout at `root`; the remote origin says where its forge is."""
    now = datetime.now(UTC)
    bare = Situation(root, environment, now, None, "")
    remote = without_credentials(bare.git("remote", "get-url", "origin"))
    found = _REMOTE.fullmatch(remote.replace("//***@", "//").removesuffix("/"))
    host = found["host"] if found else "github.com"
    default = "https://api.github.com" if host == "github.com" else f"https://{host}/api/v3"
    named = found["name"].removesuffix(".git") if found else None
    return Situation(
        root,
        environment,
        now,
        repository or environment.get("GITHUB_REPOSITORY") or named,
        environment.get("GITHUB_API_URL") or default,
    )
