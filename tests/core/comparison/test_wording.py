import pytest

from pipeline.core.comparison.wording import (
    render_change,
    render_interval,
    render_limit,
    render_metric,
    render_number,
)
from pipeline.domain import Interval

NAN = float("nan")


def test_figures_have_four_decimals_and_limits_read_as_written():
    assert (render_number(0.5), render_limit(0.05), render_limit(1e-3)) == (
        "0.5000",
        "0.05",
        "0.001",
    )


def test_nan_is_said_in_words():
    assert render_number(NAN) == "unknown"
    assert render_interval(Interval(NAN, NAN, 0.9)) == "90 % interval unknown"
    assert render_interval(Interval(NAN, 0.1, 0.975)) == "97.5 % interval unknown to 0.1000"


@pytest.mark.parametrize(
    ("improvement", "words"),
    [
        (0.01234, "an improvement of 0.0123"),
        (-0.004, "a loss of 0.0040"),
        (0.0, "no difference at all"),
        (NAN, "an unknown difference"),
    ],
)
def test_a_change_is_named_by_its_direction(improvement, words):
    assert render_change(improvement) == words


def test_a_metric_where_lower_is_better_says_so():
    assert render_metric("f1_weighted") == "f1_weighted"
    assert render_metric("log_loss") == "log_loss (lower is better)"
