"""Recorded metrics, for rehearsals, simulations and offline work: one JSON object a line.

Each has name, version, sampled_at (ISO, or seconds since 1970), value and n.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.adapters.metrics.base import Missing, Sample, no_sample
from pipeline.adapters.metrics.records import sample_of, time_of
from pipeline.errors import ConfigurationError, OutsideError


@dataclass(frozen=True)
class FileMetrics:
    """The newest record of the metric and version that is not after the time asked for."""

    path: Path
    max_age: timedelta

    def query(self, name: str, version: str, window: timedelta, at: datetime) -> Sample:
        """See Metrics. The record's own window is believed: `window` is not looked at."""
        records = [
            (sampled_at, record)
            for record in load_records(self.path)
            if record.get("name") == name and record.get("version") == version
            if (sampled_at := time_of(record.get("sampled_at"))) is not None and sampled_at <= at
        ]
        if not records:
            return no_sample(version, Missing.EMPTY, f"no record of {name}")
        _, newest = max(records, key=lambda pair: pair[0])
        return sample_of(newest, version=version, at=at, max_age=self.max_age)


def load_records(path: Path) -> list[dict[str, Any]]:
    """The records in the file at `path`, as they are written.

    Raises OutsideError where it cannot be read, ConfigurationError for what is no JSON.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OutsideError(f"{path}: cannot be read ({error}). Name another.") from error
    try:
        records = [json.loads(line) for line in lines if line.strip()]
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(str(path), [f"not JSON: {error}"]) from error
    if not all(isinstance(record, dict) for record in records):
        raise ConfigurationError(str(path), ["expected one JSON object a line"])
    return records
