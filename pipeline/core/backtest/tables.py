"""The tables of a replay's report, and how it words durations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pipeline.core.backtest.figures import ALARMS, Delay, Figures, Incident
from pipeline.core.backtest.replay import Check
from pipeline.core.report.escape import escape_markdown
from pipeline.core.triggers.decision import Status
from pipeline.trigger_config import TRIGGER_NAMES, TriggerConfig


def trigger_table(figures: Figures, config: TriggerConfig) -> str:
    """How often each trigger fired, and what its checks answered."""
    rows: list[tuple[object, ...]] = []
    for name in TRIGGER_NAMES:
        rule = getattr(config.retraining_triggers, name)
        if rule is None or not rule.enabled:
            rows.append((name, "off", "", "", "", ""))
            continue
        answers = figures.answers[name]
        order = (Status.FIRED, Status.QUIET, Status.WARN, Status.UNKNOWN)
        rows.append((name, figures.firings[name], *(answers[status] for status in order)))
    head = ("trigger", "firings", "checks FIRED", "QUIET", "WARN", "UNKNOWN")
    return table(head, rows)


def blind_triggers(figures: Figures) -> str:
    """Which triggers could not be judged at more than half of the checks; "" where none."""
    checks = max(figures.checks, 1)
    shares = {name: found[Status.UNKNOWN] / checks for name, found in figures.answers.items()}
    blind = [f"{name} ({share:.0%})" for name, share in shares.items() if share > 0.5]
    if not blind:
        return ""
    return (
        f"**UNKNOWN at most of the checks: {', '.join(blind)}.** A window that began before the "
        "latest training is never judged, so a window that is long for retrains this frequent "
        "leaves its trigger blind."
    )


def onset_section(figures: Figures, horizon: timedelta) -> list[str]:
    """Minutes to each onset's first firing, and the false alarms; nothing without onsets."""
    if figures.false_alarms is None:
        return []
    rows = [_delay_row(delay) for delay in figures.delays]
    alarms = ", ".join(figures.false_alarms) or "none"
    told = (
        f"Minutes from the onset to the first firing about it, within {duration(horizon)}. "
        "Counted are the triggers that look at the world: the calendar and the number of rows "
        "know nothing of an onset."
    )
    false = (
        "False alarms, retrains that only these triggers asked for outside every onset's "
        f"horizon: {escape_markdown(alarms)}. Scheduled and volume retrains are no alarms."
    )
    return [
        "## Onsets",
        table(("onset", "at", "first firing", *ALARMS), rows),
        told,
        false,
    ]


def _delay_row(delay: Delay) -> tuple[str, ...]:
    by_trigger = (minutes_told(delay.by_trigger[name]) for name in ALARMS)
    return (delay.onset.name, minute(delay.onset.at), minutes_told(delay.first), *by_trigger)


def incident_section(figures: Figures) -> list[str]:
    """Broken data, incidents with equal faults in one row; nothing where there was none."""
    if not figures.incidents:
        return []
    alike: dict[tuple[str, ...], list[Incident]] = {}
    for incident in figures.incidents:
        alike.setdefault(incident.faults, []).append(incident)
    rows = [
        (
            "; ".join(faults),
            len(found),
            sum(incident.checks for incident in found),
            minute(found[0].start),
            minute(found[-1].end),
        )
        for faults, found in alike.items()
    ]
    return ["## Data incidents", table(("faults", "incidents", "checks", "first", "last"), rows)]


def firing_table(checks: Sequence[Check]) -> str:
    """Every check that found something new or started a retrain, and what followed."""
    rows = []
    for check in checks:
        if not check.events and check.started is None:
            continue
        fired = check.events or check.causes
        rows.append(
            (
                minute(check.at),
                ", ".join(event.trigger for event in fired),
                "; ".join(event.reason for event in fired),
                _what_followed(check),
            )
        )
    if not rows:
        return "Nothing fired."
    return table(("when (UTC)", "fired", "why", "what followed"), rows)


def _what_followed(check: Check) -> str:
    if check.started is not None:
        waited = {event.trigger for event in check.causes} - {e.trigger for e in check.events}
        also = f", which takes {', '.join(sorted(waited))} along" if waited and check.events else ""
        late = " (it had been held back)" if not check.events else ""
        return f"{check.started.id} starts{late}{also}"
    if check.joined is not None:
        return f"joins {check.joined}"
    return f"held: {check.held}" if check.held else "recorded"


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table of GitHub's Markdown; every cell is inert."""

    def line(cells: Iterable[object]) -> str:
        return f"| {' | '.join(escape_markdown(cell) for cell in cells)} |"

    names = list(head)
    return "\n".join([line(names), "|---" * len(names) + "|", *map(line, rows)])


def day(moment: datetime) -> str:
    """The date, and the time of day where it is not midnight."""
    return f"{moment:%Y-%m-%d}" if moment.time() == datetime.min.time() else minute(moment)


def minute(moment: datetime) -> str:
    """Date and time to the minute, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M}"


def days(span: timedelta) -> str:
    """A span in days."""
    return f"{span / timedelta(days=1):g}"


def duration(value: timedelta) -> str:
    """A duration as configurations write it: 90m, 2h, 14d."""
    minutes = value // timedelta(minutes=1)
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes % size == 0 and minutes > size:
            return f"{minutes // size}{unit}"
    return f"{minutes // 60}h" if minutes == 60 else f"{minutes}m"


def minutes_told(minutes: int | None) -> str:
    """Minutes with the days beside them where there are many; "not seen" for None."""
    if minutes is None:
        return "not seen"
    return f"{minutes:,} min" + (f" ({minutes / 1440:.1f} d)" if minutes >= 2880 else "")
