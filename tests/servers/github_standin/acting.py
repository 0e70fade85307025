"""Who there is, and what they do while a test runs: true requests, with their own tokens."""

from __future__ import annotations

from typing import Any

import requests

from tests.servers.github_standin.people import ACTIONS_BOT, SCOPES
from tests.servers.github_standin.world import World


class Acting:
    """The part of the stand-in that tests use to be somebody."""

    world: World

    def add_person(self, login: str, role: str = "write") -> str:
        """Add somebody, or change their role; returns their token."""
        self.world.people.add(login, role)
        return self.token_for(login)

    def token_for(self, login: str, **grants: str) -> str:
        """A person's token has all of their role. A bot's has `grants`, or all if none is named.

        Grants are as in a workflow's permissions: `contents="write", pull_requests="read"`.
        """
        if login.endswith("[bot]"):
            return self.world.people.token(login, grants or dict.fromkeys(SCOPES, "write"))
        return self.world.people.token(login, None)

    def read_only_token(self) -> str:
        """GITHUB_TOKEN as a pull request from a fork gets it."""
        return self.token_for(ACTIONS_BOT, **dict.fromkeys(SCOPES, "read"))

    def act(self, login: str, method: str, path: str, body: Any = None) -> Any:
        """Send a request as `login`, `path` being below the repository. Raises HTTPError."""
        answer = requests.request(
            method,
            self.world.api + path,
            json=body,
            headers={"Authorization": f"Bearer {self.token_for(login)}"},
            timeout=30,
        )
        if not answer.ok:
            words = f"{method} {path}: {answer.status_code} {answer.text}"
            raise requests.HTTPError(words, response=answer)
        return answer.json() if answer.content else None

    def approve(self, number: int, login: str, sha: str | None = None) -> Any:
        return self.review(number, login, "APPROVE", sha=sha)

    def review(
        self, number: int, login: str, event: str, body: str = "", sha: str | None = None
    ) -> Any:
        """`event` is APPROVE, REQUEST_CHANGES or COMMENT; of the newest commit without `sha`."""
        given = {"event": event, "body": body, **({"commit_id": sha} if sha else {})}
        return self.act(login, "POST", f"/pulls/{number}/reviews", given)

    def comment(self, number: int, login: str, body: str) -> Any:
        return self.act(login, "POST", f"/issues/{number}/comments", {"body": body})

    def close(self, number: int, login: str) -> Any:
        return self.act(login, "PATCH", f"/issues/{number}", {"state": "closed"})

    def reopen(self, number: int, login: str) -> Any:
        return self.act(login, "PATCH", f"/issues/{number}", {"state": "open"})

    def merge(self, number: int, login: str, **options: str) -> Any:
        """`options` as in the API: sha, merge_method, commit_title, commit_message."""
        return self.act(login, "PUT", f"/pulls/{number}/merge", options)
