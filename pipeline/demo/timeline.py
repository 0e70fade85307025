"""What became of a rollout, moment by moment: commits to print, and looks to draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.core.inert import printable
from pipeline.rolling.history import Touch
from pipeline.rolling.model_state import STATUS, ModelState
from pipeline.rollout_status import Record
from pipeline.rollout_timeline import FigureLane, RolloutTimeline

HEAD = f"{'time':>8}  {'weight':>6}  {'phase':<12} commit"
TITLES = {"error_rate": "challenger: error rate", "latency_p95": "challenger: p95, ms"}


@dataclass(frozen=True)
class Event:
    """One line: a commit, or something else that happened `seconds` after the first merge."""

    seconds: float
    subject: str
    weight_percent: float | None = None
    phase: str = ""

    def __str__(self) -> str:
        """As it is printed."""
        weight = "" if self.weight_percent is None else f"{self.weight_percent:g} %"
        return f"{self.seconds:>6.1f} s  {weight:>6}  {self.phase:<12} {self.subject}"


@dataclass(frozen=True)
class Look:
    """One moment: the challenger's share, its figures, and who answered how much since the last."""

    seconds: float
    percent: float
    phase: str
    figures: dict[str, float | None]
    limits: dict[str, float]
    per_second: dict[str, float]


@dataclass
class Timeline:
    """`start` is when the first act began. `marks` are moments with a few words, for the picture.

    Between acts its clock stands still: the months between them are left out.
    """

    start: datetime
    events: list[Event] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def add_commits(self, state: ModelState, seconds: float) -> list[Event]:
        """The commits below the model's folder that are new since the last call, oldest first."""
        touches = [t for t in state.tree.history.touches if t.commit not in self.known]
        new = [event_of(state, touch, seconds) for touch in reversed(touches)]
        self.known |= {touch.commit for touch in touches}
        self.events += new
        return new

    def picture(self, title: str, versions: Sequence[str]) -> RolloutTimeline:
        """All looks as a picture's values, with a lane for what each of `versions` answered."""
        metrics = [name for name in TITLES if any(look.figures.get(name) for look in self.looks)]
        shares = [
            FigureLane(f"answers a second of {version}", tuple(self._rates(version)), self._none)
            for version in versions
        ]
        return RolloutTimeline(
            title=title,
            moments=tuple(self.start + timedelta(seconds=look.seconds) for look in self.looks),
            percents=tuple(look.percent for look in self.looks),
            phases=tuple(look.phase for look in self.looks),
            verdicts=self._none,
            lanes=(*shares, *(self._lane(name) for name in metrics)),
            marks=tuple((self.start + timedelta(seconds=at), words) for at, words in self.marks),
        )

    @property
    def _none(self) -> tuple[None, ...]:
        return (None,) * len(self.looks)

    def _rates(self, version: str) -> Sequence[float]:
        return [look.per_second.get(version, 0.0) for look in self.looks]

    def _lane(self, metric: str) -> FigureLane:
        return FigureLane(
            TITLES[metric],
            tuple(look.figures.get(metric) for look in self.looks),
            tuple(look.limits.get(metric) for look in self.looks),
        )


def event_of(state: ModelState, touch: Touch, seconds: float) -> Event:
    """A commit as an event; one of the reconciler's has the weight and phase of its record."""
    subject = state.snapshot.git.run("show", "--no-patch", "--format=%s", touch.commit).stdout
    record = record_of(state, touch)
    if record is None:
        return Event(seconds, printable(subject, 100))
    return Event(seconds, printable(subject, 100), record.weight_percent, str(record.phase))


def record_of(state: ModelState, touch: Touch) -> Record | None:
    """The record that a commit added; None for a commit of people."""
    added = {path.removeprefix(STATUS) for path, blob in touch.blobs.items() if blob is not None}
    return next((record for record in state.status.ever if record.name in added), None)


def save_picture(timeline: RolloutTimeline, path: Path) -> None:
    """Draw it, as a PNG."""
    from pipeline.ml.plots.rollout import draw_rollout  # noqa: PLC0415 (matplotlib takes a second)
    from pipeline.ml.plots.style import as_png  # noqa: PLC0415

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_png(draw_rollout(timeline)))
