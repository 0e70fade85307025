"""Pull requests of one repository, from its own branches alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from pipeline.adapters.github.connection import PAGE_ITEMS, Connection
from pipeline.adapters.github.shapes import IssueShape, PullShape, login_of, parse, parse_all
from pipeline.forge import PullRequest, PullState

MOST_OPEN_PAGES = 20
MOST_PAGES = 5  # the newest 500: a closed proposal before those snoozes nothing any more


class Pulls:
    """The pull requests of the connection's repository."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._closers: dict[tuple[int, datetime | None], str | None] = {}

    def list(self, branch_prefix: str) -> tuple[PullRequest, ...]:
        """Those whose branch starts with `branch_prefix`, newest first.

        GitHub has no way to ask for a prefix, so the newest are read and sorted out here; where
        the repository has more than those, every open one is read too.
        """
        listing = "/pulls?sort=created&direction=desc&state="
        items = self._connection.pages(f"{listing}all", MOST_PAGES)
        if len(items) == MOST_PAGES * PAGE_ITEMS:
            items += self._connection.pages(f"{listing}open", MOST_OPEN_PAGES)
        return self._own(items, branch_prefix)

    def list_open(self, branch_prefix: str) -> tuple[PullRequest, ...]:
        """The open ones of those, without a look at any that is closed."""
        listing = "/pulls?sort=created&direction=desc&state=open"
        return self._own(self._connection.pages(listing, MOST_OPEN_PAGES), branch_prefix)

    def _own(self, items: Any, branch_prefix: str) -> tuple[PullRequest, ...]:
        """From our own branches of that prefix, newest first, each once."""
        shapes = {shape.number: shape for shape in parse_all(PullShape, items, "a pull request")}
        return tuple(
            self._value(shape)
            for _, shape in sorted(shapes.items(), reverse=True)
            if self._is_own(shape) and shape.head.ref.startswith(branch_prefix)
        )

    def get(self, number: int) -> PullRequest:
        """The pull request `number`, from a fork too. Raises OutsideError."""
        shape = parse(PullShape, self._connection.get(f"/pulls/{number}"), "a pull request")
        return self._value(shape)

    def open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """Open one, or find the one that is open for this branch and base already."""
        asked = {"head": branch, "base": base, "title": title, "body": body}
        made = self._connection.create("/pulls", asked, lambda: self._find_open(branch, base))
        return self._value(parse(PullShape, made, "a pull request"))

    def edit(self, number: int, **changes: str | None) -> None:
        """Set what is given of title, body and state."""
        self._closers.clear()  # GitHub's times are of whole seconds: two closings may share one
        body = {name: value for name, value in changes.items() if value is not None}
        self._connection.send("PATCH", f"/pulls/{number}", body, expected={200})

    def _is_own(self, shape: PullShape) -> bool:
        return shape.is_from(self._connection.repository)

    def _find_open(self, branch: str, base: str) -> Any:
        owner = self._connection.repository.partition("/")[0]
        head, base = quote(f"{owner}:{branch}", safe=""), quote(base, safe="")
        found = self._connection.get(f"/pulls?state=open&head={head}&base={base}")
        return found[0] if isinstance(found, list) and found else None

    def _value(self, shape: PullShape) -> PullRequest:
        """The issue behind a pull request alone tells who closed it: asked once a closing."""
        is_fork = not self._is_own(shape)
        value = shape.value(None, is_fork=is_fork)
        if value.state is not PullState.CLOSED:
            return value
        key = shape.number, shape.closed_at
        if key not in self._closers:
            self._closers[key] = self._closer(shape.number)
        return shape.value(self._closers[key], is_fork=is_fork)

    def _closer(self, number: int) -> str | None:
        value = self._connection.get(f"/issues/{number}")
        issue = parse(IssueShape, value, "the issue of a pull request")
        return login_of(issue.closed_by) if issue.closed_by else None
