"""What a replay says to people: a page of Markdown. backtest_json.py says it to programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.core.backtest.figures import Figures
from pipeline.core.backtest.replay import Replay, Terms
from pipeline.core.backtest.tables import (
    blind_triggers,
    day,
    days,
    duration,
    firing_table,
    incident_section,
    onset_section,
    table,
    trigger_table,
)
from pipeline.core.report.escape import escape_markdown
from pipeline.trigger_config import TriggerConfig

PICTURE = "timeline.png"
_OUTCOME = {
    "always": "always wins",
    "never": "always loses",
    "alternate": "wins and loses in turn",
}


@dataclass(frozen=True)
class Setup:
    """What was replayed and on which terms; `config_file` is as the command line named it."""

    model: str
    champion: str
    config_file: str
    start: datetime
    end: datetime
    every: timedelta
    terms: Terms
    horizon: timedelta
    keep_answers: bool
    is_start_simulated: bool


def headline(setup: Setup, figures: Figures) -> str:
    """The replay in one sentence."""
    won = f"{figures.won} won, {figures.lost} lost"
    text = (
        f"{figures.retrains} retrains in {days(figures.span)} days, "
        f"{figures.retrains_a_month:.2f} a month ({won})"
    )
    if figures.false_alarms is not None:
        seen = sum(1 for delay in figures.delays if delay.first is not None)
        text += (
            f"; {seen} of {len(figures.delays)} onsets seen, "
            f"{len(figures.false_alarms)} false alarms"
        )
    if figures.incidents:
        text += f"; {len(figures.incidents)} data incidents"
    return f"{setup.model}: {text}."


def simulated(setup: Setup) -> tuple[str, ...]:
    """Every invention of the replay, a sentence each."""
    takes, outcome = duration(setup.terms.takes), _OUTCOME[setup.terms.wins]
    told = [f"Each retrain takes {takes}, review included, and its challenger {outcome}."]
    told.append("No model was trained.")
    if setup.is_start_simulated:
        told.append(
            "The first champion is simulated too: the real one was trained after the start."
        )
    if setup.terms.wins != "never" or setup.is_start_simulated:
        told.append(
            "A simulated champion's reference is profiled from the rows that a retrain of that "
            "moment would have collected. It has no answers of its own."
        )
        told.append(_answers_told(setup))
    told.append("Nobody asks for a manual retrain, and dispatches are never lost.")
    return tuple(told)


def render_backtest(
    setup: Setup,
    figures: Figures,
    replay: Replay,
    config: TriggerConfig,
    *,
    has_picture: bool,
    suggestions: str = "",
) -> str:
    """report.md: the figures first, then every firing."""
    terms = (
        f"{day(setup.start)} to {day(setup.end)}, a check every {duration(setup.every)}, under "
        f"{escape_markdown(setup.config_file)}, beginning with champion {setup.champion[:19]}."
    )
    parts = [
        f"# Replay of {escape_markdown(setup.model)}",
        terms,
        f"**{escape_markdown(headline(setup, figures))}**",
        f"![The timeline of the replay]({PICTURE})" if has_picture else "",
        "## What is simulated",
        "\n".join(f"- {line}" for line in simulated(setup)),
        "All else is what a live check would have seen and decided at that moment.",
        "## Retrains a month",
        table(("month (UTC)", "retrains"), sorted(figures.by_month.items())),
        "## Triggers",
        trigger_table(figures, config),
        "A firing is one judged window; checks that find it again are not another one.",
        blind_triggers(figures),
        *onset_section(figures, setup.horizon),
        *incident_section(figures),
        "## What fired when",
        firing_table(replay.checks),
        suggestions,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _answers_told(setup: Setup) -> str:
    if setup.keep_answers:
        return (
            "Performance and concept drift keep judging the recorded answers of the real "
            "champion, in windows that begin after the simulated training. A real successor "
            "would likely have done better: what these two fire after a win is an upper bound."
        )
    return (
        "After a simulated win performance and concept drift are UNKNOWN: a lower bound of what "
        "they would have fired."
    )
