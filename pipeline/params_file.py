"""The one line of params.yaml that a retrain writes: the moment as of which it sees the world."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.jsonio import save_text

_AS_OF = re.compile(r"^(  as_of: *)\S+", re.MULTILINE)


def set_as_of(path: Path, as_of: datetime) -> None:
    """Write `as_of` into params.yaml; every other byte stays. Raises ConfigurationError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigurationError(str(path), ["not found, expected a YAML file"]) from error
    changed, count = _AS_OF.subn(rf'\g<1>"{as_of:%Y-%m-%dT%H:%M:%SZ}"', text, count=1)
    if count == 0:
        raise ConfigurationError(str(path), ["collect.as_of: missing, expected a line with a time"])
    if changed != text:
        save_text(path, changed)
