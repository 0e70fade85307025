"""Where the doctor looks from: a checkout, its environment, the time, and the forge behind it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.adapters.github import API_URL, Patience
from pipeline.adapters.github.settings import GitHubSettings
from pipeline.config import load_usecase
from pipeline.credentials import secrets_in_query
from pipeline.errors import ConfigurationError
from pipeline.rolling.repository import RolloutRepository

GIT_TIMEOUT_SECONDS = 60
_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|_KEY|WEBHOOK|_URL$|_URI$")
_REMOTE = re.compile(  # a URL, or the short form of ssh
    r"(?:(?:https?|ssh)://(?:[^/]*@)?(?P<host>[^/:@]+)(?::\d*)?/"
    r"|(?:[^/:@]+@)?(?P<short>[^/:@]+):(?!//)/?)(?P<name>.+)"
)
_API = re.compile(r"https?://(?P<host>[^/:@]+)(?::\d*)?(?P<server>/api/)?")
_NO_TOKEN = "GITHUB_TOKEN is not set: `export GITHUB_TOKEN=$(gh auth token)`"  # noqa: S105


@dataclass(frozen=True)
class Situation:
    """`repository` is owner/name on the forge, None for a checkout that has none.

    `elsewhere` is then the host of its remote origin, where that is another forge's.
    `now` is when the situation was loaded; checks may take long after it: see `elapsed`.
    """

    root: Path
    environment: Mapping[str, str]
    now: datetime
    repository: str | None
    api_url: str
    python: tuple[int, ...] = tuple(sys.version_info[:3])
    patience: Patience | None = None
    elsewhere: str = ""
    loaded: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> timedelta:
        """How long ago `now` was."""
        return timedelta(seconds=time.monotonic() - self.loaded)

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
        if self.elsewhere:
            return (
                f"no repository on GitHub: the remote origin is on {self.elsewhere}. Name one with "
                "--repository, or set GITHUB_API_URL to the API of that host"
            )
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
        named = {n: v for n, v in self.environment.items() if _SECRET.search(n) and len(v) > 5}
        whole = {v for name, v in named.items() if "://" not in v or "WEBHOOK" in name}
        passwords = {_password(value) for value in named.values()}
        asked = {secret for value in named.values() for secret in secrets_in_query(value)}
        return sorted(filter(None, whole | passwords | asked), key=len, reverse=True)

    def git(self, *arguments: str) -> str:
        """What git says in the checkout; nothing where it fails, or says nothing for a minute."""
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.root,
                env={**self.environment, "GIT_TERMINAL_PROMPT": "0"},
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=GIT_TIMEOUT_SECONDS,
            )
        except subprocess.TimeoutExpired:  # a remote that is silent, or asks for a passphrase
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""


def _password(url: str) -> str:
    """The password in a URL, "" without one; it may have an @ in it, a host cannot."""
    user, _, _ = url.partition("://")[2].partition("/")[0].rpartition("@")
    return user.partition(":")[2]


def load_situation(
    root: Path, environment: Mapping[str, str], repository: str | None = None
) -> Situation:
    """The situation of the checkout at `root`; the remote origin says which repository it is.

    It says so where it is on the forge that is asked: of another it may name a namesake. A token
    goes to github.com, or where GITHUB_API_URL says: never where a remote points.
    """
    now = datetime.now(UTC)
    api_url = environment.get("GITHUB_API_URL") or API_URL
    named = repository or environment.get("GITHUB_REPOSITORY")
    bare = Situation(root, environment, now, named, api_url)
    found = _REMOTE.fullmatch(bare.git("remote", "get-url", "origin").removesuffix("/"))
    if named or not found:
        return bare
    host = found["host"] or found["short"]
    if host.lower() not in _hosts_of(api_url):
        return replace(bare, elsewhere=host)
    return replace(bare, repository=found["name"].removesuffix(".git"))


def _hosts_of(api_url: str) -> set[str]:
    """Where the repositories of an API are: its own host on a GitHub Enterprise Server.

    Elsewhere that is without `api.`, and ssh on port 443 has a host of its own.
    """
    found = _API.match(api_url.lower())
    if found is None:
        return set()
    host = found["host"] if found["server"] else found["host"].removeprefix("api.")
    return {host, f"ssh.{host}"}
