"""GitHub as a forge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from pipeline.adapters.github import issues, people
from pipeline.adapters.github.answers import Busy
from pipeline.adapters.github.connection import PAGE_ITEMS, Connection, Patience
from pipeline.adapters.github.makers import list_makers
from pipeline.adapters.github.pulls import Pulls
from pipeline.adapters.github.repository import API_URL
from pipeline.adapters.github.shapes import CombinedShape, ViewerShape, parse
from pipeline.forge import (
    MAX_DESCRIPTION_CHARS,
    Comment,
    Issue,
    PullRequest,
    PullState,
    Review,
    Status,
    StatusState,
)

_REVIEWS = "/actions/workflows/review.yml/dispatches"
_MAY_NOT = (403, 404)  # GitHub's answers to a token that may not start workflows


class GitHubForge:
    """The repository `owner/name`. See pipeline.forge.Forge for what the methods promise."""

    def __init__(
        self,
        repository: str,
        token: str,
        api_url: str = API_URL,
        *,
        patience: Patience | None = None,
        review_token: str | None = None,
    ) -> None:
        """Connects to nothing yet. Raises ConfigurationError for arguments that cannot be right.

        `review_token` starts reviews and does nothing else; without one, `token` starts them.
        """
        self.repository = repository
        tried = patience or Patience()
        self._connection = Connection(repository, token, api_url, tried)
        self._starter = Connection(repository, review_token or token, api_url, tried)
        self._pulls = Pulls(self._connection)

    def login(self) -> str:
        """Who we are."""
        return self._login

    def pulls(self, branch_prefix: str) -> tuple[PullRequest, ...]:
        """All open ones, and of the others those among the newest 500 of the repository."""
        return self._pulls.list(branch_prefix)

    def open_pulls(self, branch_prefix: str = "") -> tuple[PullRequest, ...]:
        """All open ones: one request for each hundred."""
        return self._pulls.list_open(branch_prefix)

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

    def makers(self, pull: PullRequest, merges: Mapping[str, str]) -> tuple[str, ...]:
        """Authors and committers of its commits but `merges`, and who pushed to its branch."""
        return list_makers(self._connection, pull, merges)

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

    def status_of(self, sha: str, context: str) -> Status | None:
        """The newest of a context, which of all that were set is the one that counts."""
        found = self._connection.get(f"/commits/{sha}/status?per_page={PAGE_ITEMS}")
        statuses = parse(CombinedShape, found, "the statuses of a commit").statuses
        return next((s.value() for s in statuses if s.context == context), None)

    def start_review(self, number: int, *, kept_for: str | None = None) -> tuple[str, ...]:
        """Dispatch review.yml on the default branch, at least once: a second run finds the same.

        Never left to pull_request_target alone: what a job's own token opens starts no such run,
        and in a public repository GitHub lets nobody's start one unless a policy allows it. Where
        it does start one, both meet in one concurrency group, and the newer of them judges.
        """
        inputs = {"pull_request": str(number), **({"kept_for": kept_for} if kept_for else {})}
        asked = {"ref": self.pull(number).base, "inputs": inputs}
        answer = self._starter.request("POST", _REVIEWS, asked)
        if answer.status in (200, 204):
            return ()
        error = self._starter.error(f"POST {_REVIEWS}", answer)
        if answer.status in _MAY_NOT and not isinstance(error, Busy):
            command = f"gh workflow run review.yml -f pull_request={number}"
            return (f"no review was started; if nothing else starts one, `{command}`: {error}",)
        raise error

    @cached_property
    def _login(self) -> str:
        return parse(ViewerShape, self._connection.viewer(), "the viewer").data.viewer.login
