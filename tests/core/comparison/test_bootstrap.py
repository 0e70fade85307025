import numpy as np
import pytest

from pipeline.core.comparison.bootstrap import (
    bootstrap_metrics,
    draw_weights,
    metric_intervals,
    unit_count,
)
from pipeline.core.comparison.intervals import percentile_interval
from pipeline.core.comparison.scoring import METRICS, score
from tests.core.comparison.test_scoring import sklearn_figures
from tests.core.simulated import holdout, logistic

DAYS = np.arange(600) // 50


def two_models(digits=2, n=600):
    """Scores rounded to `digits`, so that many are tied."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, n)
    return y, [np.round(np.clip(rng.normal(0.4 + s * y, 0.2), 0, 1), digits) for s in (0.1, 0.2)]


@pytest.mark.parametrize("blocks", [None, DAYS], ids=["rows", "blocks"])
@pytest.mark.parametrize("digits", [1, 12], ids=["tied", "distinct"])
def test_any_draw_made_again_with_scikit_learn_gives_the_same_figures(blocks, digits):
    y, models = two_models(digits)
    drawn = bootstrap_metrics(y, models, 0.5, draws=30, seed=9, blocks=blocks)
    for draw in (0, 7, 29):
        rows = np.repeat(np.arange(len(y)), draw_weights(y, draw, seed=9, blocks=blocks))
        for index, model in enumerate(models):
            expected = sklearn_figures(y[rows], model[rows], 0.5, np.ones(len(rows)))
            expected["calibration_error"] = score(y[rows], model[rows], 0.5)["calibration_error"]
            for metric in METRICS:
                ours = drawn[metric][index, draw]
                assert ours == pytest.approx(expected[metric], abs=1e-9), (metric, draw)


def test_every_model_is_scored_under_the_same_draws():
    y, (model, other) = two_models()
    drawn = bootstrap_metrics(y, [model, other, model], 0.5, draws=20, seed=0)
    for figures in drawn.values():
        assert np.array_equal(figures[0], figures[2])
        assert not np.array_equal(figures[0], figures[1])


def test_asking_for_one_metric_gives_the_same_figures_as_asking_for_all():
    y, models = two_models()
    everything = bootstrap_metrics(y, models, 0.5, draws=20, seed=0)
    for metric in METRICS:
        alone = bootstrap_metrics(y, models, 0.5, draws=20, seed=0, metrics=[metric])
        assert list(alone) == [metric]
        assert alone[metric] == pytest.approx(everything[metric], abs=1e-12)


def test_an_interval_has_the_width_that_theory_gives_to_an_accuracy():
    rng = np.random.default_rng(3)
    y = np.r_[np.zeros(1_000, int), np.ones(1_000, int)]
    right = rng.random(2_000) < 0.8
    p = np.where(right, y, 1 - y) * 0.8 + 0.1
    found = metric_intervals(y, p, 0.5, draws=2_000, seed=0, confidence=0.95)["accuracy"]
    expected = 2 * 1.96 * np.sqrt(0.8 * 0.2 / 2_000)
    assert found.high - found.low == pytest.approx(expected, rel=0.1)
    assert found.low < right.mean() < found.high


def days_with_their_own_weather(seed=0):
    """Each day has a shift that only the champion misses: its rows win or lose together."""
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(20), 100)
    weather = rng.normal(0, 2, 20)[day]
    truth = rng.normal(0, 1, 2_000)
    y = (rng.random(2_000) < logistic(truth + weather)).astype(int)
    return y, [logistic(truth), logistic(truth + weather)], day


def test_resampling_days_is_wider_than_resampling_rows_where_days_share_their_luck():
    y, models, day = days_with_their_own_weather()
    widths = {}
    for name, blocks in (("rows", None), ("days", day)):
        drawn = bootstrap_metrics(y, models, 0.5, draws=400, seed=0, blocks=blocks)["f1_weighted"]
        widths[name] = np.std(drawn[1] - drawn[0])
    assert widths["days"] > 1.5 * widths["rows"]


def test_resampling_days_is_not_wider_where_days_mean_nothing():
    data = holdout(2_000)
    widths = []
    for blocks in (None, np.arange(2_000) % 50):
        models = [data.champion, data.challenger]
        drawn = bootstrap_metrics(data.y, models, 0.5, draws=400, seed=0, blocks=blocks)["accuracy"]
        widths.append(np.std(drawn[1] - drawn[0]))
    assert widths[1] == pytest.approx(widths[0], rel=0.35)


def test_a_ranking_metric_is_nan_in_draws_of_one_class_only():
    y, p = np.array([0, 1] * 3), np.linspace(0, 1, 6)
    drawn = bootstrap_metrics(y, [p], 0.5, draws=300, seed=0, blocks=np.arange(6))
    one_class = [
        len(set(y[draw_weights(y, k, seed=0, blocks=np.arange(6)) > 0])) == 1 for k in range(300)
    ]
    assert any(one_class)
    assert np.isnan(drawn["roc_auc"][0]).tolist() == one_class
    assert not np.isnan(drawn["accuracy"]).any()


def test_intervals_of_one_model_know_how_many_units_they_rest_on():
    y, (model, _) = two_models()
    drawn = bootstrap_metrics(y, [model], 0.5, draws=300, seed=0, blocks=DAYS)["accuracy"][0]
    found = metric_intervals(y, model, 0.5, draws=300, seed=0, confidence=0.9, blocks=DAYS)
    assert unit_count(y, DAYS) == 12
    assert unit_count(y) == 600
    assert found["accuracy"] == percentile_interval(drawn, 0.9, units=12)


def test_one_bad_score_in_one_model_is_refused():
    y, (model, other) = two_models()
    other[3] = np.nan
    with pytest.raises(ValueError, match="1 of 600 are no probability"):
        bootstrap_metrics(y, [model, other], 0.5, draws=2, seed=0)
