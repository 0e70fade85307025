"""A replay in figures: retrains a month, firings, delays after an onset, false alarms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.core.backtest.replay import Check, Replay
from pipeline.core.triggers.decision import Status
from pipeline.core.triggers.ledger import RetrainState
from pipeline.core.triggers.windows import end_of
from pipeline.trigger_config import TRIGGER_NAMES, TriggerName

# These look at the world; the calendar, a row count and a person know nothing of an onset.
ALARMS: tuple[TriggerName, ...] = ("performance_degradation", "concept_drift", "data_drift")
MONTH = timedelta(days=30.4375)  # the mean month: 365.25 days / 12


@dataclass(frozen=True)
class Onset:
    """A moment from which something was wrong, as people know it afterwards."""

    at: datetime
    name: str


@dataclass(frozen=True)
class Delay:
    """Minutes from an onset to the first firing about it; None where none came in the horizon.

    `first` is the least of `by_trigger`, which has an entry for each of ALARMS.
    """

    onset: Onset
    first: int | None
    by_trigger: dict[TriggerName, int | None]


@dataclass(frozen=True)
class Incident:
    """Broken data from check `start` to check `end`, both included: `checks` in a row."""

    start: datetime
    end: datetime
    checks: int
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """`retrains` started in all; `by_month` has each month (UTC) that was replayed, as 2013-04.

    `answers` counts checks: trigger -> status -> checks. `firings` counts events: a check that
    finds the same window bad again is the same firing. `held` counts checks at which a retrain was
    due and the pacing or broken data held it back. `false_alarms` is None without onsets.
    """

    checks: int
    span: timedelta
    retrains: int
    won: int
    lost: int
    by_month: dict[str, int]
    firings: dict[TriggerName, int]
    answers: dict[TriggerName, dict[Status, int]]
    held: int
    incidents: tuple[Incident, ...]
    delays: tuple[Delay, ...]
    false_alarms: tuple[str, ...] | None

    @property
    def retrains_a_month(self) -> float:
        """Retrains for each mean month of the replay; 0 for an empty one."""
        return per_month(self.retrains, self.span)


def per_month(count: int, span: timedelta) -> float:
    """How often a month something happened that happened `count` times in `span`."""
    return count / (span / MONTH) if span > timedelta(0) else 0.0


def figures_of(
    replay: Replay, span: timedelta, onsets: Sequence[Onset], horizon: timedelta
) -> Figures:
    """The figures of a replay that lasted `span`.

    A firing is about an onset where it comes at or after it, before `horizon` is over, and judged
    a window that ends after it.
    """
    states = Counter(retrain.state for retrain in replay.ledger.retrains)
    return Figures(
        checks=len(replay.checks),
        span=span,
        retrains=len(replay.ledger.retrains),
        won=states[RetrainState.WON],
        lost=states[RetrainState.LOST],
        by_month=_by_month(replay),
        firings=_firings(replay),
        answers=_answers(replay),
        held=sum(1 for check in replay.checks if check.held is not None),
        incidents=incidents_of(replay.checks),
        delays=tuple(delay_of(replay, onset, horizon) for onset in onsets),
        false_alarms=false_alarms(replay, onsets, horizon) if onsets else None,
    )


def delay_of(replay: Replay, onset: Onset, horizon: timedelta) -> Delay:
    """How long each trigger that looks at the world took to see `onset`."""
    found: dict[TriggerName, int | None] = dict.fromkeys(ALARMS)
    for check in replay.checks:
        if not onset.at <= check.at < onset.at + horizon:
            continue
        for event in check.events:
            # whoever is among ALARMS judges a window of time
            if found.get(event.trigger, 0) is None and end_of(event.window) > onset.at:
                found[event.trigger] = (check.at - onset.at) // timedelta(minutes=1)
    seen = [minutes for minutes in found.values() if minutes is not None]
    return Delay(onset, min(seen, default=None), found)


def false_alarms(replay: Replay, onsets: Sequence[Onset], horizon: timedelta) -> tuple[str, ...]:
    """The retrains that only alarms started, outside the horizon of every onset.

    One that the calendar, the row count or a person asked for as well is none: it was due anyway.
    """
    return tuple(
        check.started.id
        for check in replay.checks
        if check.started is not None
        and all(event.trigger in ALARMS for event in check.causes)
        and not any(onset.at <= check.at < onset.at + horizon for onset in onsets)
    )


def incidents_of(checks: Sequence[Check]) -> tuple[Incident, ...]:
    """Broken data as stretches of checks without a break; the faults are the first check's."""
    found: list[Incident] = []
    is_open = False
    for check in checks:
        faults = check.seen.data_faults
        if faults and is_open:
            last = found.pop()
            found.append(Incident(last.start, check.at, last.checks + 1, last.faults))
        elif faults:
            found.append(Incident(check.at, check.at, 1, faults))
        is_open = bool(faults)
    return tuple(found)


def _by_month(replay: Replay) -> dict[str, int]:
    def month(moment: datetime) -> str:
        return f"{moment.astimezone(UTC):%Y-%m}"

    months = dict.fromkeys((month(check.at) for check in replay.checks), 0)
    return months | Counter(month(retrain.planned_at) for retrain in replay.ledger.retrains)


def _firings(replay: Replay) -> dict[TriggerName, int]:
    found = Counter(event.trigger for event in replay.ledger.events)
    return {name: found[name] for name in TRIGGER_NAMES}


def _answers(replay: Replay) -> dict[TriggerName, dict[Status, int]]:
    found = Counter((d.trigger, d.status) for check in replay.checks for d in check.decisions)
    return {name: {status: found[name, status] for status in Status} for name in TRIGGER_NAMES}
