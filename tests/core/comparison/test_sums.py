import numpy as np
import pytest

from pipeline.core.comparison.scoring import METRICS
from pipeline.core.comparison.sums import (
    calibration_bin,
    metrics_of_sums,
    ratio,
    row_log_loss,
    sum_table,
)

RANKED = {"roc_auc", "pr_auc"}


def test_sums_of_blocks_give_the_figures_of_their_rows():
    rng = np.random.default_rng(0)
    y, p, block = rng.random(300) < 0.4, rng.random(300), rng.integers(0, 7, 300)
    rows = sum_table(y, p, 0.5, METRICS, unit_of_row=np.arange(300), units=300)
    blocks = sum_table(y, p, 0.5, METRICS, unit_of_row=block, units=7)
    counts = rng.integers(0, 4, 7).astype(float)
    of_blocks = metrics_of_sums((counts @ blocks)[None], METRICS)
    of_rows = metrics_of_sums((counts[block] @ rows)[None], METRICS)
    assert set(of_rows) == set(METRICS) - RANKED
    for metric, values in of_rows.items():
        assert of_blocks[metric] == pytest.approx(values, abs=1e-12), metric


def test_only_the_columns_that_are_asked_for_are_kept():
    y, p, rows = np.array([True, False]), np.array([0.9, 0.2]), np.arange(2)
    narrow = sum_table(y, p, 0.5, ["accuracy"], unit_of_row=rows, units=2)
    assert narrow.tolist() == [[1, 0, 1, 0], [0, 0, 0, 1]]
    only_calibration = ["calibration_error"]
    table = sum_table(y, p, 0.5, only_calibration, unit_of_row=rows, units=2)
    figures = metrics_of_sums(table.sum(axis=0)[None], only_calibration)
    assert figures["calibration_error"].tolist() == pytest.approx([(0.1 + 0.2) / 2])


def test_bins_open_at_their_lower_edge_and_the_last_holds_one():
    assert calibration_bin(np.array([0.0, 0.0999, 0.1, 0.3, 0.6, 0.7, 0.9, 1.0])).tolist() == [
        *[0, 0, 1, 3, 6, 7, 9, 9]
    ]


def test_log_loss_is_the_surprise_at_what_happened():
    loss = row_log_loss(np.array([True, False]), np.array([0.25, 0.25]))
    assert loss == pytest.approx([-np.log(0.25), -np.log(0.75)])


def test_a_ratio_to_nothing_is_what_was_asked_for():
    assert ratio(np.array([1.0, 2.0]), np.array([0.0, 4.0]), -1.0).tolist() == [-1.0, 0.5]
