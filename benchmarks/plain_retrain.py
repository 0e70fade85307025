"""The peer of `dvc repro`: one plain script with the same query, the same fit, the same evaluation.

It has no validation, champion, package or memory of what it did before. Run in a repository whose
warehouse is seeded.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.adapters.warehouse import connect, read_rows
from pipeline.config import load_gates, load_params, load_usecase
from pipeline.core.comparison.bootstrap import metric_intervals
from pipeline.ml.search import search_parameters
from pipeline.ml.split import split_rows
from pipeline.ml.tables import features_of
from pipeline.stages.collect import DEFAULT_WAREHOUSE_URL, windows
from pipeline.stages.evaluate import measure_latency
from pipeline.stages.holdout import blocks_of, slice_masks
from pipeline.usecase import query
from pipeline.usecase.features import build_features
from pipeline.usecase.model import DEFAULTS, SEARCH_SPACE, build_model


def main() -> None:
    """Retrain once and print the holdout's metrics."""
    root = Path.cwd()
    params, policy = load_params(root), load_gates(root).comparison
    parts = windows(params.collect)
    chunks = read_rows(
        connect(os.environ.get("WAREHOUSE_URL", DEFAULT_WAREHOUSE_URL)),
        query.rows(),
        query.labels(),
        as_of=params.collect.as_of,
        start=parts["history"].start,
        end=parts["recent"].end,
        chunk_rows=params.collect.chunk_rows,
    )
    rows = pd.concat(chunks, ignore_index=True)
    rows = rows[rows["label"].notna()].reset_index(drop=True)
    keys = rows[["id", "event_time", "label"]].astype({"label": "int8"})
    table = pd.concat([keys, build_features(rows)], axis="columns")
    split = split_rows(table, np.array([], np.uint64), params.split, parts["recent"].end)
    train, holdout = table[split.train], table[split.holdout]
    X, y = features_of(train), train["label"]
    found = search_parameters(
        build_model(X, params.train.seed),
        SEARCH_SPACE,
        X,
        y,
        first=[DEFAULTS],
        params=params.train,
        on_round=lambda _candidates, _rows: None,
    )
    judged = features_of(holdout)
    probability = found.model.predict_proba(judged)[:, 1]
    labels, threshold = holdout["label"].to_numpy(), load_usecase(root).decision_threshold
    blocks = blocks_of(holdout, params.compare.resample, parts["recent"].end)
    everything = np.ones(len(holdout), dtype=bool)
    masks = [everything, *(mask for *_, mask in slice_masks(holdout, policy.slices.columns))]
    for mask in masks:
        intervals = metric_intervals(
            labels[mask],
            probability[mask],
            threshold,
            draws=params.evaluate.draws,
            seed=params.evaluate.seed,
            confidence=policy.confidence,
            blocks=None if blocks is None else blocks[mask],
        )
        print(intervals["roc_auc"])
    print(measure_latency(found.model, judged.head(params.evaluate.latency_rows)))


if __name__ == "__main__":
    main()
