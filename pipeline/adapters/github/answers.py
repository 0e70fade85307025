"""What GitHub answers, and what it means: final, worth another try, or worth a wait."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import OutsideError


class Refused(OutsideError):
    """GitHub understood the request and says no (422, or over a limit): repeating cannot help."""


class Busy(OutsideError):
    """GitHub limits the rate. Asking before `retry_after_seconds` may get the token banned."""

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; the names of its headers are lower case."""

    status: int
    headers: Mapping[str, Any]
    text: str


def is_unclear(answer: Answer | str) -> bool:
    """Whether the request may have been taken though it was not confirmed."""
    return isinstance(answer, str) or answer.status >= 500


def pause_after(answer: Answer | str, wait: float) -> float | None:
    """Seconds until the next try, None where the answer is final.

    A 403 is final (a missing permission) unless it is a limit, which GitHub tells by Retry-After,
    by a used-up quota, or in words; without a time it asks for a minute at least.
    """
    if isinstance(answer, str) or is_unclear(answer):
        return wait
    if answer.status not in (403, 429):
        return None
    asked = str(answer.headers.get("retry-after", ""))
    if asked.isdecimal():
        return max(float(asked), wait)
    if str(answer.headers.get("x-ratelimit-remaining")) == "0":
        reset = str(answer.headers.get("x-ratelimit-reset", ""))
        return max(float(reset) - time.time() + 1, wait) if reset.isdecimal() else 60.0
    is_limit = answer.status == 429 or "rate limit" in answer.text.lower()
    return max(60.0, wait) if is_limit else None


def message_of(answer: Answer) -> str:
    """What GitHub says of a refusal, with the details that it lists. A stranger's text."""
    try:
        body = json.loads(answer.text)
        errors = [each if isinstance(each, str) else each.get("message") for each in _errors(body)]
        return "; ".join([str(body["message"]), *map(str, filter(None, errors))])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "no message"


def _errors(body: Any) -> list[Any]:
    errors = body.get("errors")
    return errors[:5] if isinstance(errors, list) else []


def advice_for(status: int) -> str:
    """What to do about an answer with this status."""
    moved = "The repository has moved: set its new name."
    return {
        **dict.fromkeys((301, 302, 307, 308), moved),
        401: "The token is wrong or has expired: set another one.",
        403: "The token lacks a permission, or GitHub limits its rate: check both and run again.",
        404: "Check the repository's name, and that the token may write its contents.",
        422: "Mend the request: repeating it does not help.",
        429: "GitHub limits the rate: run again later.",
    }.get(status, "Run again later.")
