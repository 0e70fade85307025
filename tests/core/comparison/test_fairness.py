import dataclasses
import math

import numpy as np
import pytest

from pipeline.config import FairnessPolicy
from pipeline.core.comparison.bootstrap import draw_weights
from pipeline.core.comparison.fairness import measure_fairness
from pipeline.core.comparison.holdout import Holdout
from pipeline.core.comparison.intervals import percentile_interval
from pipeline.core.comparison.resampling import DrawPlan
from tests.core.simulated import holdout

LIMITS = {"selection_rate": 0.05, "tpr": 0.1, "fpr": 0.05}
PLAN = DrawPlan(draws=200, seed=3, confidence=0.95)


def measure(data, *, min_rows=1, limits=LIMITS, plan=PLAN):
    rules = FairnessPolicy(column="airport", max_worsening=limits, min_rows=min_rows)
    return {found.rate: found for found in measure_fairness(data, rules, plan)}


def by_hand(answers, y, groups, model_rate):
    rates = [model_rate(answers[groups == g], y[groups == g]) for g in np.unique(groups)]
    return max(rates) - min(rates)


RATES = {
    "selection_rate": lambda answer, y: answer.mean(),
    "tpr": lambda answer, y: answer[y == 1].mean(),
    "fpr": lambda answer, y: answer[y == 0].mean(),
}


@pytest.mark.parametrize("blocks", [None, 12], ids=["rows", "blocks"])
def test_gaps_and_every_draw_of_their_worsening_are_those_counted_by_hand(blocks):
    data = holdout(900, challenger_noise=3, blocks=blocks)
    found = measure(data)
    groups = data.columns["airport"]
    before, after = np.asarray(data.champion) >= 0.5, np.asarray(data.challenger) >= 0.5
    for name, rate in RATES.items():
        one = found[name]
        assert one.champion_gap == pytest.approx(by_hand(before, data.y, groups, rate))
        assert one.challenger_gap == pytest.approx(by_hand(after, data.y, groups, rate))
        assert one.worsening == pytest.approx(one.challenger_gap - one.champion_gap)
        drawn = []
        for draw in range(PLAN.draws):
            rows = np.repeat(
                np.arange(900), draw_weights(data.y, draw, seed=PLAN.seed, blocks=data.blocks)
            )
            y, where = data.y[rows], groups[rows]
            drawn.append(
                by_hand(after[rows], y, where, rate) - by_hand(before[rows], y, where, rate)
            )
        expected = percentile_interval(np.array(drawn), 0.95, units=blocks or 900)
        assert one.interval.low == pytest.approx(expected.low, abs=1e-12)
        assert one.interval.high == pytest.approx(expected.high, abs=1e-12)


def test_every_group_is_listed_with_its_rates_and_what_they_are_a_share_of():
    data = Holdout(
        y=np.array([1, 0, 1, 0]),
        champion=np.array([0.9, 0.9, 0.1, 0.1]),
        challenger=np.array([0.5, 0.1, 0.9, 0.9]),
        threshold=0.5,
        columns={"airport": np.array(["EWR", "EWR", "JFK", "JFK"])},
    )
    ewr, jfk = measure(data)["fpr"].groups
    assert (ewr.group, ewr.n, ewr.denominator, ewr.champion, ewr.challenger) == ("EWR", 2, 1, 1, 0)
    assert (jfk.group, jfk.n, jfk.denominator, jfk.champion, jfk.challenger) == ("JFK", 2, 1, 0, 1)


def test_a_group_below_min_rows_is_listed_but_not_judged():
    data = holdout(900)
    airport = np.array(data.columns["airport"], copy=True)
    airport[:15] = "TEB"
    data = dataclasses.replace(data, columns={"airport": airport})
    found = measure(data, min_rows=16)["selection_rate"]
    assert {group.group: group.is_judged for group in found.groups} == {
        "EWR": True,
        "JFK": True,
        "LGA": True,
        "TEB": False,
    }
    assert found.champion_gap == pytest.approx(
        by_hand(
            np.asarray(data.champion)[15:] >= 0.5,
            data.y[15:],
            airport[15:],
            RATES["selection_rate"],
        )
    )
    assert measure(data, min_rows=15)["selection_rate"].groups[3].is_judged


def test_a_group_with_fewer_than_ten_positives_has_no_tpr_to_judge():
    data = holdout(900)
    y = np.array(data.y)
    ewr = np.flatnonzero(data.columns["airport"] == "EWR")
    y[ewr] = 0
    y[ewr[:9]] = 1
    few = measure(dataclasses.replace(data, y=y))
    assert not few["tpr"].groups[0].is_judged
    assert few["fpr"].groups[0].is_judged
    y[ewr[9]] = 1
    assert measure(dataclasses.replace(data, y=y))["tpr"].groups[0].is_judged


def test_fewer_than_two_big_groups_have_no_gap():
    found = measure(holdout(900), min_rows=10_000)["fpr"]
    unknown = (found.champion_gap, found.worsening, found.interval.low, found.p_value)
    assert all(math.isnan(value) for value in unknown)


def test_swapping_the_models_turns_the_worsening():
    data = holdout(900, challenger_noise=2)
    swapped = dataclasses.replace(data, champion=data.challenger, challenger=data.champion)
    for name, found in measure(data).items():
        assert measure(swapped)[name].worsening == pytest.approx(-found.worsening)


def test_the_same_model_twice_worsens_nothing_and_shows_nothing():
    data = holdout(900)
    for found in measure(dataclasses.replace(data, challenger=data.champion)).values():
        assert (found.worsening, found.interval.low, found.interval.high) == (0, 0, 0)
        assert found.p_value == 1


def test_only_limited_rates_are_measured():
    assert list(measure(holdout(900), limits={"fpr": 0.1})) == ["fpr"]


def test_a_column_that_is_not_there_is_named():
    rules = FairnessPolicy(column="origin", max_worsening=LIMITS, min_rows=1)
    with pytest.raises(ValueError, match="'origin': not in the holdout, which has \\['airport'\\]"):
        measure_fairness(holdout(900), rules, PLAN)
