"""Failures on demand, and things that other people do between two requests."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.servers.github_recorder import Answer, Request


def primary_limit(reset: int) -> Answer:
    """403 as for a used-up hourly quota, which is filled again at `reset` (seconds since 1970)."""
    headers = {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(reset),
    }
    return Answer(403, {"message": "API rate limit exceeded for user ID 1."}, headers)


@dataclass
class Fault:
    """The requests `after` + 1 to `after` + `times` of those that fit get `answer`.

    With `action` it is called instead, and the request is then served as ever.
    """

    method: str
    pattern: re.Pattern[str]
    login: str | None
    after: int
    times: int
    answer: Answer | None = None
    action: Callable[[], object] | None = None

    def fits(self, request: Request, login: str | None) -> bool:
        return (
            self.times > 0
            and self.method in ("*", request.method)
            and self.login in (None, login)
            and self.pattern.fullmatch(request.path.partition("?")[0]) is not None
        )


class Faults:
    """Set with `add`; `meet` is asked once for each request."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(
        self,
        method: str,
        template: str,
        *,
        answer: Answer | None = None,
        action: Callable[[], object] | None = None,
        after: int = 0,
        times: int = 1,
        login: str | None = None,
    ) -> None:
        """`method` and `template` (a path of the API description) may be `*` for any."""
        pattern = ".*" if template == "*" else re.sub(r"{\w+}", "[^/]+", template)
        fault = Fault(method, re.compile(pattern), login, after, times, answer, action)
        self._faults.append(fault)

    def meet(self, request: Request, login: str | None) -> Answer | None:
        """Count the request; the first fault that is due gives its answer."""
        due = []
        for fault in [fault for fault in self._faults if fault.fits(request, login)]:
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.times -= 1
            due.append(fault)
        for fault in due:
            if fault.action is not None:
                fault.action()
        return next((fault.answer for fault in due if fault.answer is not None), None)

    def clear(self) -> None:
        self._faults.clear()
