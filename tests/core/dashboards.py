"""Models for the tests of the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.config import parse_section
from pipeline.core.dashboard.facts import ModelFacts, Serving
from pipeline.core.triggers.ledger import Event, Ledger, Retrain, RetrainState
from pipeline.strict_yaml import parse_yaml
from pipeline.trigger_config import TriggerConfig
from tests.core import pulls

NOW = datetime(2013, 9, 4, 12, tzinfo=UTC)
MODEL = "flight-delay"
CONFIG = """
retraining_triggers:
  scheduled_retrain: {frequency: monthly, day_of_month: 2, time: "02:00", timezone: UTC}
pacing: {cooldown: 2d, max_per_month: 3, back_off: {lost_challengers: 3, wait: 14d, max_wait: 56d}}
"""


def config() -> TriggerConfig:
    """A calendar, a cooldown of two days, a back-off after three losses."""
    return parse_section(TriggerConfig, parse_yaml(CONFIG, "triggers.yaml"), "triggers.yaml")


def serving(**changes: Any) -> Serving:
    """A champion since July."""
    values = {
        "digest": pulls.CHAMPION,
        "as_of": datetime(2013, 7, 3, 12, tzinfo=UTC),
        "approved_by": "maria",
        "reason": "flight-delay-0003 passed its gates",
        "since": datetime(2013, 7, 4, 9, tzinfo=UTC),
    }
    return Serving(**{**values, **changes})


def retrain(number: int, state: RetrainState, days_ago: int = 30, note: str = "") -> Retrain:
    """A retrain that came into its state so long ago."""
    at = NOW - timedelta(days=days_ago)
    name = f"{MODEL}-{number:04}"
    return Retrain(name, MODEL, pulls.CHAMPION, state, at, at, note=note)


def ledger(*retrains: Retrain, events: tuple[Event, ...] = ()) -> Ledger:
    """The ledger of these retrains."""
    return Ledger(events, retrains)


def facts(*retrains: Retrain, events: tuple[Event, ...] = (), **changes: Any) -> ModelFacts:
    """What is known of the example."""
    values = {"model": MODEL, "serving": serving(), "config": config()}
    return ModelFacts(ledger=ledger(*retrains, events=events), **{**values, **changes})
