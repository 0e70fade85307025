"""The metrics provider: one number from Prometheus, or none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError, OutsideError

TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 1_000_000
_MAX_WORDS = 300


class Prometheus:
    """The server at `url`, asked with `token` (a bearer token) where it wants one."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Connects to nothing yet. Raises ConfigurationError for a URL that is not http(s)."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            shown = without_credentials(url)[:100]
            raise ConfigurationError("Prometheus", [f"url: found {shown!r}, expected http(s)://…"])
        self._url = url.rstrip("/")
        self._token = token
        # A redirect would carry the token to wherever it points.
        self._open = build_opener(_NoRedirect).open

    def query(self, expression: str, at: datetime) -> float | None:
        """The value of a PromQL `expression` at the time `at`, which must have a zone.

        None where there is no series, or the value is NaN (such as a rate of nothing over nothing).
        An infinity is given as it is: a quantile beyond the last bucket is one. Raises OutsideError
        where there are several series, Prometheus warns that the answer is partial, refuses, or
        does not answer within 10 seconds.
        """
        if at.tzinfo is None:
            raise ValueError("at needs a time zone")
        answer = self._get({"query": expression, "time": f"{at.timestamp():.3f}"})
        values = self._values(answer, expression)
        if len(values) > 1:
            raise self._error(
                expression, f"gave {len(values)} series, expected one: aggregate them with sum()"
            )
        return None if not values or math.isnan(values[0]) else values[0]

    def _get(self, parameters: Mapping[str, str]) -> Any:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        url = f"{self._url}/api/v1/query?{urlencode(parameters)}"
        request = Request(url, headers=headers)  # noqa: S310 (http or https: see __init__)
        expression = parameters["query"]
        try:
            with self._open(request, timeout=TIMEOUT_SECONDS) as response:
                raw = response.read(_MAX_ANSWER_BYTES)
        except HTTPError as error:
            told = f"answered {error.code}: {_words(error.read(_MAX_ANSWER_BYTES))}"
            raise self._error(expression, told) from error
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise self._error(expression, f"was not answered ({reason})") from error
        try:
            return json.loads(raw)
        except ValueError as error:
            raise self._error(expression, "was not answered in JSON") from error

    def _values(self, answer: Any, expression: str) -> list[float]:
        try:
            warnings, data = answer.get("warnings"), answer["data"]
            kind, result = data["resultType"], data["result"]
            if kind not in ("vector", "scalar"):
                raise self._error(expression, f"gave a {kind}, expected a number or one series")
            samples = [result] if kind == "scalar" else [series["value"] for series in result]
            values = [float(value) for _, value in samples]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._error(expression, "was not answered as Prometheus answers") from error
        if warnings:
            raise self._error(expression, f"may be partial: {'; '.join(map(str, warnings))}")
        return values

    def _error(self, expression: str, what: str) -> OutsideError:
        shown = without_credentials(what, [self._token])[:_MAX_WORDS]
        told = " ".join("".join(c if c.isprintable() else " " for c in shown).split())
        return OutsideError(
            f"Prometheus at {without_credentials(self._url)}: {expression[:_MAX_WORDS]!r} {told}. "
            "Check the expression and the server, and run again."
        )


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """No redirect is followed: urllib then raises it as an HTTPError."""


def _words(raw: bytes) -> str:
    """The `error` of an answer of Prometheus, or the start of whatever else came."""
    try:
        return str(json.loads(raw)["error"])
    except (ValueError, KeyError, TypeError):
        return raw[:_MAX_WORDS].decode(errors="replace")
