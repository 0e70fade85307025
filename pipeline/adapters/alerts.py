"""Alerts to a chat: a webhook as Slack takes it, and Mattermost, Rocket.Chat and Discord's /slack.

The address is the secret, so no error shows it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

from pipeline.errors import ConfigurationError, OutsideError
from pipeline.web import NOT_ANSWERED, ask_once, is_http

TIMEOUT_SECONDS = 10.0
WAITS_SECONDS = (1.0, 5.0)  # hours may pass until the next run, so a moment is outlived
_PASSING = {429, 500, 502, 503, 504}
MAX_CHARS = 3_000  # of one block of Slack's
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Webhook:
    """The incoming webhook at `url`; between two tries it waits for one of `waits`, in seconds."""

    def __init__(self, url: str, waits: Sequence[float] = WAITS_SECONDS) -> None:
        """Connects to nothing yet. Raises ConfigurationError for a URL that is not https."""
        url = url.strip()  # a secret that was pasted often ends with a line
        if not _is_safe(url):
            fault = "url: expected https://… in ASCII (what was found is secret)"
            raise ConfigurationError("webhook", [fault])
        self._url = url
        self._waits = waits

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
            status, _ = ask_once(request, TIMEOUT_SECONDS, 1_000)
        except NOT_ANSWERED as error:
            raise _Passing(_words(f"did not answer ({type(error).__name__})")) from error
        if not 200 <= status < 300:
            kind = _Passing if status in _PASSING else OutsideError
            raise kind(_words(f"answered {status}"))


class _Passing(OutsideError):
    """It may be taken a moment later."""


def message_of(title: str, text: str) -> dict[str, Any]:
    """Title and text as Slack's plain text: nothing in them mentions, links or formats."""
    shown = f"{title.strip()}\n{text.strip()}"[:MAX_CHARS]
    block = {"type": "section", "text": {"type": "plain_text", "text": shown, "emoji": False}}
    return {"text": title.strip()[:MAX_CHARS].translate(_ESCAPES), "blocks": [block]}


def _is_safe(url: str) -> bool:
    """Nobody between here and there can read the address."""
    if not is_http(url):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in _LOOPBACK


def _words(what: str) -> str:
    return f"The chat's webhook {what}. Check ALERT_WEBHOOK_URL and run again."
