"""Requests to one GitHub repository: tried as often as is safe, and never showing the token."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipeline.adapters.github.answers import (
    Answer,
    Busy,
    Refused,
    advice_for,
    is_unclear,
    message_of,
    pause_after,
)
from pipeline.errors import ConfigurationError, OutsideError

if TYPE_CHECKING:
    from github.Requester import Requester

PAGE_ITEMS = 100  # the most that GitHub gives at once
_GRAPHQL = "graphql"
_ACCOUNTS = ("/user", "/users/", "/orgs/")  # with GraphQL's the addresses that are of no repository
_MAX_MESSAGE_CHARS = 300
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.+$)[A-Za-z0-9._-]{1,100}")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Patience:
    """How a request is tried: `attempts` in all, waits that double from `first_wait_seconds`.

    A wait that GitHub asks for is kept if it is `longest_wait_seconds` or shorter; a longer one
    ends the tries, so that no caller hangs. GitHub asks for a second between two writes.
    """

    attempts: int = 4
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    timeout_seconds: int = 15
    seconds_between_requests: float = 0.25
    seconds_between_writes: float = 1.0


class Connection:
    """Requests to the repository `owner/name` with a token, which no error shows."""

    def __init__(
        self,
        repository: str,
        token: str,
        api_url: str,
        patience: Patience,
    ) -> None:
        """Connects to nothing yet. Raises ConfigurationError for arguments that cannot be right."""
        faults = _faults(repository, token, api_url)
        if faults:
            raise ConfigurationError("GitHub", faults)
        self.repository = repository
        self._token = token
        self._api_url = api_url.rstrip("/")
        self._patience = patience

    def get(self, path: str) -> Any:
        """The JSON value at `path` below the repository. Raises OutsideError."""
        return self.send("GET", path, None, expected={200})

    def items(self, path: str) -> list[Any]:
        """The items of a list at `path`, as many as GitHub gives at once. Raises OutsideError."""
        found = self.get(path)
        if not isinstance(found, list):
            raise OutsideError(f"GitHub: GET {path} did not answer with a list. Run again.")
        return found

    def pages(self, path: str, most: int) -> list[Any]:
        """The items of a list at `path`, of at most `most` pages. Raises OutsideError.

        Pages are counted here: an address in the answer would be followed with the token.
        """
        items: list[Any] = []
        joint = "&" if "?" in path else "?"
        for page in range(1, most + 1):
            found = self.items(f"{path}{joint}per_page={PAGE_ITEMS}&page={page}")
            items += found
            if len(found) < PAGE_ITEMS:
                break
        return items

    def send(self, verb: str, path: str, body: Any, *, expected: Collection[int]) -> Any:
        """Send what may be sent twice. Returns the JSON value, or None. Raises OutsideError."""
        answer = self.request(verb, path, body)
        if answer.status not in expected:
            raise self.error(f"{verb} {path}", answer)
        return json_of(answer, f"{verb} {path}") if answer.text else None

    def create(self, path: str, body: Any, look: Callable[[], Any]) -> Any:
        """POST what must not be made twice. Returns the JSON value of what was made, or was there.

        After an answer that leaves open whether it was made (none at all, or 5xx), and after a 422,
        `look` says whether it is there: its JSON value, or None. Only then is it tried again.
        Raises OutsideError; Refused for a 422 where `look` finds nothing.
        """
        found: Any = None

        def is_there() -> bool:
            nonlocal found
            found = look()
            return found is not None

        answer, attempts = self._tried("POST", path, body, is_there)
        if found is not None:
            return found
        if isinstance(answer, Answer) and answer.status == 201:
            return json_of(answer, f"POST {path}")
        is_conflict = isinstance(answer, Answer) and answer.status == 422
        if (is_conflict or is_unclear(answer)) and is_there():
            return found
        if isinstance(answer, str):
            raise self._silence("POST", path, answer, attempts)
        raise self.error(f"POST {path}", answer)

    def request(self, verb: str, path: str, body: Any = None) -> Answer:
        """The first answer that is not worth another try. Raises OutsideError without an answer.

        What is asked may happen more than once: see `create` for what must not.
        """
        answer, attempts = self._tried(verb, path, body, lambda: False)
        if isinstance(answer, str):
            raise self._silence(verb, path, answer, attempts)
        return answer

    def viewer(self) -> Any:
        """Who the token speaks for, as JSON. REST tells it to people alone, GraphQL to bots too."""
        query = {"query": "{ viewer { login } }", "variables": {}}
        return self.send("POST", _GRAPHQL, query, expected={200})

    def error(self, what: str, answer: Answer) -> OutsideError:
        """An answer as the error that it is: Busy, Refused or another OutsideError."""
        text = (
            f"GitHub: {what} of {self.repository} answered {answer.status} "
            f"({self._shown(message_of(answer))}). {advice_for(answer.status)}"
        )
        pause = pause_after(answer, 0) if answer.status in (403, 429) else None
        if pause is not None:
            return Busy(text, pause)
        return Refused(text) if answer.status == 422 else OutsideError(text)

    def _silence(self, verb: str, path: str, reason: str, attempts: int) -> OutsideError:
        return OutsideError(
            f"GitHub: {verb} {path} of {self.repository} got no answer in {attempts} tries "
            f"({reason}). Check the network and run again."
        )

    def _tried(
        self, verb: str, path: str, body: Any, is_there: Callable[[], bool]
    ) -> tuple[Answer | str, int]:
        """The last answer, or why there was none, and the number of tries.

        After an unclear one, `is_there` may say that no other try is needed.
        """
        wait = self._patience.first_wait_seconds
        for attempt in range(1, self._patience.attempts + 1):
            answer = self._try(verb, path, body)
            is_last = attempt == self._patience.attempts
            pause = pause_after(answer, wait) if not is_last else None
            if pause is None or pause > self._patience.longest_wait_seconds:
                break
            time.sleep(pause)
            if is_unclear(answer) and is_there():
                break
            wait = min(2 * wait, self._patience.longest_wait_seconds)
        return answer, attempt

    @cached_property
    def _requester(self) -> Requester:
        from github import Auth, Github  # noqa: PLC0415 (slow to import, and not always needed)

        client = Github(
            auth=Auth.Token(self._token),
            base_url=self._api_url,
            timeout=self._patience.timeout_seconds,
            retry=None,
            seconds_between_requests=self._patience.seconds_between_requests,
            seconds_between_writes=self._patience.seconds_between_writes,
        )
        return client.requester

    def _try(self, verb: str, path: str, body: Any) -> Answer | str:
        """An answer, or why there was none."""
        from github import GithubException  # noqa: PLC0415
        from requests import RequestException  # noqa: PLC0415

        try:
            requester = self._requester
            url = path if path.startswith(_ACCOUNTS) else f"/repos/{self.repository}{path}"
            url = requester.graphql_url if path == _GRAPHQL else url
            status, headers, text = requester.requestJson(verb, url, input=body)
        except (RequestException, GithubException, OSError, RuntimeError) as error:
            return self._shown(f"{type(error).__name__}: {error}")
        return Answer(status, headers, text)

    def _shown(self, text: str) -> str:
        """What a stranger wrote, on one line, cut, and without the token."""
        shown = text.replace(self._token, "***")[:_MAX_MESSAGE_CHARS]
        return " ".join("".join(c if c.isprintable() else " " for c in shown).split())


def json_of(answer: Answer, what: str) -> Any:
    """The JSON value of an answer. Raises OutsideError: a proxy may answer 200 with a page."""
    try:
        return json.loads(answer.text)
    except ValueError as error:
        raise OutsideError(f"GitHub: {what} did not answer in JSON. Run again.") from error


def _faults(repository: str, token: str, api_url: str) -> list[str]:
    faults = []
    if not _REPOSITORY.fullmatch(repository):
        faults.append(f"repository: found {repository[:60]!r}, expected owner/name")
    if not re.fullmatch(r"[\x21-\x7e]{8,}", token):
        faults.append("token: expected 8 or more printable characters (what was found is secret)")
    parts = urlsplit(api_url)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not is_safe or not parts.hostname or "@" in parts.netloc:
        faults.append("api_url: expected https://<host>, since a token travels to it")
    return faults
