"""GitHub as a forge."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pipeline.adapters.github import issues, people
from pipeline.adapters.github.connection import Connection, Patience
from pipeline.adapters.github.pulls import Pulls
from pipeline.adapters.github.repository import API_URL
from pipeline.adapters.github.shapes import ViewerShape, parse
from pipeline.forge import (
    MAX_DESCRIPTION_CHARS,
    Comment,
    Issue,
    PullRequest,
    PullState,
    Review,
    StatusState,
)

JOB_LOGIN = "github-actions[bot]"


class GitHubForge:
    """The repository `owner/name`. See pipeline.forge.Forge for what the methods promise."""

    def __init__(
        self,
        repository: str,
        token: str,
        api_url: str = API_URL,
        *,
        patience: Patience | None = None,
    ) -> None:
        """Connects to nothing yet. Raises ConfigurationError for arguments that cannot be right."""
        self.repository = repository
        self._connection = Connection(repository, token, api_url, patience or Patience())
        self._pulls = Pulls(self._connection)

    def login(self) -> str:
        """Who we are."""
        return self._login

    def pulls(self, branch_prefix: str) -> tuple[PullRequest, ...]:
        """All open ones, and of the others those among the newest 500 of the repository."""
        return self._pulls.list(branch_prefix)

    def pull(self, number: int) -> PullRequest:
        """One pull request of our own repository."""
        return self._pulls.get(number)

    def open_pull(self, *, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open a pull request, or find the one that is open already."""
        return self._pulls.open(branch, base, title, body)

    def edit_pull(self, number: int, *, title: str | None = None, body: str | None = None) -> None:
        """Replace the title, the body, or both."""
        self._pulls.edit(number, title=title, body=body)

    def close_pull(self, number: int) -> None:
        """Close without a merge."""
        self._pulls.edit(number, state=PullState.CLOSED.value)

    def comments(self, number: int) -> tuple[Comment, ...]:
        """The comments, oldest first."""
        return issues.list_comments(self._connection, number)

    def add_comment(self, number: int, body: str) -> Comment:
        """Comment, once."""
        return issues.add_comment(self._connection, number, body, self._login)

    def edit_comment(self, comment_id: int, body: str) -> None:
        """Replace what a comment says."""
        issues.edit_comment(self._connection, comment_id, body)

    def ask(
        self,
        number: int,
        *,
        labels: Sequence[str],
        reviewers: Sequence[str],
        assignees: Sequence[str],
    ) -> tuple[str, ...]:
        """Label, ask, assign. Returns what GitHub would not take."""
        return (
            *people.add_labels(self._connection, number, labels),
            *people.ask_reviewers(self._connection, number, reviewers),
            *people.add_assignees(self._connection, number, assignees),
        )

    def reviews(self, number: int) -> tuple[Review, ...]:
        """The submitted reviews, oldest first."""
        return people.list_reviews(self._connection, number)

    def issues(self, label: str) -> tuple[Issue, ...]:
        """The issues with `label`, newest first."""
        return issues.list_issues(self._connection, label)

    def open_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue:
        """Open an issue, once."""
        return issues.open_issue(self._connection, title, body, labels, self._login)

    def edit_issue(self, number: int, *, body: str, is_open: bool = True) -> None:
        """Replace what an issue says, and open or close it."""
        issues.edit_issue(self._connection, number, body, is_open=is_open)

    def set_status(
        self,
        sha: str,
        *,
        context: str,
        state: StatusState,
        description: str,
        url: str | None = None,
    ) -> None:
        """Set a commit status; the newest one of a context counts."""
        status = {
            "context": context,
            "state": state.value,
            "description": description[:MAX_DESCRIPTION_CHARS],
            **({"target_url": url} if url else {}),
        }
        self._connection.send("POST", f"/statuses/{sha}", status, expected={201})

    def start_review(self, number: int) -> bool:
        """Dispatch review.yml on the default branch where we are a job's own token.

        At least once: a second run of the review finds the same.
        """
        if self._login != JOB_LOGIN:
            return False
        pull = self.pull(number)
        asked = {"ref": pull.base, "inputs": {"pull_request": str(number)}}
        path = "/actions/workflows/review.yml/dispatches"
        self._connection.send("POST", path, asked, expected={200, 204})
        return True

    @cached_property
    def _login(self) -> str:
        return parse(ViewerShape, self._connection.viewer(), "the viewer").data.viewer.login
