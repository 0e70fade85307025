"""The model of the example: gradient boosting that takes categories and gaps as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import loguniform
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

# Tried first when there is no champion to start from.
DEFAULTS: dict[str, Any] = {
    "model__learning_rate": 0.05,
    "model__max_iter": 150,
    "model__max_leaf_nodes": 15,
    "model__min_samples_leaf": 100,
    "model__l2_regularization": 1.0,
}

SEARCH_SPACE: dict[str, Any] = {
    "model__learning_rate": loguniform(0.02, 0.2),
    "model__max_iter": [100, 150, 250],
    "model__max_leaf_nodes": [7, 15, 31],
    "model__min_samples_leaf": [20, 50, 100, 200],
    "model__l2_regularization": loguniform(0.01, 10.0),
}


def build_model(features: pd.DataFrame, seed: int) -> Pipeline:
    """An unfitted pipeline for `features`, whose category columns are encoded on train alone."""
    categories = features.select_dtypes("category").columns.tolist()
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=200,  # the boosting takes at most 255 categories a column
    )
    return Pipeline(
        [
            (
                "encode",
                ColumnTransformer(
                    [("categories", encoder, categories)],
                    remainder="passthrough",
                    verbose_feature_names_out=False,
                ),
            ),
            (
                "model",
                HistGradientBoostingClassifier(
                    categorical_features=list(range(len(categories))),
                    early_stopping=False,
                    random_state=seed,
                ),
            ),
        ]
    )
