"""A logistic regression on scaled ink."""

import pandas as pd
from scipy.stats import loguniform
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

DEFAULTS = {"logisticregression__C": 1.0}
SEARCH_SPACE = {"logisticregression__C": loguniform(1e-3, 10)}


def build_model(features: pd.DataFrame, seed: int) -> Pipeline:
    """An unfitted pipeline for `features`."""
    categories = features.select_dtypes("category").columns.tolist()
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), categories), remainder=StandardScaler()
    )
    return make_pipeline(encode, LogisticRegression(random_state=seed, max_iter=500))
