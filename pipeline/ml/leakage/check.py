"""Whether a model could score well for a reason that will not exist when it serves.

Each check returns at least one Finding, also when it passes. `train` and `holdout` are frames with
id, event_time, label and features; everything that is not a built-in column is a feature. Checks
that fit or rank read at most `sample_rows` rows; overlaps are counted on all rows.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from pipeline.config import ValidateParams
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.after_event import check_after_event
from pipeline.ml.leakage.label_copies import check_label_copies, check_names
from pipeline.ml.leakage.overlaps import check_groups, check_ids
from pipeline.ml.leakage.rare_labels import check_rare_labels
from pipeline.ml.leakage.shuffled_labels import check_shuffled_labels
from pipeline.ml.leakage.single_features import check_single_features
from pipeline.ml.leakage.twins import check_twins, find_twins


def check_leakage(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    params: ValidateParams,
    group: str | None = None,
    seen: np.ndarray | None = None,
    forbidden: Collection[str] = (),
    known_ahead: Collection[str] = (),
    estimator: BaseEstimator | None = None,
) -> list[Finding]:
    """Every leakage check; deterministic in (frames, params).

    `seen` holds row hashes (uint64) that the champion's line trained on. `forbidden` names columns
    that must not be features, `known_ahead` time columns that may be later than the event (a plan).
    `estimator` is fitted with shuffled labels instead of a small boosting model.
    """
    sample = _sample(train, params.sample_rows, params.seed)
    twins = find_twins(train, holdout)
    return [
        *check_ids(train, holdout, seen),
        *check_groups(train, holdout, group),
        *check_names(train, forbidden),
        *check_after_event(train, holdout, known_ahead),
        *check_label_copies(sample),
        *check_single_features(sample, limit=params.max_single_feature_auc, seed=params.seed),
        *check_rare_labels(sample, limit=params.max_rare_label_share, seed=params.seed),
        *check_twins(twins),
        *check_shuffled_labels(
            train,
            holdout,
            band=params.shuffled_label_auc_band,
            sample_rows=params.sample_rows,
            seed=params.seed,
            by_features=twins.are_copies,
            estimator=estimator,
        ),
    ]


def _sample(frame: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """At most `rows` labelled rows, seeded, in the frame's order."""
    labelled = np.flatnonzero(frame["label"].notna())
    if len(labelled) > rows:
        labelled = np.sort(np.random.default_rng(seed).choice(labelled, rows, replace=False))
    return frame.iloc[labelled]
