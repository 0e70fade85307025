"""GitHub's answers as values: whatever has not the shape that it must have is an error.

An answer is a stranger's text: logins, branches and titles in it are anybody's choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from pipeline.errors import OutsideError
from pipeline.forge import (
    Comment,
    Issue,
    PullRequest,
    PullState,
    Review,
    ReviewState,
    Status,
    StatusState,
)

GHOST = "ghost"  # how GitHub calls a user who is gone
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Number = Annotated[int, Field(ge=1)]
WebUrl = Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=2_000)]
Shape = TypeVar("Shape", bound=BaseModel)


class User(BaseModel):
    """Whoever did something."""

    login: Annotated[str, Field(min_length=1, max_length=200)]


class _Viewer(BaseModel):
    viewer: User


class ViewerShape(BaseModel):
    """Who asks, as GraphQL answers."""

    data: _Viewer


class _Repository(BaseModel):
    full_name: str


class _End(BaseModel):
    """One end of a pull request; a fork that was deleted has no repository."""

    ref: Annotated[str, Field(max_length=1_000)]
    sha: Sha
    repo: _Repository | None


class _Label(BaseModel):
    name: str | None = None


class PullShape(BaseModel):
    """A pull request."""

    number: Number
    title: str
    body: str | None = None
    state: Literal["open", "closed"]
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merge_commit_sha: Sha | None = None
    user: User | None
    head: _End
    base: _End
    html_url: WebUrl
    labels: tuple[_Label, ...] = ()

    def is_from(self, repository: str) -> bool:
        """Whether it is from a branch of `repository` itself, and not of a fork."""
        return self.head.repo is not None and is_same(self.head.repo.full_name, repository)

    def value(self, closed_by: str | None, *, is_fork: bool) -> PullRequest:
        """Ours. GitHub names a trial merge in `merge_commit_sha` until there is a true one."""
        is_merged = self.merged_at is not None
        return PullRequest(
            number=self.number,
            branch=self.head.ref,
            head=self.head.sha,
            base=self.base.ref,
            title=self.title,
            body=self.body or "",
            state=PullState.MERGED if is_merged else PullState(self.state),
            author=login_of(self.user),
            closed_by=closed_by,
            url=self.html_url,
            labels=tuple(label.name for label in self.labels if label.name),
            merge_commit=self.merge_commit_sha if is_merged else None,
            is_fork=is_fork,
        )


class CommentShape(BaseModel):
    """A comment."""

    id: Number
    body: str | None = None
    user: User | None

    def value(self) -> Comment:
        """Ours."""
        return Comment(self.id, login_of(self.user), self.body or "")


class IssueShape(BaseModel):
    """An issue, or a pull request as GitHub lists it among issues."""

    number: Number
    title: str
    body: str | None = None
    state: Literal["open", "closed"]
    user: User | None
    closed_by: User | None = None
    html_url: WebUrl
    pull_request: dict[str, Any] | None = None

    def value(self) -> Issue:
        """Ours."""
        is_open = self.state == "open"
        who = login_of(self.user)
        return Issue(self.number, self.title, self.body or "", is_open, who, self.html_url)


class StatusShape(BaseModel):
    """A commit status, of whichever context and whoever set it."""

    context: str
    state: StatusState
    description: str | None = None
    target_url: str | None = None
    created_at: datetime

    def value(self) -> Status:
        """As a value."""
        return Status(self.state, self.description or "", self.target_url, self.created_at)


class CombinedShape(BaseModel):
    """The newest status of each context of a commit."""

    statuses: tuple[StatusShape, ...]


class ReviewShape(BaseModel):
    """A review; one whose commit is gone speaks of no commit."""

    user: User | None
    state: ReviewState
    commit_id: Sha | None = None
    submitted_at: datetime | None = None

    def value(self) -> Review | None:
        """Ours; None for a review that was not submitted yet."""
        if self.submitted_at is None or self.state is ReviewState.PENDING:
            return None
        return Review(login_of(self.user), self.state, self.commit_id or "", self.submitted_at)


class _Maker(BaseModel):
    """An account; an empty object where GitHub knows none by the commit's address."""

    login: str | None = None


class PullCommitShape(BaseModel):
    """A commit of a pull request: whose addresses it names."""

    sha: Sha
    author: _Maker | None
    committer: _Maker | None


class ActivityShape(BaseModel):
    """Something that happened to a branch, and by whom; a side without a commit is zeros."""

    activity_type: str
    before: str
    after: str
    actor: User | None


def parse(shape: type[Shape], value: Any, what: str) -> Shape:
    """`value` as a `shape`. Raises OutsideError naming what does not fit."""
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'the whole'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)[:5]
        ]
        raise OutsideError(
            f"GitHub: {what} is not as described ({'; '.join(faults)}). Run again; if it stays, "
            "GitHub has changed and this code must too."
        ) from error


def parse_all(shape: type[Shape], values: Iterable[Any], what: str) -> list[Shape]:
    """Each of `values` as a `shape`. Raises OutsideError."""
    return [parse(shape, value, what) for value in values]


def login_of(user: User | None) -> str:
    """The login, as GitHub shows it."""
    return user.login if user else GHOST


def is_same(name: str, other: str) -> bool:
    """Whether two names of owners or repositories are the same to GitHub."""
    return name.casefold() == other.casefold()
