"""How figures and lengths of time are said."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from pipeline.core.rollout.wording import render_figure, render_length


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (45, "45 s"),
        (119, "119 s"),
        (120, "2 min"),
        (30 * 60, "30 min"),
        (60 * 60, "1 h"),
        (119 * 60, "119 min"),
        (120 * 60, "2 h"),
        (121 * 60, "2 h 1 min"),
        (24 * 3_600, "24 h"),
        (48 * 3_600, "2 days"),
        (48 * 3_600 + 30 * 60, "48 h 30 min"),
        (49 * 3_600, "49 h"),
        (72 * 3_600, "3 days"),
    ],
)
def test_a_length_of_time_is_said_in_the_words_of_a_plan(seconds: int, said: str) -> None:
    assert render_length(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.0123, "fraction", "1.23 %"),
        (151.24, "ms", "151.2 ms"),
        (3.14159, "number", "3.142"),
        (math.inf, "ms", "beyond measure"),
    ],
)
def test_a_figure_is_said_with_its_unit(value, unit, said) -> None:
    assert render_figure(value, unit) == said
