"""The picture of a rollout as values: scripts make them, pipeline/ml/plots/rollout.py draws it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class FigureLane:
    """One metric of the challenger over time; `limits` are steps (None: no limit then)."""

    name: str
    values: tuple[float | None, ...]
    limits: tuple[float | None, ...]


@dataclass(frozen=True)
class RolloutTimeline:
    """All that is drawn, at each of `moments`. `marks` are moments with a few words."""

    title: str
    moments: tuple[datetime, ...]
    percents: tuple[float, ...]
    phases: tuple[str, ...]
    verdicts: tuple[str | None, ...]
    lanes: tuple[FigureLane, ...] = ()
    marks: tuple[tuple[datetime, str], ...] = ()
