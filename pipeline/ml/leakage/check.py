"""Whether a model could score well for a reason that will not exist when it serves.

Each check returns at least one Finding, also when it passes. `train` and `holdout` are frames with
id, event_time, label and features; everything that is not a built-in column is a feature. Checks
that fit or rank read at most `sample_rows` rows; overlaps are counted on all rows, and so is what a
feature marks that the sample makes suspect.
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
from pipeline.ml.leakage.rare_labels import RARE_SHARE, check_rare_labels
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
        *check_rare_labels(train, sample, limit=params.max_rare_label_share, seed=params.seed),
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
    """At most `rows` labelled rows, seeded, in the frame's order.

    All rows of a rare label are among them, to at most half: of one row in a thousand a plain
    sample would hold too few to say anything. An AUC does not change by that.
    """
    rng = np.random.default_rng(seed)
    labels = frame["label"].to_numpy(dtype=np.float64, na_value=np.nan)
    labelled = np.flatnonzero(~np.isnan(labels))
    if len(labelled) <= rows:
        return frame.iloc[labelled]
    rarer, common = sorted((labelled[labels[labelled] == one] for one in (0, 1)), key=len)
    if len(rarer) >= RARE_SHARE * len(labelled):
        return frame.iloc[np.sort(rng.choice(labelled, rows, replace=False))]
    kept = rng.choice(rarer, min(len(rarer), rows // 2), replace=False)
    beside = rng.choice(common, rows - len(kept), replace=False)
    return frame.iloc[np.sort(np.concatenate([kept, beside]))]
