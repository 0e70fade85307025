"""How the holdout is cut: by resampling block and by slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from pipeline.ml.tables import name_in

MISSING = "(missing)"


def blocks_of(holdout: pd.DataFrame, resample: str, until: datetime) -> np.ndarray | None:
    """What the bootstrap draws as a whole: the day of each row, or None for single rows.

    Days are 24 hours counted back from `until` (aware), where the window of rows ends, and named by
    the date on which they begin: midnights would leave a part of a day at both ends of a holdout
    that ends at another hour, and each would count as a day that was seen.
    """
    if resample == "row":
        return None
    end = pd.Timestamp(until).tz_convert("UTC")
    begun = holdout["event_time"] - (end - end.normalize())
    return begun.dt.strftime("%Y-%m-%d").to_numpy(dtype=str)


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
