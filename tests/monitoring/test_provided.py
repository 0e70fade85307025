"""Figures of a metrics provider as windows: here one of constants, kept by the test."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.triggers.windows import Window
from pipeline.errors import OutsideError
from pipeline.monitoring.provided import measured_by
from pipeline.trigger_config import PrometheusQueries

WINDOW = Window(datetime(2013, 6, 3, tzinfo=UTC), datetime(2013, 6, 10, tzinfo=UTC))
QUERIES = PrometheusQueries(
    rows='sum(increase(answers_total{model_version="$champion"}[$window]))',
    labelled="labelled",
    metrics={"accuracy": "accuracy", "f1": "nothing"},
)


class Constants:
    """A provider of the test's own, which remembers what it was asked."""

    def __init__(self, **values: float) -> None:
        self.values, self.asked = values, []

    def query(self, expression: str, at: datetime) -> float | None:
        self.asked.append((expression, at))
        return self.values.get(expression.partition("(")[0])


def test_a_window_is_asked_at_its_end_with_its_length_and_champion_filled_in():
    provider = Constants(sum=1000.4, labelled=990.0, accuracy=0.8)
    found = measured_by(provider, QUERIES, "sha256:" + "a" * 64)(WINDOW)
    assert (found.rows, found.labelled, dict(found.metrics)) == (1000, 990, {"accuracy": 0.8})
    expression, at = provider.asked[2]
    assert expression == f'sum(increase(answers_total{{model_version="{"a" * 64}"}}[604800s]))'
    assert at == WINDOW.end
    assert WINDOW.end - WINDOW.start == timedelta(seconds=604800)


def test_what_the_provider_does_not_know_is_no_figure():
    found = measured_by(Constants(), QUERIES, "sha256:x")(WINDOW)
    assert (found.rows, found.labelled, dict(found.metrics)) == (0, 0, {})


@pytest.mark.parametrize("name", ["sum", "labelled"])
@pytest.mark.parametrize("count", [math.inf, -math.inf])
def test_infinitely_many_rows_are_no_count(name, count):
    with pytest.raises(OutsideError, match="inf, expected a count of rows"):
        measured_by(Constants(**{name: count}), QUERIES, "sha256:x")(WINDOW)
