"""What the command line of a replay says, as values."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from pipeline.config import parse_utc
from pipeline.core.backtest.figures import Onset
from pipeline.errors import ConfigurationError
from pipeline.trigger_config import Duration

PER_MONTH = {"week": 365.25 / 12 / 7, "month": 1.0, "year": 1 / 12}
_DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


def parse_duration(text: str, where: str) -> timedelta:
    """A duration such as 24h. Raises ConfigurationError naming `where`."""
    try:
        return _DURATION.validate_python(text)
    except ValidationError as error:
        fault = f"found {text!r}, expected a duration such as 30m, 24h, 7d or 2w"
        raise ConfigurationError(where, [fault]) from error


def parse_onset(text: str, start: datetime | None, end: datetime | None) -> Onset:
    """TIME=NAME, within the replay. Raises ConfigurationError."""
    moment, equals, name = text.partition("=")
    if not equals or not name.strip() or not moment.strip():
        fault = f"found {text!r}, expected a time and a name: 2013-06-24T00:00Z=storms"
        raise ConfigurationError("--onset", [fault])
    at = parse_utc(moment.strip(), "--onset")
    if start is not None and end is not None and not start <= at < end:
        fault = f"found {text!r}, expected a time from --start on and before --end"
        raise ConfigurationError("--onset", [fault])
    return Onset(at, name.strip())


def parse_frequency(text: str) -> float:
    """Retrains a month, of 1/month, 2/week or 6/year. Raises ConfigurationError."""
    found = re.fullmatch(r"(\d{1,4}(?:\.\d{1,4})?)/(week|month|year)", text)
    if found is None or float(found[1]) == 0:
        fault = f"found {text!r}, expected a frequency such as 1/month, 0.5/week or 6/year"
        raise ConfigurationError("--suggest", [fault])
    return float(found[1]) * PER_MONTH[found[2]]
