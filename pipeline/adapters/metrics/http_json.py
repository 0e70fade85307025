"""Metrics from any HTTP service that answers JSON; JMESPath says where in it the sample stands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.request import Request

from pipeline.adapters.metrics.base import Missing, Sample, filled, no_sample
from pipeline.adapters.metrics.records import sample_of
from pipeline.credentials import without_credentials
from pipeline.errors import ConfigurationError, OutsideError, in_one_line
from pipeline.web import NOT_ANSWERED, ask_once, reason_of, service_of

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
    """Asks `url` with {name}, {version} and {window} filled in. Redirects are not followed.

    A user and password in `url` are sent as Basic ones, where there is no `token` (a bearer token).
    """

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

        service, faults = service_of(url, token)
        self._paths: dict[str, Any] = {}
        for name, text in vars(paths).items():
            try:
                self._paths[name] = jmespath.compile(text)
            except jmespath.exceptions.JMESPathError as error:
                faults.append(f"paths.{name}: {in_one_line(error)}")
        if faults:
            raise ConfigurationError("metrics", faults)
        self._url, self._headers, self._max_age = service.url, service.headers, max_age

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
        headers = {"Accept": "application/json", **self._headers}
        request = Request(url, headers=headers)  # noqa: S310 (http or https: see __init__)
        try:
            return ask_once(request, TIMEOUT_SECONDS, _MAX_ANSWER_BYTES)
        except NOT_ANSWERED as error:
            told = f"{without_credentials(url)[:300]} ({reason_of(error)})"
            raise OutsideError(f"metrics: not answered by {told}. Run again.") from None
