"""What a job knows of the GitHub that runs it; outside a job, what a person set by hand."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError

MAX_EVENT_BYTES = 1_000_000  # far above GitHub's largest; a file that is cut there is no JSON


@dataclass(frozen=True)
class Forge:
    """The repository that dispatches go to. No token is ever shown: see `__repr__`.

    `review_token` starts reviews where `token` may not, as an App's may not.
    """

    repository: str
    token: str
    api_url: str
    review_token: str | None = None
    server_url: str = "https://github.com"

    def __repr__(self) -> str:
        return f"Forge({self.repository!r}, {self.api_url!r})"


def forge_of(environment: Mapping[str, str] = os.environ) -> Forge:
    """The forge in GITHUB_REPOSITORY, GITHUB_TOKEN and GITHUB_API_URL; REVIEW_TOKEN may be unset.

    GITHUB_SERVER_URL is where people look at it.

    Raises ConfigurationError naming each variable that is missing.
    """
    missing = [n for n in ("GITHUB_REPOSITORY", "GITHUB_TOKEN") if not environment.get(n)]
    if missing:
        faults = [f"{name}: not set, expected it as in a job of GitHub Actions" for name in missing]
        raise ConfigurationError("environment", faults)
    return Forge(
        environment["GITHUB_REPOSITORY"],
        environment["GITHUB_TOKEN"],
        environment.get("GITHUB_API_URL", "https://api.github.com"),
        environment.get("REVIEW_TOKEN") or None,
        environment.get("GITHUB_SERVER_URL", "https://github.com"),
    )


@dataclass(frozen=True)
class GitHubEvent:
    """What started a workflow run. `body` is what GitHub was sent: untrusted."""

    name: str
    body: dict[str, Any]
    run: str


def load_event(environment: Mapping[str, str] = os.environ) -> GitHubEvent:
    """The event of this job. Raises ConfigurationError where there is none."""
    names = ("GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "GITHUB_RUN_ID")
    missing = [f"{n}: not set, expected it as in a job" for n in names if n not in environment]
    if missing:
        raise ConfigurationError("environment", missing)
    path, run = Path(environment["GITHUB_EVENT_PATH"]), environment["GITHUB_RUN_ID"]
    try:
        body = json.loads(path.read_bytes()[: MAX_EVENT_BYTES + 1])
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(str(path), [f"not an event of GitHub's: {error}"]) from error
    if not isinstance(body, dict) or not run.isdecimal():
        fault = "expected an object, and a number as GITHUB_RUN_ID"
        raise ConfigurationError(str(path), [f"not an event of GitHub's: {fault}"])
    return GitHubEvent(environment["GITHUB_EVENT_NAME"], body, run)


def add_summary(markdown: str, environment: Mapping[str, str] = os.environ) -> None:
    """Add `markdown` to the job's summary; outside a job nothing happens."""
    _append(environment.get("GITHUB_STEP_SUMMARY"), markdown + "\n")


def set_outputs(values: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> None:
    """Set the step's outputs; outside a job nothing happens.

    Values are one line each: raises ConfigurationError for any other, since a line break would let
    a value name further outputs.
    """
    bad = [name for name, value in values.items() if not value.isprintable()]
    if bad:
        faults = [f"{name}: more than one line, or unprintable" for name in bad]
        raise ConfigurationError("step outputs", faults)
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    _append(environment.get("GITHUB_OUTPUT"), lines)


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
