"""The picture of a model's life: triggers, retrains, traffic and champions above a line of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from pipeline.core.report.figures import short_digest
from pipeline.core.rollout.wording import render_percent
from pipeline.core.site.attempts import Attempt, Outcome
from pipeline.core.site.drawing import (
    Bar,
    Dot,
    Drawing,
    Rule,
    Scale,
    Tone,
    Word,
    tick_words,
    time_ticks,
)
from pipeline.core.site.facts import ModelHistory
from pipeline.core.triggers.ledger import Event, Retrain, RetrainState

SHOWN = timedelta(days=365)  # a rollout of hours is not seen in more
HEIGHT = 236
_TRIGGERS, _RETRAINS, _TRAFFIC, _CHAMPIONS, _AXIS = 30, 74, 118, 188, 226
_FULL = 40  # the height of 100 % of traffic
_LEAST = 0.4  # the width of what is too short to be seen
_ENDED: dict[RetrainState, Tone] = {
    RetrainState.WON: "accent",
    RetrainState.LOST: "quiet",
    RetrainState.ABANDONED: "bad",
}
_TRAFFIC_TONES: dict[Outcome, Tone] = {Outcome.STOPPED: "bad", Outcome.RUNNING: "soft"}


def draw_track(
    history: ModelHistory, attempts: tuple[Attempt, ...], at: datetime
) -> Drawing | None:
    """The last SHOWN before `at`; None where nothing happened yet."""
    first = min(_moments(history), default=at)
    if first >= at:
        return None
    start = max(first, at - SHOWN)
    scale = Scale(start.timestamp(), at.timestamp(), 1.5, 98.5)
    return _Track(history, attempts, start, at, scale).drawing()


@dataclass(frozen=True)
class _Track:
    history: ModelHistory
    attempts: tuple[Attempt, ...]
    start: datetime
    at: datetime
    scale: Scale

    def drawing(self) -> Drawing:
        ticks = [(self.x(when), said) for when, said in time_ticks(self.start, self.at)]
        return Drawing(
            name=f"{self.history.model}-track",
            title=f"{self.history.model} from {self.start:%Y-%m-%d} to {self.at:%Y-%m-%d}",
            description=self.description(),
            height=HEIGHT,
            bars=(*self.retrains(), *self.traffic(), *self.champions()),
            dots=tuple(self.triggers()),
            rules=(
                *(Rule(x, 8, x, _AXIS - 14) for x, _ in ticks),
                Rule(0, _TRAFFIC + _FULL, 100, _TRAFFIC + _FULL),
            ),
            words=(
                *tick_words(ticks, _AXIS),
                Word(0, _TRIGGERS - 14, "Triggers"),
                Word(0, _RETRAINS - 14, "Retrains"),
                Word(0, _TRAFFIC - 8, "Traffic of the challenger"),
                Word(0, _CHAMPIONS - 8, "Champion"),
            ),
        )

    def x(self, moment: datetime) -> float:
        return self.scale(moment.timestamp())

    def triggers(self) -> Iterator[Dot]:
        for event in self.seen_events():
            said = f"{event.at:%Y-%m-%d %H:%M} {event.trigger}"
            yield Dot(self.x(event.at), _TRIGGERS, 4, "accent", said)

    def retrains(self) -> Iterator[Bar]:
        for retrain in self.seen_retrains():
            end = self.at if retrain.state.is_open else retrain.changed_at
            left, width = self.span(retrain.planned_at, end)
            tone = _ENDED.get(retrain.state, "soft")
            yield Bar(left, _RETRAINS - 6, width, 12, tone, f"{retrain.id}: {retrain.state}")

    def traffic(self) -> Iterator[Bar]:
        """A step for each weight that was held; all of a rollout that was stopped is red."""
        for attempt in self.attempts:
            tone = _TRAFFIC_TONES.get(attempt.outcome, "accent")
            records = [written.record for written in attempt.written]
            ends = [*(after.at for _, after in pairwise(records)), self.at]
            for record, end in zip(records, ends, strict=True):
                if record.weight_percent > 0 and not record.phase.is_promoted and end > self.start:
                    left, width = self.span(record.at, end)
                    high = max(round(_FULL * record.weight_percent / 100, 1), 2)
                    said = f"{record.version}: {render_percent(record.weight_percent)}"
                    yield Bar(left, _TRAFFIC + _FULL - high, width, high, tone, said)

    def champions(self) -> Iterator[Bar]:
        reigns = self.history.reigns
        ends = [*(reign.since for reign in reigns[1:]), self.at]
        spans = [(r, end) for r, end in zip(reigns, ends, strict=False) if r.champion]
        for number, (reign, end) in enumerate(reversed(spans)):
            if end > self.start and reign.champion is not None:
                left, width = self.span(reign.since, end)
                tone: Tone = "soft" if number % 2 else "accent"
                digest = short_digest(reign.champion.digest)
                said = f"{digest} since {reign.since:%Y-%m-%d %H:%M}"
                yield Bar(left, _CHAMPIONS, width, 12, tone, said)

    def span(self, start: datetime, end: datetime) -> tuple[float, float]:
        """Left and width of a time, cut to what is shown."""
        left, right = self.x(start), self.x(end)
        return left, max(round(right - left, 2), _LEAST)

    def seen_events(self) -> list[Event]:
        events = self.history.ledger.events if self.history.ledger else ()
        return [e for e in events if e.model == self.history.model and e.at >= self.start]

    def seen_retrains(self) -> list[Retrain]:
        retrains = _retrains(self.history)
        return [r for r in retrains if r.state.is_open or r.changed_at >= self.start]

    def description(self) -> str:
        rollouts = [a for a in self.attempts if a.written[-1].record.at >= self.start]
        stopped = sum(a.outcome is Outcome.STOPPED for a in rollouts)
        return (
            f"{len(self.seen_events())} triggers, {len(self.seen_retrains())} retrains and "
            f"{len(rollouts)} rollouts, of which {stopped} were rolled back: the list below tells."
        )


def _moments(history: ModelHistory) -> Iterator[datetime]:
    yield from (reign.since for reign in history.reigns if reign.champion is not None)
    yield from (written.record.at for written in history.written)
    yield from (retrain.planned_at for retrain in _retrains(history))


def _retrains(history: ModelHistory) -> list[Retrain]:
    retrains = history.ledger.retrains if history.ledger else ()
    return [retrain for retrain in retrains if retrain.model == history.model]
