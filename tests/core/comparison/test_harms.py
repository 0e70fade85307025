import dataclasses

import pytest

from pipeline.core.comparison.harms import judge_harms
from pipeline.core.comparison.holm import holm
from pipeline.domain import Verdict
from tests.core.comparison.test_fairness_gates import FOUND as FAIRNESS
from tests.core.comparison.test_slice_gates import EWR
from tests.core.simulated import POLICY, policy

TWO_COLUMNS = policy(slices=POLICY["slices"] | {"columns": ["airport", "carrier"]})


def test_slices_and_fairness_gaps_are_one_family():
    harms = [
        dataclasses.replace(EWR, p_value=0.02),
        dataclasses.replace(EWR, value="JFK", p_value=0.5),
        dataclasses.replace(FAIRNESS, p_value=0.01),
    ]
    slices, fairness, gates = judge_harms(harms, policy())
    expected = holm([0.02, 0.5, 0.01])
    adjusted = {part.value: part.p_adjusted for part in slices}
    assert adjusted == pytest.approx({"EWR": expected[0], "JFK": expected[1]})
    assert fairness[0].p_adjusted == pytest.approx(expected[2])
    assert [gate.name for gate in gates] == ["slices: airport", "fairness: airport, fpr"]


def test_harm_that_is_shown_alone_is_not_shown_among_many():
    alone = judge_harms([dataclasses.replace(EWR, p_value=0.03)], policy())
    fine = [
        dataclasses.replace(EWR, value=str(index), difference=0.0, p_value=0.9)
        for index in range(9)
    ]
    among = judge_harms([dataclasses.replace(EWR, p_value=0.03), *fine], policy())
    assert alone[2][0].verdict is Verdict.FAIL
    assert among[2][0].verdict is Verdict.INCONCLUSIVE


def test_each_column_has_its_gate_and_a_column_that_broke_has_none():
    carrier = dataclasses.replace(EWR, column="carrier", value="UA", difference=0.1)
    _, _, gates = judge_harms([EWR, carrier], TWO_COLUMNS)
    assert [(gate.name, gate.verdict) for gate in gates] == [
        ("slices: airport", Verdict.INCONCLUSIVE if EWR.p_value * 2 >= 0.05 else Verdict.FAIL),
        ("slices: carrier", Verdict.PASS),
    ]
    assert [gate.name for gate in judge_harms([carrier], TWO_COLUMNS)[2]] == ["slices: carrier"]
