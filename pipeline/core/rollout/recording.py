"""Metrics as they were once recorded, played back to a rollout on a fake clock."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from pipeline.core.rollout.observation import Role
from pipeline.manifest import RolloutSpec
from pipeline.rollout_status import Sample

Played = tuple[datetime, Sample]


@dataclass(frozen=True)
class Recording:
    """Samples from `start` to `end`, by metric and role, oldest first.

    A look finds the newest one that is not after it, as old as it is then. With `is_dense` false
    only some moments were recorded, as in the evidence of transitions: a figure then stands for all
    the time since the one before it, and is as new as the look.
    """

    start: datetime
    end: datetime
    series: dict[tuple[str, Role], list[Played]]
    is_dense: bool = True

    def sample(self, spec: RolloutSpec, metric: str, role: Role, now: datetime) -> Sample:
        """What a look at `now` finds; a sample with an error where nothing was recorded."""
        played = self.series.get((metric, role), [])
        if self.is_dense:
            found = bisect.bisect_right(played, now, key=_seen_at) - 1
        else:
            found = min(bisect.bisect_left(played, now, key=_seen_at), len(played) - 1)
        if found < 0:
            return _nothing(spec, metric, role)
        sample = played[found][1]
        is_as_it_was = self.is_dense or sample.sampled_at is None
        return sample if is_as_it_was else sample.model_copy(update={"sampled_at": now})


def record(samples: Iterable[Played], *, start: datetime, is_dense: bool) -> Recording:
    """The recording of `samples`, each with the time at which it could be seen."""
    series: dict[tuple[str, Role], list[Played]] = {}
    end = start
    for at, sample in samples:
        series.setdefault((sample.metric, sample.role), []).append((at, sample))
        end = max(end, at)
    for played in series.values():
        played.sort(key=_seen_at)
    return Recording(start, end, series, is_dense)


def _seen_at(played: Played) -> datetime:
    return played[0]


def _nothing(spec: RolloutSpec, metric: str, role: Role) -> Sample:
    version = spec.version if role == "challenger" else spec.champion_version
    window = spec.plan.metrics.queries[metric].window
    error = "nothing was recorded of it"
    return Sample(metric=metric, role=role, version=version, window=window, error=error)
