"""The stand-in for GitHub: the recorder's checks and faults, with a real repository behind them."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tests.servers.github_recorder import BROKEN, Answer, GitHubRecorder, Request
from tests.servers.github_standin import (
    actions,
    activity,
    comments,
    git_http,
    issues,
    labels,
    merging,
    pull_contents,
    pulls,
    repository,
    reviews,
    settings_actions,
    settings_classic,
    settings_environments,
    settings_pages,
    settings_policies,
    settings_rulesets,
    statuses,
)
from tests.servers.github_standin.acting import Acting
from tests.servers.github_standin.answers import Refusal, not_found
from tests.servers.github_standin.beside_rest import BesideRest
from tests.servers.github_standin.events import note_dispatch
from tests.servers.github_standin.faults import Faults
from tests.servers.github_standin.git_backend import BareRepository
from tests.servers.github_standin.people import ACTIONS_BOT, APP_BOT, People, Viewer
from tests.servers.github_standin.routes import REPOSITORY, Call, Route
from tests.servers.github_standin.rules import Rules
from tests.servers.github_standin.sync import sync
from tests.servers.github_standin.world import World

_PARTS = (
    pulls,
    pull_contents,
    merging,
    reviews,
    issues,
    comments,
    labels,
    statuses,
    repository,
    actions,
    activity,
    settings_actions,
    settings_classic,
    settings_environments,
    settings_pages,
    settings_policies,
    settings_rulesets,
)


class GitHubStandIn(Acting, GitHubRecorder, BesideRest):
    """One repository, `owner/name`, backed by the bare repository at `path`.

    `world` is its state: `world.rules`, `world.is_private`, `world.pusher` and the like are there
    to be set. `violations` must be empty when a test ends.
    """

    def __init__(
        self,
        path: Path,
        full_name: str = "octo/model",
        *,
        rules: Rules | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        owner, name = full_name.split("/")
        people = People()
        people.add(owner, "admin")
        for bot in (ACTIONS_BOT, APP_BOT):
            people.add(bot, "write")
        git = BareRepository(path)
        found = rules or Rules()
        self.world = World(owner, name, git, people, found, lambda: self.url, clock, owner)
        self.world.seen_refs = git.refs()
        self.faults = Faults()
        self._lock = threading.RLock()
        self._serve_all()

    @property
    def workflow_dispatches(self) -> list[dict[str, Any]]:
        """The workflows that were asked to run: workflow, ref, inputs and actor."""
        return self.world.workflow_dispatches

    def protect_main(self) -> None:
        """From now on main takes no push, only merges of pull requests."""
        self.world.git.protect(self.world.default_branch)

    def look(self) -> None:
        """Find out what was pushed over the file path: it is put down to `world.pusher`."""
        with self._lock:
            sync(self.world)

    def add_fork(self, owner: str, path: Path) -> BareRepository:
        """A stranger's fork: a bare repository at `path` with the branches that are here now."""
        if self.world.people.find(owner) is None:
            self.world.people.add(owner, "read")
        fork = BareRepository(path)
        fork.run("fetch", "--quiet", str(self.world.git.path), "refs/heads/*:refs/heads/*")
        self.world.forks[owner] = fork
        return fork

    def requests_of(self, login: str) -> list[Request]:
        """The requests that came with one of the account's tokens, in order."""
        return [request for request in self.requests if self._login_of(request) == login]

    # What goes wrong.

    def fail(
        self,
        method: str,
        template: str,
        answer: Answer,
        times: int = 1,
        *,
        after: int = 0,
        login: str | None = None,
    ) -> None:
        """Answer `times` matching requests so, once `after` of them have been served.

        `method` and `template` (as in the API description) may be `*`; `login` limits it to one
        account's requests. See DROPPED, TAKEN_AND_DROPPED, TAKEN_AND_BROKEN, BROKEN, Answer's
        delay_seconds, secondary_limit() and primary_limit().
        """
        self.faults.add(method, template, answer=answer, times=times, after=after, login=login)

    def meanwhile(
        self,
        method: str,
        template: str,
        action: Callable[[], object],
        *,
        after: int = 0,
        login: str | None = None,
    ) -> None:
        """Call `action` just before a matching request takes effect: somebody else was quicker."""
        self.faults.add(method, template, action=action, after=after, login=login)

    # How it is served.

    def answer(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Answer:
        """As the recorder does; git and the one GraphQL query, which REST has not, aside."""
        if git_http.is_git(path):
            return self.answer_git(method, path, headers, raw)
        if path == "/graphql":
            return self.answer_graphql(method, path, headers, raw)
        return super().answer(method, path, headers, raw)

    def _serve_all(self) -> None:
        self._routes.clear()
        own = (
            Route("POST", "/dispatches", self._dispatch_repository, "contents:write", "write"),
            Route("GET", "/actions/runs/{run_id}", self._own(self._run), "actions:read"),
            Route(
                "GET",
                "/actions/runs/{run_id}/approvals",
                self._own(self._approvals),
                "actions:read",
            ),
        )
        for route in (*own, *(route for part in _PARTS for route in part.ROUTES)):
            self.route(route.method, route.template, partial(self._handle, route))

    def _dispatch_repository(self, call: Call) -> Answer:
        kind, payload = call.body["event_type"], call.body.get("client_payload", {})
        note_dispatch(self.world, call.viewer.login, kind, payload)
        return self._dispatch(call.request)

    @staticmethod
    def _own(handler: Callable[[Request], Answer]) -> Callable[[Call], Answer]:
        return lambda call: handler(call.request)

    def _forced(self, request: Request) -> Answer | None:
        return super()._forced(request) or self.faults.meet(request, self._login_of(request))

    def _serve(self, request: Request) -> Answer:
        if self._viewer(request) is None:
            return Answer(401, {"message": "Bad credentials"})
        with self._lock:
            return self._routed(request)

    def _handle(self, route: Route, request: Request) -> Answer:
        viewer = self._viewer(request)
        assert viewer is not None
        call = Call(self.world, viewer, request)
        try:
            self._let_in(route, call)
            sync(self.world)
            return route.handler(call)
        except Refusal as refusal:
            return refusal.answer
        except Exception:  # noqa: BLE001 (a fault of the stand-in itself: the test must see it)
            self.violations.append(traceback.format_exc())
            return BROKEN

    def _let_in(self, route: Route, call: Call) -> None:
        if route.template.startswith(REPOSITORY):
            asked = f"{call.part('owner')}/{call.part('repo')}"
            is_seen = not self.world.is_private or call.viewer.account.is_at_least("read")
            if asked.lower() != self.world.full_name.lower() or not is_seen:
                raise not_found()
        scope, level = route.needs.split(":")
        if level == "write" or self.world.is_private:
            call.viewer.must(scope, level)
        if route.role != "read":
            call.must_be(route.role)

    def _viewer(self, request: Request) -> Viewer | None:
        return self.world.people.viewer(request.headers.get("Authorization", ""))

    def _login_of(self, request: Request) -> str | None:
        viewer = self.world.people.owner(request.headers.get("Authorization", ""))
        return viewer.login if viewer else None
