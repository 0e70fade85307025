"""Rollouts as the demo shows them: played, drawn as one picture, and summed up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from pipeline.demo.acts import (
    misbehave_and_revert,
    new_timeline,
    promote,
    promotion_commit,
    start_challenger,
    users,
)
from pipeline.demo.load import Load, went_back
from pipeline.demo.overruled import fetch_models
from pipeline.demo.passengers import load_questions
from pipeline.demo.production import Production
from pipeline.demo.timeline import Timeline, save_picture
from pipeline.errors import OutsideError
from pipeline.manifest import RolloutSpec, load_rollout


@dataclass
class Show:
    """What was played. `promoted` are the manifests whose challengers became champions."""

    picture: Path
    timeline: Timeline | None = None
    loads: list[Load] = field(default_factory=list)
    promoted: list[RolloutSpec] = field(default_factory=list)
    stopped: list[RolloutSpec] = field(default_factory=list)

    def begin(self, place: Production) -> Timeline:
        """To be called before a merge: the timeline knows what was there."""
        self.timeline = self.timeline or new_timeline(place.repository, place.model)
        return self.timeline

    def draw(self) -> None:
        """All that was played so far, as one picture."""
        if self.timeline is None:
            return
        specs = [*self.promoted, *self.stopped]
        versions = [self.promoted[0].champion_version, *(spec.version for spec in specs)]
        shown = "promoted, rolled back, reverted" if self.stopped else "promoted"
        title = f"{self.promoted[0].model}: {shown}"
        save_picture(self.timeline.picture(title, versions), self.picture)

    def tell(self) -> None:
        """Print what it came to."""
        if not self.loads:
            return
        answers = [answer for load in self.loads for answer in load.answers]
        lost = sum(len(load.lost) for load in self.loads)
        failed = Counter(answer.version for load in self.loads for answer in load.failed)
        total = failed.total()
        print(f"\nRollouts: {len(answers):,} requests, {lost} lost, {total} answered with an error")
        for version, count in failed.most_common():
            is_stopped = version in {spec.version for spec in self.stopped}
            why = ", which misbehaves, until it was stopped by itself" if is_stopped else ""
            print(f"  {count} by {version or 'no model server'}{why}")
        print(f"  {self.picture}")


def show_promotion(
    show: Show, timeline: Timeline, place: Production, start: datetime, end: datetime
) -> None:
    """The merged challenger is promoted, while users ask about the flights of [start, end)."""
    spec = _spec(place)
    fetch_models(place.repository, spec)
    start_challenger(place)
    load = users(place, load_questions(place.repository, start, end))
    show.loads.append(load)
    print(f"{load.per_second:.0f} requests a second of {load.users} users.")
    promote(place, timeline, load)
    show.promoted.append(spec)
    back = went_back(load.answers, spec.champion_version)
    print(f"{len(load.answers):,} requests, {len(load.lost)} lost.")
    print(f"{len(back)} users met the champion again while the weight grew.")
    show.draw()


def show_misbehaving(show: Show, place: Production, start: datetime, end: datetime) -> None:
    """The merged challenger misbehaves and is rolled back; then the promotion is reverted."""
    spec = _spec(place)
    fetch_models(place.repository, spec)
    load = users(place, load_questions(place.repository, start, end))
    show.loads.append(load)
    promotion = promotion_commit(place, show.promoted[-1].version)
    misbehave_and_revert(place, show.begin(place), load, promotion)
    show.stopped.append(spec)
    show.draw()


def _spec(place: Production) -> RolloutSpec:
    spec = load_rollout(place.repository, place.model)
    if spec is None:
        raise OutsideError(f"{place.repository}: the merge brought no rollout.yaml.")
    return spec
