import dataclasses

import numpy as np
import pytest

from pipeline.core.comparison.holdout import Holdout, assess_inputs, column_values
from pipeline.domain import Verdict
from tests.core.simulated import holdout

GOOD = holdout(100)


def gate_of(**changes):
    return assess_inputs(dataclasses.replace(GOOD, **changes), needs_champion=True)


def spoilt(values, value):
    copy = np.array(values, dtype=float)
    copy[7] = value
    return copy


def test_good_inputs_pass_with_their_number():
    gate = gate_of()
    assert (gate.verdict, gate.reason, gate.n) == (
        Verdict.PASS,
        "All 100 rows are as expected.",
        100,
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.1, 1.1])
def test_a_bad_score_of_the_challenger_is_its_failure(value):
    gate = gate_of(challenger=spoilt(GOOD.challenger, value))
    assert gate.verdict is Verdict.FAIL
    assert gate.reason.startswith("challenger scores: 1 of 100 are no probability")


@pytest.mark.parametrize("value", [np.nan, 2.0])
def test_a_bad_score_of_the_champion_is_an_error_of_the_comparison(value):
    gate = gate_of(champion=spoilt(GOOD.champion, value))
    assert gate.verdict is Verdict.ERROR
    assert "champion scores: 1 of 100 are no probability" in gate.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"y": spoilt(GOOD.y, 2)}, "expected only 0 and 1"),
        ({"y": spoilt(GOOD.y, np.nan)}, "expected only 0 and 1"),
        ({"y": np.zeros(100)}, "labels: all 100 are 0, expected both classes"),
        ({"y": np.array([])}, "labels: found shape (0,)"),
        ({"y": GOOD.y[:99]}, "expected (99,)"),
        ({"threshold": float("nan")}, "threshold: found nan"),
        ({"threshold": 1.0}, "threshold: found 1.0"),
        ({"champion": None}, "assess_first_model"),
        ({"columns": {"airport": np.array(["EWR"] * 99)}}, "column 'airport': found shape (99,)"),
        ({"blocks": np.arange(99)}, "blocks: found shape (99,)"),
    ],
)
def test_what_cannot_be_compared_is_an_error_that_says_why(changes, words):
    gate = gate_of(**changes)
    assert gate.verdict is Verdict.ERROR
    assert words in gate.reason


def test_all_faults_are_told_at_once_and_error_outweighs_the_challengers():
    gate = gate_of(threshold=2.0, blocks=np.arange(9), challenger=spoilt(GOOD.challenger, np.nan))
    assert gate.verdict is Verdict.ERROR
    assert "threshold" in gate.reason
    assert "blocks" in gate.reason


def test_a_first_model_needs_no_champion():
    alone = dataclasses.replace(GOOD, champion=None)
    assert assess_inputs(alone, needs_champion=False).verdict is Verdict.PASS


def test_a_missing_value_is_a_value_of_its_own():
    columns = {"tail": np.array(["N1", None, float("nan")], dtype=object)}
    three = Holdout([0, 1, 1], None, [0.1, 0.2, 0.3], 0.5, columns)
    assert column_values(three, "tail").tolist() == ["N1", "None", "nan"]
