"""rollouts/<model>/reference.json: what the champion learned from, in a few kilobytes of bins.

It is made once, with the model, and committed beside the champion pointer, so that a check of the
triggers reads the current window and nothing else: no model, no training data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.champion import Champion
from pipeline.core.profile import ColumnProfile
from pipeline.errors import ConfigurationError, DataIncident

FILE = "reference.json"


@dataclass(frozen=True)
class Reference:
    """`columns` profile the training rows; `metrics` are the champion's own on its holdout.

    `until` is the end of the rows that were collected for it: what is later is new.
    """

    champion: str
    until: datetime
    metrics: Mapping[str, float]
    columns: Mapping[str, ColumnProfile]


def reference_path(root: Path, model: str) -> Path:
    """Where the reference of `model` is in the repository at `root`."""
    return root / "rollouts" / model / FILE


def load_reference(root: Path, champion: Champion) -> Reference:
    """The reference of `champion`. Raises ConfigurationError where it is missing or another's."""
    path = reference_path(root, champion.model)
    remedy = "run python -m scripts.set_champion for this champion and commit what it writes"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        reference = parse_reference(value)
    except FileNotFoundError as error:
        raise ConfigurationError(str(path), [f"not found: {remedy}"]) from error
    except (ValueError, KeyError, TypeError, AttributeError, DataIncident) as error:
        fault = f"not a reference ({error!r:.200}): {remedy}"
        raise ConfigurationError(str(path), [fault]) from error
    if reference.champion != champion.digest:
        fault = f"found that of {reference.champion}, expected {champion.digest}: {remedy}"
        raise ConfigurationError(str(path), [fault])
    return reference


def parse_reference(value: Any) -> Reference:
    """The reference in a JSON value. Raises what a wrong value raises: see `load_reference`."""
    until = datetime.fromisoformat(value["until"])
    if until.tzinfo is None:
        raise ValueError("until has no time zone")
    return Reference(
        champion=str(value["champion"]),
        until=until,
        metrics={str(name): float(figure) for name, figure in value["metrics"].items()},
        columns={str(n): ColumnProfile.from_json(p) for n, p in value["columns"].items()},
    )
