"""A client of Prometheus: one number, or none; or the series with their labels."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request

from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.web import NOT_ANSWERED, ask_once, reason_of, service_of

TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 1_000_000
_MAX_WORDS = 300


@dataclass(frozen=True)
class Instant:
    """What the server answered: series as (labels, value), or the fault of the answer."""

    series: tuple[tuple[Mapping[str, str], float], ...] = ()
    fault: str | None = None


class Prometheus:
    """The server at `url`, asked with `token` (a bearer token) where it wants one.

    A user and password in the URL are sent as Basic ones, where there is no token.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        """Connects to nothing yet. Raises ConfigurationError for a URL or a token that is none."""
        service, faults = service_of(url, token)
        if faults:
            raise ConfigurationError("Prometheus", faults)
        self._url = service.url.rstrip("/")
        self._headers = service.headers
        self._token = (token or "").strip()

    def query(self, expression: str, at: datetime) -> float | None:
        """The value of a PromQL `expression` at the time `at`, which must have a zone.

        None where there is no series, or the value is NaN (such as a rate of nothing over nothing).
        An infinity is given as it is: a quantile beyond the last bucket is one. Raises OutsideError
        where there are several series, Prometheus warns that the answer is partial, refuses, or
        does not answer within 10 seconds.
        """
        answer = self.instant(expression, at)
        values = [value for _, value in answer.series]
        if answer.fault is not None:
            raise self._error(expression, answer.fault)
        if len(values) > 1:
            raise self._error(
                expression, f"gave {len(values)} series, expected one: aggregate them with sum()"
            )
        return None if not values or math.isnan(values[0]) else values[0]

    def instant(self, expression: str, at: datetime) -> Instant:
        """The series of a PromQL `expression` at the time `at`, which must have a zone.

        A refusal, a partial answer and one that is not Prometheus' are faults of the answer; only
        a server that does not answer within 10 seconds raises OutsideError.
        """
        if at.tzinfo is None:
            raise ValueError("at needs a time zone")
        parameters = {"query": expression, "time": f"{at.timestamp():.3f}"}
        status, raw = self._get(parameters)
        if status != 200:
            return Instant(fault=f"answered {status}: {_words(raw)}")
        try:
            answer = json.loads(raw)
        except (ValueError, RecursionError):
            return Instant(fault="was not answered in JSON")
        try:
            return _parse(answer)
        except (AttributeError, KeyError, TypeError, ValueError):
            return Instant(fault="was not answered as Prometheus answers")

    def _get(self, parameters: Mapping[str, str]) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", **self._headers}
        url = f"{self._url}/api/v1/query?{urlencode(parameters)}"
        request = Request(url, headers=headers)  # noqa: S310 (http or https: see __init__)
        try:
            return ask_once(request, TIMEOUT_SECONDS, _MAX_ANSWER_BYTES)
        except NOT_ANSWERED as error:
            told = f"was not answered ({reason_of(error)})"
            raise self._error(parameters["query"], told) from None

    def _error(self, expression: str, what: str) -> OutsideError:
        shown = without_credentials(what, [self._token])[:_MAX_WORDS]
        told = " ".join("".join(c if c.isprintable() else " " for c in shown).split())
        return OutsideError(
            f"Prometheus at {without_credentials(self._url)}: {expression[:_MAX_WORDS]!r} {told}. "
            "Check the expression and the server, and run again."
        )


def _parse(answer: Any) -> Instant:
    warnings, data = answer.get("warnings"), answer["data"]
    kind, result = data["resultType"], data["result"]
    if kind not in ("vector", "scalar"):
        return Instant(fault=f"gave a {kind}, expected a number or one series")
    if warnings:
        return Instant(fault=f"may be partial: {'; '.join(map(str, warnings))}")
    found = [{"metric": {}, "value": result}] if kind == "scalar" else result
    return Instant(tuple((dict(s["metric"]), float(s["value"][1])) for s in found))


def _words(raw: bytes) -> str:
    """The `error` of an answer of Prometheus, or the start of whatever else came."""
    try:
        return str(json.loads(raw)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return raw[:_MAX_WORDS].decode(errors="replace")
