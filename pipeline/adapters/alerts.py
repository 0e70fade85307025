"""Alerts to a chat: a webhook as Slack takes it, and Mattermost, Rocket.Chat and Discord's /slack.

The address is the secret, so no error shows it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pipeline.errors import ConfigurationError, OutsideError

TIMEOUT_SECONDS = 10.0
WAITS_SECONDS = (1.0, 5.0)  # a chat is told once in its incident's life, so a moment is outlived
_PASSING = {429, 500, 502, 503, 504}
MAX_CHARS = 3_000  # of one block of Slack's
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Webhook:
    """The incoming webhook at `url`; between two tries it waits for one of `waits`, in seconds."""

    def __init__(self, url: str, waits: Sequence[float] = WAITS_SECONDS) -> None:
        """Connects to nothing yet. Raises ConfigurationError for a URL that is not https."""
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in _LOOPBACK
        )
        if not is_safe or not parts.hostname:
            fault = "url: expected https://… (what was found is secret)"
            raise ConfigurationError("webhook", [fault])
        self._url = url
        self._waits = waits
        self._open = build_opener(_NoRedirect).open

    def send(self, title: str, text: str) -> None:
        """Say it once, trying again after what may pass: no answer, 429, 500, 502, 503, 504.

        Told twice is possible, where an answer was lost. Raises OutsideError where the other side
        does not take it.
        """
        body = json.dumps(message_of(title, text)).encode()
        for wait in self._waits:
            try:
                self._post(body)
            except _Passing:
                time.sleep(wait)
            else:
                return
        self._post(body)

    def _post(self, body: bytes) -> None:
        headers = {"Content-Type": "application/json"}
        request = Request(self._url, data=body, headers=headers, method="POST")  # noqa: S310
        try:
            with self._open(request, timeout=TIMEOUT_SECONDS) as response:
                response.read(1_000)
        except HTTPError as error:
            kind = _Passing if error.code in _PASSING else OutsideError
            raise kind(_words(f"answered {error.code}")) from error
        except (URLError, HTTPException, OSError) as error:
            raise _Passing(_words(f"did not answer ({type(error).__name__})")) from error


class _Passing(OutsideError):
    """It may be taken a moment later."""


def message_of(title: str, text: str) -> dict[str, Any]:
    """Title and text as Slack's plain text: nothing in them mentions, links or formats."""
    shown = f"{title.strip()}\n{text.strip()}"[:MAX_CHARS]
    block = {"type": "section", "text": {"type": "plain_text", "text": shown, "emoji": False}}
    return {"text": title.strip()[:MAX_CHARS].translate(_ESCAPES), "blocks": [block]}


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """No redirect is followed: urllib then raises it as an HTTPError."""


def _words(what: str) -> str:
    return f"The chat's webhook {what}. Check ALERT_WEBHOOK_URL and run again."
