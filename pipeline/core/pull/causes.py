"""Why a retrain ran: every event that it answers, as a reviewer reads it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.report.table import Cell, Table, table
from pipeline.core.triggers.ledger import Event

SHOWN_CAUSES = 3
MAX_FINDING = 200  # characters before the fold; the fold has the whole sentence


@dataclass(frozen=True)
class Cause:
    """One cause in a line: the trigger in words, how urgent, what it found, its ledger id."""

    trigger: str
    priority: str
    finding: str
    id: str


def shown_causes(events: tuple[Event, ...]) -> tuple[Cause, ...]:
    """The first SHOWN_CAUSES of `events`, which come highest priority first."""
    return tuple(
        Cause(words(e.trigger), e.priority, shortened(finding_of(e), MAX_FINDING), e.id)
        for e in events[:SHOWN_CAUSES]
    )


def cause_table(events: tuple[Event, ...]) -> Table:
    """Every cause with what was judged and when it was recorded."""
    return table(
        "Every cause, highest priority first",
        [
            ("Trigger", "text"),
            ("Priority", "short"),
            ("Found", "text"),
            ("Window", "code"),
            ("Recorded", "short"),
            ("Ledger id", "code"),
        ],
        [
            [
                Cell(words(e.trigger)),
                Cell(e.priority),
                Cell(finding_of(e)),
                Cell(e.window),
                Cell(f"{e.at:%Y-%m-%d %H:%M} UTC"),
                Cell(e.id),
            ]
            for e in events
        ],
    )


def words(name: str) -> str:
    """A name of configuration as people say it: concept_drift is concept drift."""
    return name.replace("_", " ")


def finding_of(event: Event) -> str:
    """The event's reason without the name of its window, which has a place of its own."""
    return event.reason.removeprefix(f"{event.window}: ").replace(" -> ", " → ")


def shortened(text: str, limit: int) -> str:
    """`text` in at most `limit` characters, cut at a space where there is one."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"
