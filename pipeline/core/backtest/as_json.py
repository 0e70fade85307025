"""What a replay says to programs: a value for backtest.json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pipeline.core.backtest.figures import Figures
from pipeline.core.backtest.replay import Check, Replay
from pipeline.core.backtest.report import Setup, simulated
from pipeline.core.backtest.suggest import Suggestion, Trial
from pipeline.core.backtest.tables import duration
from pipeline.core.triggers.ledger import Event


def backtest_json(
    setup: Setup, figures: Figures, replay: Replay, suggestions: Sequence[Suggestion]
) -> dict[str, Any]:
    """Everything that was replayed and counted, as render_json takes it."""
    return {
        "model": setup.model,
        "champion": setup.champion,
        "config": setup.config_file,
        "start": setup.start,
        "end": setup.end,
        "every": duration(setup.every),
        "retrain_takes": duration(setup.terms.takes),
        "wins": setup.terms.wins,
        "keep_answers": setup.keep_answers,
        "simulated": list(simulated(setup)),
        "figures": _figures(figures),
        "retrains": list(replay.ledger.retrains),
        "events": [_event(event) for event in replay.ledger.events],
        "checks": [_check(check) for check in replay.checks],
        "suggestions": [_suggestion(suggestion) for suggestion in suggestions],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "checks": figures.checks,
        "days": figures.span / timedelta(days=1),
        "retrains": figures.retrains,
        "retrains_a_month": round(figures.retrains_a_month, 4),
        "won": figures.won,
        "lost": figures.lost,
        "by_month": figures.by_month,
        "firings": figures.firings,
        "answers": figures.answers,
        "checks_held": figures.held,
        "incidents": list(figures.incidents),
        "onsets": [
            {
                "name": delay.onset.name,
                "at": delay.onset.at,
                "minutes": delay.first,
                "by_trigger": delay.by_trigger,
            }
            for delay in figures.delays
        ],
        "false_alarms": figures.false_alarms,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "trigger": event.trigger,
        "window": event.window,
        "priority": event.priority,
        "reason": event.reason,
        "champion": event.champion,
        "retrain": event.retrain,
        "superseded_by": event.superseded_by,
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "at": check.at,
        "champion": check.serving.digest,
        "answers": {d.trigger: d.status for d in check.decisions},
        "recorded": [event.id for event in check.events],
        "started": check.started.id if check.started else None,
        "joined": check.joined,
        "held": check.held,
        "data_faults": list(check.seen.data_faults),
    }


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "trigger": suggestion.trigger,
        "target": suggestion.target,
        "configured": _trial(suggestion.configured),
        "proposed": _trial(suggestion.best) if suggestion.best else None,
        "nearest": [_trial(trial) for trial in suggestion.nearest if trial],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "values": dict(trial.values),
        "retrains": trial.retrains,
        "retrains_in_all": trial.figures.retrains,
        "retrains_in_all_a_month": round(trial.figures.retrains_a_month, 4),
        "onset_minutes": {d.onset.name: d.first for d in trial.figures.delays},
        "false_alarms": trial.figures.false_alarms,
    }
