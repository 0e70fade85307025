"""Windows of the champion's figures as a metrics provider gives them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from pipeline.core.triggers.labelled import LabelledWindow
from pipeline.core.triggers.windows import Window
from pipeline.errors import OutsideError
from pipeline.monitoring.answers import named
from pipeline.trigger_config import PrometheusQueries


class MetricsProvider(Protocol):
    """Whatever answers an expression at a moment with one number, or None."""

    def query(self, expression: str, at: datetime) -> float | None:
        """The number that `expression` had at `at`; None where there is none."""


def measured_by(
    provider: MetricsProvider, queries: PrometheusQueries, champion: str
) -> Callable[[Window], LabelledWindow]:
    """How to measure a window: each query is asked at the window's end.

    In a query `$window` is the window's length in seconds and `$champion` the champion's digest
    without its `sha256:`. Rows and labels that are not there count as 0. Measuring raises
    OutsideError where there are infinitely many, as of a rate over no time.
    """

    def measure(window: Window) -> LabelledWindow:
        def ask(expression: str) -> float | None:
            seconds = int((window.end - window.start).total_seconds())
            filled = expression.replace("$window", f"{seconds}s")
            digest = champion.removeprefix("sha256:")
            return provider.query(filled.replace("$champion", digest), window.end)

        figures = {name: ask(text) for name, text in queries.metrics.items()}
        known = {name: figure for name, figure in figures.items() if figure is not None}
        rows, labelled = _count(queries.rows, ask), _count(queries.labelled, ask)
        return LabelledWindow(window, rows, labelled, named(known))

    return measure


def _count(expression: str, ask: Callable[[str], float | None]) -> int:
    found = ask(expression) or 0
    if math.isinf(found):
        told = f"{expression[:300]!r} gave {found}, expected a count of rows"
        raise OutsideError(f"the metrics provider: {told}. Check the expression, and run again.")
    return round(found)
