"""A scripted world for scripts/simulate_rollout.py: what two models do, and what happens when.

seed: 1
end: 60h
champion: {error_rate: 0.01, latency_p95_ms: 90, accuracy: 0.78}
challenger: {error_rate: 0.01, latency_p95_ms: 80, accuracy: 0.80}
events:
- {at: 3h, challenger: {error_rate: 0.05}}
- {at: 4h, metrics: gone}
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from pipeline.config import Fraction, Positive, Section
from pipeline.rollout_units import Duration, MetricName


def _within_a_year(length: timedelta) -> timedelta:
    """Longer than any rollout, and no moment of it is beyond the end of the calendar."""
    if length > timedelta(days=366):
        raise ValueError("expected a year (52w) or less")
    return length


AtMostAYear = Annotated[Duration, AfterValidator(_within_a_year)]


class Behaviour(Section):
    """What a model does; what is left out stays as it was. `other` are metrics of one's own."""

    error_rate: Fraction | None = None
    latency_p95_ms: Positive | None = None
    accuracy: Fraction | None = None
    is_answering: bool | None = None
    other: dict[MetricName, float] = Field(default={})


class Event(Section):
    """Something that happens `at` this long after the merge.

    `metrics` are there, gone, NaN, stale or of another version. `person` reverts the newest stage,
    the promotion or the merge, or commands; `watchdog` stops the challenger at the traffic layer.
    """

    at: AtMostAYear
    champion: Behaviour | None = None
    challenger: Behaviour | None = None
    metrics: Literal["there", "gone", "nan", "stale", "other version"] | None = None
    person: (
        Literal[
            "pause", "unpause", "resume", "promote", "abort",
            "revert stage", "revert promotion", "revert merge",
        ]
        | None
    ) = None  # fmt: skip
    watchdog: Annotated[str, Field(max_length=200)] | None = None
    says: Annotated[str, Field(max_length=200)] = ""


class Scenario(Section):
    """A whole simulation. `label_share` of the answers get a label after `label_delay`."""

    seed: int = 1
    tick: AtMostAYear = timedelta(minutes=1)
    end: AtMostAYear = timedelta(days=4)
    requests_per_second: Positive = 60.0
    label_share: Fraction = 1.0
    label_delay: AtMostAYear = timedelta(hours=24)
    champion: Behaviour = Behaviour(error_rate=0.01, latency_p95_ms=90.0, accuracy=0.78)
    challenger: Behaviour = Behaviour(error_rate=0.01, latency_p95_ms=90.0, accuracy=0.80)
    events: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        for role in ("champion", "challenger"):
            behaviour = getattr(self, role)
            if None in (behaviour.error_rate, behaviour.latency_p95_ms, behaviour.accuracy):
                raise ValueError(f"{role} needs error_rate, latency_p95_ms and accuracy")
        if self.end / self.tick > 200_000:
            raise ValueError("more than 200,000 ticks: a longer tick or a sooner end")
        return self
