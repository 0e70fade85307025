import dataclasses
import math

import numpy as np
import pytest

from pipeline.config import SlicePolicy
from pipeline.core.comparison.bootstrap import bootstrap_metrics
from pipeline.core.comparison.intervals import percentile_interval
from pipeline.core.comparison.resampling import DrawPlan
from pipeline.core.comparison.scoring import score
from pipeline.core.comparison.slices import measure_slices, slice_rows
from tests.core.simulated import holdout

PLAN = DrawPlan(draws=100, seed=3, confidence=0.95)


def rules(metric="f1_weighted", min_rows=200):
    return SlicePolicy(columns=("airport",), metric=metric, margin=0.05, min_rows=min_rows)


def test_values_with_enough_rows_are_slices_and_the_rest_is_pooled():
    values = np.array(["a"] * 5 + ["c"] * 2 + ["b"] * 3 + ["d"])
    found = slice_rows(values, 3)
    assert [(part.value, part.rows.tolist(), part.pooled) for part in found] == [
        ("a", [0, 1, 2, 3, 4], ()),
        ("b", [7, 8, 9], ()),
        ("other", [5, 6, 10], ("c", "d")),
    ]


def test_without_small_values_there_is_no_pool():
    assert [part.value for part in slice_rows(np.array(["a", "b"]), 1)] == ["a", "b"]


def test_a_value_that_is_named_other_is_not_the_pool():
    found = slice_rows(np.array(["other"] * 3 + ["x"]), 2)
    assert [(part.value, part.pooled) for part in found] == [("other", ()), ("other", ("x",))]


@pytest.mark.parametrize("blocks", [None, 12], ids=["rows", "blocks"])
def test_a_slice_is_compared_as_if_its_rows_were_the_whole(blocks):
    data = holdout(1_200, blocks=blocks)
    found = measure_slices(data, "airport", rules("log_loss"), PLAN)
    assert [part.value for part in found] == ["EWR", "JFK", "LGA"]
    inside = data.columns["airport"] == "JFK"
    models = [np.asarray(data.champion)[inside], np.asarray(data.challenger)[inside]]
    y = data.y[inside]
    jfk = found[1]
    figures = [score(y, model, 0.5)["log_loss"] for model in models]
    assert [jfk.champion, jfk.challenger] == pytest.approx(figures)
    assert jfk.difference == pytest.approx(figures[1] - figures[0])
    assert jfk.loss == jfk.difference  # of a metric where lower is better
    within = None if blocks is None else data.blocks[inside]
    drawn = bootstrap_metrics(y, models, 0.5, draws=100, seed=3, blocks=within)["log_loss"]
    expected = percentile_interval(drawn[1] - drawn[0], 0.95, units=blocks or int(inside.sum()))
    assert jfk.interval.low == pytest.approx(expected.low)
    assert jfk.interval.high == pytest.approx(expected.high)
    assert (jfk.n, jfk.share) == (inside.sum(), inside.mean())


def test_a_pool_too_small_to_judge_is_measured_but_accuses_nobody():
    data = holdout(1_200)
    airport = np.array(data.columns["airport"], copy=True)
    airport[:30] = "TEB"
    found = measure_slices(
        dataclasses.replace(data, columns={"airport": airport}), "airport", rules(), PLAN
    )
    assert (found[-1].value, found[-1].pooled, found[-1].n) == ("other", ("TEB",), 30)
    assert not math.isnan(found[-1].difference)
    assert math.isnan(found[-1].p_value)
    assert not any(math.isnan(part.p_value) for part in found[:-1])


def test_the_p_value_is_small_where_the_harm_is():
    data = holdout(3_000)
    hurt = data.columns["airport"] == "JFK"
    challenger = np.where(hurt, 1 - np.asarray(data.challenger), data.challenger)
    found = measure_slices(
        dataclasses.replace(data, challenger=challenger), "airport", rules(), PLAN
    )
    assert [part.p_value < 0.001 for part in found] == [False, True, False]
    assert found[1].loss > 0.3


def test_progress_counts_rows_up_to_all_of_them():
    heard = []
    measure_slices(holdout(1_200), "airport", rules(), PLAN, lambda *said: heard.append(said))
    assert len(heard) == 3
    assert heard[-1] == (1_200, 1_200)


def test_the_label_names_what_was_pooled():
    data = holdout(600)
    found = measure_slices(data, "airport", rules(min_rows=10_000), PLAN)
    assert [part.label for part in found] == ["airport other (EWR, JFK, LGA)"]


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="'carrier': not in the holdout"):
        measure_slices(holdout(600), "carrier", rules(), PLAN)
