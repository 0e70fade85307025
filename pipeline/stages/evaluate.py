"""evaluate: score the challenger on the holdout, overall and by slice, each with n and interval."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from pipeline.config import EvaluateParams, load_gates, load_params, load_usecase
from pipeline.core.comparison.bootstrap import metric_intervals
from pipeline.core.comparison.scoring import confusion, score
from pipeline.jsonio import load_json, save_json, save_text
from pipeline.ml import curves
from pipeline.ml.model_io import load_model
from pipeline.ml.tables import features_of, load_table, save_table
from pipeline.stages import outputs
from pipeline.stages.collect import windows
from pipeline.stages.holdout import blocks_of, slice_masks
from pipeline.stages.named_columns import check_named_columns
from pipeline.stages.stage import say


def run(root: Path) -> None:
    """Write metrics, details with intervals and slices, curves, predictions and latency."""
    params, usecase = load_params(root), load_usecase(root)
    policy = load_gates(root).comparison
    holdout = load_table(root / outputs.HOLDOUT)
    check_named_columns(holdout.columns, group=params.split.group, policy=policy)
    X, y = features_of(holdout), holdout["label"].to_numpy()
    digest = load_json(root / outputs.TRAIN_SUMMARY)["model_digest"]
    model = load_model(root / outputs.MODEL, digest, params.package.format)
    probability = model.predict_proba(X)[:, 1]
    threshold = usecase.decision_threshold
    save_table(root / outputs.PREDICTIONS, holdout[["id", "label"]].assign(challenger=probability))

    blocks = blocks_of(holdout, params.compare.resample, windows(params.collect)["recent"].end)

    def measure(mask: np.ndarray) -> dict[str, Any]:
        part = (y[mask], probability[mask], threshold)
        intervals = metric_intervals(
            *part,
            draws=params.evaluate.draws,
            seed=params.evaluate.seed,
            confidence=policy.confidence,
            blocks=None if blocks is None else blocks[mask],
        )
        return {
            "rows": int(mask.sum()),
            "label_rate": float(y[mask].mean()),
            "metrics": score(*part),
            "intervals": intervals,
        }

    overall = measure(np.ones(len(holdout), dtype=bool))
    slices = [
        {"column": column, "value": value, **measure(mask)}
        for column, value, mask in slice_masks(holdout, policy.slices.columns)
    ]
    save_json(root / outputs.METRICS, overall["metrics"])
    counts = confusion(y, probability, threshold)
    save_json(root / outputs.DETAILS, {**overall, "confusion": counts, "slices": slices})
    _save_curves(root, y, probability, threshold, params.evaluate)
    save_json(root / outputs.LATENCY, measure_latency(model, X.head(params.evaluate.latency_rows)))
    say(f"{len(holdout):,} holdout rows and {len(slices)} slices scored")


def measure_latency(model: Any, X: pd.DataFrame) -> dict[str, float]:
    """Milliseconds to score rows one at a time, the way requests come, and all at once.

    On one thread, as a server that answers many requests at once would.
    """
    single = []
    with threadpool_limits(1):
        for row in range(len(X)):
            one = X.iloc[[row]]
            started = time.perf_counter()
            model.predict_proba(one)
            single.append(time.perf_counter() - started)
        started = time.perf_counter()
        model.predict_proba(X)
        batch = (time.perf_counter() - started) / len(X)
    return {
        "row_p50_ms": round(float(np.percentile(single, 50)) * 1000, 3),
        "row_p95_ms": round(float(np.percentile(single, 95)) * 1000, 3),
        "batch_row_ms": round(batch * 1000, 5),
        "rows": len(X),
    }


def _save_curves(
    root: Path, y: np.ndarray, probability: np.ndarray, threshold: float, params: EvaluateParams
) -> None:
    usecase = load_usecase(root)
    predicted = (probability >= threshold).astype(int)
    tables = {
        "roc": curves.roc_points(y, probability, params.curve_points),
        "precision_recall": curves.precision_recall_points(y, probability, params.curve_points),
        "calibration": curves.calibration_points(y, probability),
        "scores": curves.score_histogram(y, probability),
        "confusion": curves.confusion_rows(y, predicted, (usecase.negative, usecase.positive)),
    }
    for name, table in tables.items():
        text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        save_text(root / outputs.EVALUATION / f"{name}.csv", text)
