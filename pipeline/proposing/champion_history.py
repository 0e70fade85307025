"""Which model served when, as the history of its champion pointer tells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.adapters.git.plumbing import Git
from pipeline.champion import parse_champion
from pipeline.errors import ConfigurationError

MAX_COMMITS = 200  # of one file; a model has a few new champions a year


@dataclass(frozen=True)
class Reign:
    """A digest that served from a commit on, until the next reign began."""

    digest: str
    since: datetime
    commit: str


def champion_history(root: Path, model: str, ref: str = "HEAD") -> tuple[Reign, ...]:
    """The reigns of `model` up to `ref`, newest first, as the first parents tell them.

    A pointer that is missing or broken in a commit says nothing about who served there. Reaches
    as far as the clone does. Raises OutsideError where git fails.
    """
    git = Git(root, f"history of {model}")
    path = f"rollouts/{model}/champion.yaml"
    asked = ("log", f"--max-count={MAX_COMMITS}", "--first-parent", "--format=%H %ct", ref)
    lines = git.run(*asked, "--", path).stdout.split("\n")
    found: list[Reign] = []
    for line in filter(None, lines):
        commit, _, seconds = line.partition(" ")
        digest = _digest_at(git, commit, path)
        if digest is None:
            continue
        reign = Reign(digest, datetime.fromtimestamp(int(seconds), UTC), commit)
        if found and found[-1].digest == digest:
            found[-1] = reign  # the same champion, and this commit is older
        else:
            found.append(reign)
    return tuple(found)


def _digest_at(git: Git, commit: str, path: str) -> str | None:
    shown = git.run("show", f"{commit}:{path}", may_fail=True)
    try:
        return parse_champion(shown.stdout, path).digest if shown.exit_code == 0 else None
    except ConfigurationError:
        return None
