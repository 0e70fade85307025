"""Metrics from any HTTP service that answers JSON; JMESPath says where in it the sample stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pipeline.adapters.metrics.base import Missing, Sample, filled, no_sample
from pipeline.adapters.metrics.records import sample_of
from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError, OutsideError

TIMEOUT_SECONDS = 10.0
_MAX_ANSWER_BYTES = 1_000_000


@dataclass(frozen=True)
class Paths:
    """JMESPath expressions on the answer. `sampled_at`: seconds since 1970, or an ISO time."""

    value: str
    n: str
    sampled_at: str
    version: str


class HttpJsonMetrics:
    """Asks `url` with {name}, {version} and {window} filled in. Redirects are not followed."""

    def __init__(
        self,
        url: str,
        paths: Paths,
        *,
        max_age: timedelta,
        token: str | None = None,
    ) -> None:
        """Connects to nothing yet. Raises ConfigurationError with every fault."""
        import jmespath  # noqa: PLC0415 (only who uses this provider needs it)

        faults = []
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            faults.append(f"url: found {without_credentials(url)[:100]!r}, expected http(s)://…")
        self._paths: dict[str, Any] = {}
        for name, text in vars(paths).items():
            try:
                self._paths[name] = jmespath.compile(text)
            except jmespath.exceptions.JMESPathError as error:
                faults.append(f"paths.{name}: {' '.join(str(error).split())}")
        if faults:
            raise ConfigurationError("metrics", faults)
        self._url, self._max_age, self._token = url, max_age, token
        self._open = build_opener(_NoRedirect).open

    def query(self, name: str, version: str, window: timedelta, at: datetime) -> Sample:
        """See Metrics."""
        import jmespath  # noqa: PLC0415

        status, raw = self._get(filled(self._url, name, version, window))
        if status != 200:
            return no_sample(version, Missing.BAD_ANSWER, f"answered {status}")
        try:
            answer = json.loads(raw)
            found = {key: path.search(answer) for key, path in self._paths.items()}
        except (ValueError, RecursionError, jmespath.exceptions.JMESPathError) as error:
            return no_sample(version, Missing.BAD_ANSWER, error)
        return sample_of(found, version=version, at=at, max_age=self._max_age)

    def _get(self, url: str) -> tuple[int, bytes]:
        headers = {"Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = Request(url, headers=headers)  # noqa: S310 (http or https: see __init__)
        try:
            try:
                with self._open(request, timeout=TIMEOUT_SECONDS) as response:
                    return response.status, response.read(_MAX_ANSWER_BYTES)
            except HTTPError as error:
                return error.code, b""
        except (URLError, HTTPException, OSError, ValueError) as error:
            told = without_credentials(f"{url}: {getattr(error, 'reason', error)}", [self._token])
            raise OutsideError(f"metrics: not answered by {told[:300]}. Run again.") from error


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """No redirect is followed: it would carry the token to wherever it points."""
