"""One request on its way to its handler, and what it needs to be let in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from tests.servers.github_recorder import Answer, Request
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.people import Viewer
from tests.servers.github_standin.world import Issue, Pull, World

REPOSITORY = "/repos/{owner}/{repo}"


@dataclass(frozen=True)
class Call:
    """A request, and who makes it."""

    world: World
    viewer: Viewer
    request: Request

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.request.path.partition("?")[2]))

    @property
    def body(self) -> dict[str, Any]:
        return self.request.body or {}

    def part(self, name: str) -> str:
        """A parameter of the path."""
        return unquote(self.request.parts[name])

    def issue(self) -> Issue:
        """The issue or pull request that the path names. Raises Refusal (404)."""
        name = "pull_number" if "pull_number" in self.request.parts else "issue_number"
        issue = self.world.issues.get(int(self.part(name)))
        if issue is None or (name == "pull_number" and issue.pull is None):
            raise not_found()
        return issue

    def pull(self) -> tuple[Issue, Pull]:
        """The pull request that the path names. Raises Refusal (404)."""
        issue = self.issue()
        assert issue.pull is not None
        return issue, issue.pull

    def must_be(self, role: str, *, or_author: str | None = None) -> None:
        """Raises Refusal (403) for a person below `role` who is not the author."""
        account = self.viewer.account
        if not account.is_at_least(role) and account.login != or_author:
            raise Refusal(403, f"Must have {'push' if role == 'write' else role} access.")

    def must_of(self, issue: Issue, level: str) -> None:
        """A pull request is written with the grant for pull requests, an issue with issues'."""
        if level == "write" or self.world.is_private:
            self.viewer.must("pull_requests" if issue.pull else "issues", level)


@dataclass(frozen=True)
class Route:
    """`path` is below the repository unless it is absolute; `needs` is a grant as scope:level."""

    method: str
    path: str
    handler: Callable[[Call], Answer]
    needs: str = "metadata:read"
    role: str = "read"

    @property
    def template(self) -> str:
        return self.path if self.path.startswith(("/user", "/orgs/")) else REPOSITORY + self.path


def listed(call: Call, items: Sequence[Any], wrap: str | None = None) -> Answer:
    """One page of `items` (30, at most 100), with GitHub's Link header to the others.

    With `wrap` the page is that field of an object that has the total count as well.
    """
    size = min(int(call.query.get("per_page", 30)) or 30, 100)
    page = max(int(call.query.get("page", 1)), 1)
    last = max(-(-len(items) // size), 1)
    shown = list(items[(page - 1) * size : page * size])
    others = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    wanted = {"prev": page > 1, "next": page < last, "last": page < last, "first": page > 1}
    path = call.world.url() + call.request.path.partition("?")[0]
    links = [
        f'<{path}?{urlencode({**call.query, "page": number})}>; rel="{name}"'
        for name, number in others.items()
        if wanted[name]
    ]
    body = shown if wrap is None else {"total_count": len(items), wrap: shown}
    return Answer(200, body, {"Link": ", ".join(links)} if links else {})
