"""The paired bootstrap of the metrics: every model is scored under the same resampled rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.config import MetricName
from pipeline.core.comparison.intervals import percentile_interval
from pipeline.core.comparison.resampling import Progress, draw_counts, resampling_of, run_draws
from pipeline.core.comparison.scoring import (
    METRICS,
    as_labels,
    as_probabilities,
    score_counts,
    scorer_of,
)
from pipeline.core.comparison.sums import FloatArray, IntArray
from pipeline.domain import Interval


def bootstrap_metrics(
    y: npt.ArrayLike,
    probabilities: Sequence[npt.ArrayLike],
    threshold: float,
    *,
    draws: int,
    seed: int,
    blocks: npt.ArrayLike | None = None,
    metrics: Sequence[MetricName] = METRICS,
    on_progress: Progress | None = None,
) -> dict[MetricName, FloatArray]:
    """The figures of each draw: for each metric an array (models, draws).

    y (n,) of 0 and 1, each of `probabilities` (n,). Rows are resampled within each label, or whole
    `blocks` (n,) at once. A ranking metric is NaN in a draw that holds one class only.
    Raises ValueError for invalid input (see scoring) and for draws < 1.
    """
    labels = as_labels(y)
    scores = [as_probabilities(model, len(labels)) for model in probabilities]
    resampling = resampling_of(labels, blocks)
    unit_of_row, units = resampling.unit_of_row, resampling.units
    scorer = scorer_of(labels, scores, threshold, metrics, unit_of_row=unit_of_row, units=units)
    figures = run_draws(
        resampling,
        lambda counts: score_counts(scorer, counts),
        draws=draws,
        seed=seed,
        on_progress=on_progress,
    )
    return {metric: figures[:, index, :] for index, metric in enumerate(metrics)}


def draw_weights(
    y: npt.ArrayLike, draw: int, *, seed: int, blocks: npt.ArrayLike | None = None
) -> IntArray:
    """The row weights (n,) that `bootstrap_metrics` used in draw number `draw`, from 0.

    np.repeat(np.arange(n), weights) are the rows of that draw, for checking it another way.
    """
    resampling = resampling_of(as_labels(y), blocks)
    return draw_counts(resampling, draw, seed)[resampling.unit_of_row].astype(np.int64)


def unit_count(y: npt.ArrayLike, blocks: npt.ArrayLike | None = None) -> int:
    """How many independent units a resample picks from: rows, or blocks."""
    return resampling_of(as_labels(y), blocks).units


def metric_intervals(
    y: npt.ArrayLike,
    probability: npt.ArrayLike,
    threshold: float,
    *,
    draws: int,
    seed: int,
    confidence: float,
    blocks: npt.ArrayLike | None = None,
    metrics: Sequence[MetricName] = METRICS,
    on_progress: Progress | None = None,
) -> dict[MetricName, Interval]:
    """The interval of each metric of one model, over all rows given; see bootstrap_metrics."""
    figures = bootstrap_metrics(
        y,
        [probability],
        threshold,
        draws=draws,
        seed=seed,
        blocks=blocks,
        metrics=metrics,
        on_progress=on_progress,
    )
    units = unit_count(y, blocks)
    return {
        metric: percentile_interval(values[0], confidence, units=units)
        for metric, values in figures.items()
    }
