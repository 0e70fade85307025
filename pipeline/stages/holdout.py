"""How the holdout is cut: by resampling block and by slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from pipeline.ml.tables import name_in

MISSING = "(missing)"


def blocks_of(holdout: pd.DataFrame, resample: str) -> np.ndarray | None:
    """What the bootstrap draws as a whole: the UTC day of each row, or None for single rows."""
    if resample == "row":
        return None
    return holdout["event_time"].dt.strftime("%Y-%m-%d").to_numpy(dtype=str)


def labels_of(holdout: pd.DataFrame, column: str) -> np.ndarray:
    """The values of a slice or fairness column as text, shape (n,); a gap has a name too."""
    values = holdout[name_in(holdout, column)]
    return values.astype(object).where(values.notna(), MISSING).astype(str).to_numpy(dtype=str)


def slice_masks(
    holdout: pd.DataFrame, columns: Sequence[str]
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Each (column, value, mask) that occurs, sorted."""
    for column in columns:
        labels = labels_of(holdout, column)
        for value in np.unique(labels):
            yield column, str(value), labels == value
