"""A forge in a folder, beside a plain git repository: for work offline, and for the demo.

    pulls/7.json + 7.md   a pull request and its body      reviews/7.json   its reviews, by hand
    issues/8.json + 8.md  an issue and its body            statuses/<sha>.json
    comments/9.json       a comment on either

A person takes part with an editor and git: merging the branch merges the pull request, `"state":
"closed"` closes it. One run at a time writes here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from pipeline.adapters.local_forge.records import (
    LOGIN,
    Folder,
    KeptComment,
    KeptIssue,
    KeptPull,
)
from pipeline.errors import OutsideError
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
from pipeline.jsonio import load_json, save_json


class Branches(Protocol):
    """What is asked of git, by branch and commit."""

    def tip(self, branch: str) -> str | None:
        """The newest commit of a branch; None where there is none."""

    def merged_by(self, commit: str, base: str) -> str | None:
        """The commit that brought `commit` to the branch `base`; None where it is not there."""


class LocalForge:
    """The forge in `folder`; see pipeline.forge.Forge for what the methods promise."""

    def __init__(self, folder: Path, branches: Branches) -> None:
        self._folder = Folder(folder)
        self._branches = branches

    def login(self) -> str:
        """Always "local"."""
        return LOGIN

    def pulls(self, branch_prefix: str) -> tuple[PullRequest, ...]:
        """All of them, newest first."""
        found = (self.pull(number) for number in reversed(self._folder.numbers("pulls")))
        return tuple(pull for pull in found if pull.branch.startswith(branch_prefix))

    def open_pulls(self, branch_prefix: str = "") -> tuple[PullRequest, ...]:
        """Those that are neither merged nor closed."""
        return tuple(p for p in self.pulls(branch_prefix) if p.state is PullState.OPEN)

    def pull(self, number: int) -> PullRequest:
        """One pull request, MERGED where git says so and whatever its file says."""
        kept = self._folder.load(KeptPull, "pulls", number)
        head = self._branches.tip(kept.branch) or kept.head
        merge = self._branches.merged_by(head, kept.base)
        return PullRequest(
            number=number,
            branch=kept.branch,
            head=head,
            base=kept.base,
            title=kept.title,
            body=self._folder.body("pulls", number),
            state=PullState.MERGED if merge else kept.state,
            author=kept.author,
            closed_by=None if merge else kept.closed_by,
            url=self._folder.place("pulls", number, "md").as_posix(),
            labels=kept.labels,
            merge_commit=merge,
        )

    def open_pull(self, *, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open one, or find the one that is open already."""
        for pull in self.pulls(branch):
            if (pull.branch, pull.base, pull.state) == (branch, base, PullState.OPEN):
                return pull
        head = self._branches.tip(branch)
        if head is None:
            raise OutsideError(f"{self._folder.path}: no branch {branch} to open. Push it first.")
        number = self._next_number()
        self._folder.save(
            "pulls", number, KeptPull(branch=branch, base=base, title=title, head=head), body
        )
        return self.pull(number)

    def edit_pull(self, number: int, *, title: str | None = None, body: str | None = None) -> None:
        """Replace the title, the body, or both."""
        kept = self._folder.load(KeptPull, "pulls", number)
        head = self._branches.tip(kept.branch) or kept.head
        changed = kept.model_copy(update={"title": title or kept.title, "head": head})
        self._folder.save("pulls", number, changed, body)

    def close_pull(self, number: int) -> None:
        """Close without a merge."""
        kept = self._folder.load(KeptPull, "pulls", number)
        if kept.state is PullState.OPEN:
            closed = {"state": PullState.CLOSED, "closed_by": LOGIN}
            self._folder.save("pulls", number, kept.model_copy(update=closed))

    def comments(self, number: int) -> tuple[Comment, ...]:
        """The comments, oldest first."""
        every = [
            (i, self._folder.load(KeptComment, "comments", i))
            for i in self._folder.numbers("comments")
        ]
        return tuple(Comment(i, kept.author, kept.body) for i, kept in every if kept.on == number)

    def add_comment(self, number: int, body: str) -> Comment:
        """Comment."""
        comment_id = max(self._folder.numbers("comments"), default=0) + 1
        self._folder.save("comments", comment_id, KeptComment(on=number, body=body))
        return Comment(comment_id, LOGIN, body)

    def edit_comment(self, comment_id: int, body: str) -> None:
        """Replace what a comment says."""
        kept = self._folder.load(KeptComment, "comments", comment_id)
        self._folder.save("comments", comment_id, kept.model_copy(update={"body": body}))

    def ask(
        self,
        number: int,
        *,
        labels: Sequence[str],
        reviewers: Sequence[str],
        assignees: Sequence[str],
    ) -> tuple[str, ...]:
        """Write down who is asked; nobody is told, and nothing is refused."""
        kept = self._folder.load(KeptPull, "pulls", number)
        added = {"labels": labels, "reviewers": reviewers, "assignees": assignees}
        update = {
            name: tuple(dict.fromkeys([*getattr(kept, name), *values]))
            for name, values in added.items()
        }
        self._folder.save("pulls", number, kept.model_copy(update=update))
        return ()

    def reviews(self, number: int) -> tuple[Review, ...]:
        """What people wrote into reviews/<number>.json, a list, oldest first."""
        kept = self._folder.load_reviews(number)
        reviews = [Review(r.author, r.state, r.commit, r.submitted_at) for r in kept]
        return tuple(sorted(reviews, key=lambda review: review.submitted_at))

    def makers(self, pull: PullRequest, merges: Mapping[str, str]) -> tuple[str, ...]:
        """Nobody: names in commits are no accounts, and no push is written down."""
        return ()

    def issues(self, label: str) -> tuple[Issue, ...]:
        """The issues with `label`, newest first."""
        numbers = reversed(self._folder.numbers("issues"))
        kept = [(number, self._folder.load(KeptIssue, "issues", number)) for number in numbers]
        return tuple(self._issue(number, issue) for number, issue in kept if label in issue.labels)

    def open_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue:
        """Open an issue."""
        number, kept = self._next_number(), KeptIssue(title=title, labels=tuple(labels))
        self._folder.save("issues", number, kept, body)
        return self._issue(number, kept)

    def edit_issue(self, number: int, *, body: str, is_open: bool = True) -> None:
        """Replace what an issue says, and open or close it."""
        kept = self._folder.load(KeptIssue, "issues", number)
        self._folder.save("issues", number, kept.model_copy(update={"is_open": is_open}), body)

    def set_status(
        self,
        sha: str,
        *,
        context: str,
        state: StatusState,
        description: str,
        url: str | None = None,
    ) -> None:
        """Keep the newest status of a context in statuses/<sha>.json."""
        path = self._folder.path / "statuses" / f"{sha}.json"
        kept: dict[str, Any] = load_json(path) if path.is_file() else {}
        kept[context] = {
            "state": state.value,
            "description": description[:MAX_DESCRIPTION_CHARS],
            "url": url,
        }
        save_json(path, kept)

    def status_of(self, sha: str, context: str) -> Status | None:
        """As it is kept; `at` is when any of the commit was set last."""
        path = self._folder.path / "statuses" / f"{sha}.json"
        kept: dict[str, Any] = load_json(path) if path.is_file() else {}
        if context not in kept:
            return None
        about, changed = kept[context], datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Status(StatusState(about["state"]), about["description"], about["url"], changed)

    def start_review(self, number: int, *, kept_for: str | None = None) -> tuple[str, ...]:
        """Nothing starts by itself here: a person runs the check."""
        return ()

    def _issue(self, number: int, kept: KeptIssue) -> Issue:
        url = self._folder.place("issues", number, "md").as_posix()
        body = self._folder.body("issues", number)
        return Issue(number, kept.title, body, kept.is_open, kept.author, url)

    def _next_number(self) -> int:
        """Issues and pull requests are counted together, as on GitHub."""
        return max([*self._folder.numbers("pulls"), *self._folder.numbers("issues")], default=0) + 1
