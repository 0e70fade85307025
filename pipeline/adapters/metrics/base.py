"""What every metrics provider answers: a number and its sample, or why there is none."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from string import Formatter
from typing import Any, Protocol

from pipeline.errors import ConfigurationError

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_MAX_DETAIL = 300


class Missing(StrEnum):
    """Why a sample has no value. None of these is ever a pass."""

    EMPTY = "empty"  # no series, no row: nothing was measured
    NOT_A_NUMBER = "not_a_number"  # NaN, infinite, or no number at all
    STALE = "stale"  # measured too long ago
    OTHER_VERSION = "other_version"  # measured on another version than the one asked for
    BAD_ANSWER = "bad_answer"  # the provider answered, with an error or something unreadable


@dataclass(frozen=True)
class Sample:
    """One answer: `value` over `n` observations of `version`, newest at `sampled_at`.

    Either `value` is finite and `missing` is None, or `value` is None and `missing` says why.
    `n` is None where the provider does not say it.
    """

    version: str
    value: float | None = None
    n: int | None = None
    sampled_at: datetime | None = None
    missing: Missing | None = None
    detail: str = ""


class Metrics(Protocol):
    """A metrics provider."""

    def query(self, name: str, version: str, window: timedelta, at: datetime) -> Sample:
        """The metric `name` of `version` over the `window` that ends at `at` (with a zone).

        Having no data is an answer (see Missing). Raises OutsideError only where the provider
        cannot be reached, and ConfigurationError for a metric that it was not told of.
        """


def no_sample(version: str, missing: Missing, detail: object = "") -> Sample:
    """A sample without a value. `detail` may be anybody's text: it is cut and put on one line."""
    shown = "".join(c if c.isprintable() else " " for c in str(detail)[:_MAX_DETAIL])
    return Sample(version=version, missing=missing, detail=shown)


def judged(
    version: str,
    *,
    value: float,
    n: float | None,
    sampled_at: datetime | None,
    found_version: str | None,
    at: datetime,
    max_age: timedelta,
) -> Sample:
    """The sample, once it is of the right version, fresh and finite; else the reason why not.

    One exactly `max_age` old is fresh. One from the future is stale: a clock is wrong somewhere.
    """
    if found_version not in (None, version):
        return no_sample(version, Missing.OTHER_VERSION, f"found {found_version!a:.80}")
    if sampled_at is not None and abs(at - sampled_at) > max_age:
        detail = f"sampled at {sampled_at:%Y-%m-%dT%H:%M:%SZ}, asked at {at:%Y-%m-%dT%H:%M:%SZ}"
        return no_sample(version, Missing.STALE, detail)
    if not math.isfinite(value) or (n is not None and not math.isfinite(n)):
        return no_sample(version, Missing.NOT_A_NUMBER, f"value {value}, n {n}")
    return Sample(version, value, None if n is None else round(n), sampled_at)


def filled(template: str, name: str, version: str, window: timedelta) -> str:
    """A template with {version}, {window} and {name} filled in; the window in whole seconds, 30s.

    Braces of the query language are written twice. Raises ConfigurationError for another
    placeholder, and for a version that could mean something in a query.
    """
    faults = []
    if not _VERSION.fullmatch(version):
        faults.append(f"version: found {version!a:.80}, expected A-Z, a-z, 0-9, '.', '_', '-'")
    values: Mapping[str, Any] = {
        "version": version,
        "window": f"{max(1, round(window.total_seconds()))}s",
        "name": name,
    }
    try:
        fields = [(field, spec, how) for _, field, spec, how in Formatter().parse(template)]
    except ValueError as error:
        raise ConfigurationError("metrics", [f"{name}: {error} in {template!a:.100}"]) from error
    unknown = [
        field
        for field, spec, how in fields
        if field is not None and (field not in values or spec or how)
    ]
    faults += [f"{name}: found {{{field}}}, expected {{version}}, {{window}}" for field in unknown]
    if faults:
        raise ConfigurationError("metrics", faults)
    return template.format_map(values)
