import pytest

from pipeline.config import MetricLimit
from pipeline.core.comparison.limits import assess_limit, assess_sample_size
from pipeline.domain import Verdict


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (0.58, Verdict.PASS),
        (0.90, Verdict.PASS),
        (0.5799, Verdict.FAIL),
        (0.9001, Verdict.FAIL),
        (float("nan"), Verdict.FAIL),
    ],
)
def test_both_ends_of_a_limit_are_allowed_and_nan_is_not(figure, verdict):
    gate = assess_limit("roc_auc", figure, MetricLimit(min=0.58, max=0.9), 100)
    assert gate.verdict is verdict


def test_an_open_end_limits_nothing_but_nan():
    assert assess_limit("log_loss", 5.0, MetricLimit(min=0.0), 1).verdict is Verdict.PASS
    assert assess_limit("log_loss", -5.0, MetricLimit(max=0.0), 1).verdict is Verdict.PASS
    assert assess_limit("log_loss", float("nan"), MetricLimit(max=9.0), 1).verdict is Verdict.FAIL


def test_the_limit_gate_says_its_numbers():
    gate = assess_limit("calibration_error", 0.2, MetricLimit(min=0.0, max=0.15), 100)
    assert gate.name == "limit: calibration_error"
    assert gate.rule == (
        "The challenger's calibration_error (lower is better) is at least 0 and at most 0.15."
    )
    assert gate.reason == "It is 0.2000, outside the limit."
    assert (gate.challenger, gate.champion, gate.n) == (0.2, None, 100)


def test_enough_rows_pass_and_one_fewer_is_inconclusive():
    assert assess_sample_size(2_000, 2_000).verdict is Verdict.PASS
    gate = assess_sample_size(1_999, 2_000)
    assert gate.verdict is Verdict.INCONCLUSIVE
    assert gate.reason == "It has 1,999 rows: too few to judge by."


def test_rows_in_too_few_blocks_are_inconclusive():
    assert assess_sample_size(9_000, 2_000, 7).verdict is Verdict.PASS
    gate = assess_sample_size(9_000, 2_000, 6)
    assert gate.verdict is Verdict.INCONCLUSIVE
    assert gate.reason == "It has 9,000 rows in 6 blocks: too few to judge by."
