"""The champion's training rows as a profile of a few kilobytes, and drift against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.core.binning import Kind
from pipeline.core.drift import Drift, psi
from pipeline.core.profile import ColumnProfile, profile_column


def profile_features(features: pd.DataFrame) -> dict[str, Any]:
    """A JSON-friendly profile of each feature column, in frozen bins."""
    return {
        str(name): profile_column(_values(column), kind=_kind(column)).to_json()
        for name, column in features.items()
    }


def drift_of(profiles: dict[str, Any], features: pd.DataFrame) -> list[dict[str, Any]]:
    """Drift of each profiled column that `features` has, the largest share of its limit first."""
    rows = []
    for name, profile in profiles.items():
        if name in features:
            drift = psi(ColumnProfile.from_json(profile), _values(features[name]))
            rows.append(_row(name, drift))
    return sorted(rows, key=lambda row: (-(row["psi"] or 0) / (row["limit"] or 1), row["column"]))


def _row(name: str, drift: Drift) -> dict[str, Any]:
    return {
        "column": name,
        "psi": drift.value,
        "limit": drift.limit,
        "is_drifted": drift.is_drifted,
        "ks": drift.ks,
        "js": drift.js,
        "n_reference": drift.n_reference,
        "n_current": drift.n_current,
    }


def _kind(column: pd.Series) -> Kind:
    return "category" if isinstance(column.dtype, pd.CategoricalDtype) else "number"


def _values(column: pd.Series) -> np.ndarray:
    if _kind(column) == "category":
        return column.astype(object).where(column.notna(), None).to_numpy(dtype=object)
    return column.to_numpy(dtype=float, na_value=np.nan)
