"""What GitHub answers beside its REST API: git itself, and GraphQL's question who asks."""

from __future__ import annotations

import json
import threading

from tests.servers.github_recorder import Answer, Request
from tests.servers.github_standin import git_http
from tests.servers.github_standin.people import Viewer
from tests.servers.github_standin.sync import sync
from tests.servers.github_standin.world import World


class BesideRest:
    """A part of the stand-in, which has the rest of what is used here."""

    world: World
    requests: list[Request]
    violations: list[str]
    _lock: threading.RLock

    def _viewer(self, request: Request) -> Viewer | None:
        raise NotImplementedError

    def _forced(self, request: Request) -> Answer | None:
        raise NotImplementedError

    def answer_git(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Answer:
        """Clones and pushes; a push is put down to whose token came with it."""
        named = {name.title(): value for name, value in headers.items()}
        named["Authorization"] = git_http.token_of(named.get("Authorization", ""))
        request = Request(method, path, named, raw)
        viewer = self._viewer(request)
        forced = self._forced(request)
        if forced is not None:
            return forced
        if not git_http.is_push(path):
            return git_http.serve(self.world, viewer, request)
        with self._lock:
            sync(self.world)
            answer = git_http.serve(self.world, viewer, request)
            sync(self.world, viewer.login if viewer else None)
        return answer

    def answer_graphql(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Answer:
        """`{ viewer { login } }` tells a bot who it is: GET /user refuses it."""
        request = Request(method, path, headers, json.loads(raw))
        self.requests.append(request)
        forced = self._forced(request)
        if forced is not None:
            return forced
        viewer = self._viewer(request)
        if viewer is None:
            return Answer(401, {"message": "Bad credentials"})
        if "".join(request.body["query"].split()).removeprefix("query") != "{viewer{login}}":
            self.violations.append(f"graphql: only the viewer's login, not {request.body}")
            return Answer(200, {"errors": [{"message": "not served by the stand-in"}]})
        return Answer(200, {"data": {"viewer": {"login": viewer.login}}})
