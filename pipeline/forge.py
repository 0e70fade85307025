"""What a forge (GitHub, or a folder that stands for it) and its branches hold, and can be asked.

Two adapters share this: pipeline/adapters/github and pipeline/adapters/local_forge.py. Titles,
bodies, branches and logins in these values were written by strangers: nothing here makes them safe
to show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

MAX_DESCRIPTION_CHARS = 140  # of a commit status


_PULL = re.compile(r"^Merge pull request #([0-9]{1,9}) from |\(#([0-9]{1,9})\)$")


def pull_number(subject: str) -> int | None:
    """The pull request that a commit's subject names, as GitHub writes merges and squashes."""
    found = _PULL.search(subject)
    return int(found[1] or found[2]) if found else None


class PullState(StrEnum):
    """Where a pull request stands; CLOSED is closed without a merge."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class ReviewState(StrEnum):
    """What a review says; DISMISSED says nothing any more, PENDING not yet."""

    APPROVED = "APPROVED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    COMMENTED = "COMMENTED"
    DISMISSED = "DISMISSED"
    PENDING = "PENDING"


class StatusState(StrEnum):
    """What a commit status says."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True)
class Status:
    """A commit status as it was set at `at`."""

    state: StatusState
    description: str
    url: str | None
    at: datetime


@dataclass(frozen=True)
class PullRequest:
    """A pull request.

    `head` is the full commit id of the branch's tip as the forge knows it. `closed_by` is None
    while it is open, and where the forge does not say; `merge_commit` is None unless MERGED.
    `is_fork` says that `branch` is one of another repository, whatever it is called.
    """

    number: int
    branch: str
    head: str
    base: str
    title: str
    body: str
    state: PullState
    author: str
    closed_by: str | None
    url: str
    labels: tuple[str, ...]
    merge_commit: str | None
    is_fork: bool = False


@dataclass(frozen=True)
class Comment:
    """A comment below a pull request or an issue, not one on a line of code."""

    id: int
    author: str
    body: str


@dataclass(frozen=True)
class Issue:
    """An issue. Pull requests, which GitHub also lists as issues, are never among these."""

    number: int
    title: str
    body: str
    is_open: bool
    author: str
    url: str


@dataclass(frozen=True)
class Review:
    """A review: `commit` is what its author saw, which may no longer be the head."""

    author: str
    state: ReviewState
    commit: str
    submitted_at: datetime


@dataclass(frozen=True)
class Commit:
    """A commit on a branch and not on main. Names and addresses are as its makers gave them.

    `evidence` is its trailer `Perennial-Evidence`, if it is a digest. `is_plain_merge`: it merges
    main and adds nothing of its own, as the button "Update branch" makes it.
    """

    sha: str
    author: str
    committer: str
    evidence: str | None
    is_plain_merge: bool = False


@dataclass(frozen=True)
class BranchState:
    """A branch beside the main one. `tip` is None where there is no such branch.

    `commits`: those that main has not, newest first. `is_current`: its files are main's with the
    proposal's laid over. `main_has_all`: so are main's own, and there is nothing to propose.
    """

    name: str
    tip: str | None
    main: str
    commits: tuple[Commit, ...]
    is_current: bool
    main_has_all: bool


class Forge(Protocol):
    """Everything that is asked of a forge. Every method raises OutsideError where it fails.

    Where a connection broke after something was asked to be made, the forge is asked whether it
    is there; it is not made twice.
    """

    def login(self) -> str:
        """Who we are: `github-actions[bot]`, `my-app[bot]`, a user's login, or "local"."""

    def pulls(self, branch_prefix: str) -> tuple[PullRequest, ...]:
        """Those in any state whose branch starts with `branch_prefix`, newest first.

        Only from branches of our own repository: a fork's branch may have any name.
        """

    def open_pulls(self, branch_prefix: str = "") -> tuple[PullRequest, ...]:
        """Those of `pulls` that are open, every one of them."""

    def pull(self, number: int) -> PullRequest:
        """The pull request `number` of our own repository; a fork's raises OutsideError."""

    def open_pull(self, *, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open one; the one that is open for `branch` already is returned as it is."""

    def edit_pull(self, number: int, *, title: str | None = None, body: str | None = None) -> None:
        """Replace the title, the body, or both."""

    def close_pull(self, number: int) -> None:
        """Close it without a merge; closed already, nothing happens."""

    def comments(self, number: int) -> tuple[Comment, ...]:
        """The comments of a pull request or issue, oldest first."""

    def add_comment(self, number: int, body: str) -> Comment:
        """Comment on a pull request or issue."""

    def edit_comment(self, comment_id: int, body: str) -> None:
        """Replace what a comment says."""

    def ask(
        self,
        number: int,
        *,
        labels: Sequence[str],
        reviewers: Sequence[str],
        assignees: Sequence[str],
    ) -> tuple[str, ...]:
        """Add labels, ask for reviews, assign; nothing is taken away.

        Returns what the forge would not take (a login without access, a label it cannot make), in
        words. That is no error: the pull request matters more than who is told of it.
        """

    def reviews(self, number: int) -> tuple[Review, ...]:
        """The submitted reviews of a pull request, oldest first."""

    def makers(self, pull: PullRequest, merges: Mapping[str, str]) -> tuple[str, ...]:
        """The logins of all who have a part in it, as far as the forge knows them; each once.

        `merges` are those commits of it that merge main and add nothing, each with the commit
        before it: who made or pushed one of them has no part by that.
        A commit names its makers by addresses of anyone's choice, so that they are only more who
        do not count as independent; who pushed to the branch is the forge's own record.
        """

    def issues(self, label: str) -> tuple[Issue, ...]:
        """The issues with `label`, open and closed, newest first."""

    def open_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue:
        """Open an issue."""

    def edit_issue(self, number: int, *, body: str, is_open: bool = True) -> None:
        """Replace what an issue says, and open or close it."""

    def set_status(
        self,
        sha: str,
        *,
        context: str,
        state: StatusState,
        description: str,
        url: str | None = None,
    ) -> None:
        """Set the commit status `context` of `sha`; a longer description is cut."""

    def status_of(self, sha: str, context: str) -> Status | None:
        """The newest commit status `context` of `sha`; None where there is none."""

    def start_review(self, number: int, *, kept_for: str | None = None) -> tuple[str, ...]:
        """Start the review workflow for a pull request, whatever else may start it too.

        A review that runs ends, and the figures are worked out anew; with `kept_for`, the newest
        commit, the new one waits for it, and takes the figures that a review kept for that commit.

        Returns in words why a token may not, and what a person can do; nothing where it was
        started, or where there are no workflows.
        """
