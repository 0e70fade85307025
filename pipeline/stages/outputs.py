"""Where each stage writes, from the checkout's root on; dvc.yaml names the same places.

Apart from the stages, so that one that reads another's output does not import its libraries.
"""

from __future__ import annotations

from pathlib import Path

ARTIFACTS = Path("artifacts")
TIMINGS = ARTIFACTS / "timings.json"

COLLECTED_ROWS = ARTIFACTS / "collect" / "rows.parquet"
COLLECT_SUMMARY = ARTIFACTS / "collect" / "summary.json"

VALIDATION_REPORT = ARTIFACTS / "validate" / "report.json"
DATA_PROFILE = ARTIFACTS / "validate" / "data-profile.json"

FEATURES = ARTIFACTS / "featurize" / "features.parquet"

TRAIN_ROWS = ARTIFACTS / "split" / "train.parquet"
HOLDOUT = ARTIFACTS / "split" / "holdout.parquet"
SEEN_IDS = ARTIFACTS / "split" / "seen_ids.parquet"
SPLIT_SUMMARY = ARTIFACTS / "split" / "summary.json"

MODEL = ARTIFACTS / "train" / "model"
MODEL_PARAMS = ARTIFACTS / "train" / "params.json"
TRIALS = ARTIFACTS / "train" / "trials.csv"
TRAIN_SUMMARY = ARTIFACTS / "train" / "summary.json"

EVALUATION = ARTIFACTS / "evaluate"
PREDICTIONS = EVALUATION / "predictions.parquet"
METRICS = EVALUATION / "metrics.json"
DETAILS = EVALUATION / "details.json"
LATENCY = EVALUATION / "latency.json"

CHAMPION_SCORES = ARTIFACTS / "compare" / "champion.parquet"
COMPARISON = ARTIFACTS / "compare" / "comparison.json"
