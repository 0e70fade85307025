"""What the stand-in knows beside the git repository: issues, pull requests, reviews, statuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tests.servers.github_standin.git_backend import BareRepository
from tests.servers.github_standin.people import People
from tests.servers.github_standin.rules import Rules
from tests.servers.github_standin.settings_state import Settings


@dataclass
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str = ""


@dataclass
class Comment:
    id: int
    number: int
    author: str
    body: str
    created_at: datetime
    updated_at: datetime


@dataclass
class Review:
    """`state` as GitHub has it: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED."""

    id: int
    author: str
    state: str
    body: str
    commit: str
    submitted_at: datetime


@dataclass
class Pull:
    """`head` and `base_tip` are the commits that were seen last; `base` is the one shown.

    `head_owner` names the fork, or the repository's own owner. `test_merge` is the commit of
    refs/pull/N/merge, None where the branches conflict.
    """

    head_owner: str
    head_ref: str
    head: str
    base_ref: str
    base: str
    base_tip: str = ""
    is_draft: bool = False
    test_merge: str | None = None
    merge_commit: str | None = None
    merged_at: datetime | None = None
    merged_by: str | None = None
    reviews: list[Review] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    team_reviewers: list[str] = field(default_factory=list)


@dataclass
class Issue:
    """An issue, or with `pull` a pull request: they share their numbers."""

    id: int
    number: int
    title: str
    body: str | None
    author: str
    created_at: datetime
    updated_at: datetime
    is_open: bool = True
    closed_at: datetime | None = None
    closed_by: str | None = None
    state_reason: str | None = None
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    pull: Pull | None = None


@dataclass
class Status:
    """A commit status, or with `is_check` a check run."""

    id: int
    commit: str
    context: str
    state: str
    description: str | None
    url: str | None
    creator: str
    created_at: datetime
    is_check: bool = False
    conclusion: str | None = None


@dataclass
class Push:
    """A branch or tag that somebody moved; a side without a commit is None."""

    id: int
    ref: str
    before: str | None
    after: str | None
    actor: str
    at: datetime


@dataclass
class World:
    """`pusher` is whom pushes over the file path are put down to: git tells no login."""

    owner: str
    name: str
    git: BareRepository
    people: People
    rules: Rules
    url: Callable[[], str]
    clock: Callable[[], datetime]
    pusher: str
    default_branch: str = "main"
    is_private: bool = True
    may_actions_open_pulls: bool = True
    deletes_branch_on_merge: bool = False
    forks: dict[str, BareRepository | None] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    workflow_dispatches: list[dict[str, Any]] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    ids: Iterator[int] = field(default_factory=lambda: count(5001))
    listeners: list[Callable[[Any], None]] = field(default_factory=list)  # get each Event
    seen_refs: dict[str, str] = field(default_factory=dict)  # what the last look at git found

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def api(self) -> str:
        """The repository's address in the API."""
        return f"{self.url()}/repos/{self.full_name}"

    @property
    def page(self) -> str:
        """The repository's address for people."""
        return f"https://github.com/{self.full_name}"

    def now(self) -> datetime:
        return self.clock().astimezone(UTC).replace(microsecond=0)

    def close(self, issue: Issue, actor: str, reason: str | None = None) -> None:
        issue.is_open, issue.closed_at, issue.closed_by = False, self.now(), actor
        issue.updated_at, issue.state_reason = self.now(), reason

    def open_pulls(self) -> list[tuple[Issue, Pull]]:
        found = [(issue, issue.pull) for issue in self.issues.values() if issue.is_open]
        return [(issue, pull) for issue, pull in found if pull is not None]
