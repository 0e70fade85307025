"""Which rows train and which judge.

The holdout judges champion and challenger on the same rows, so neither may have trained on them:
rows that the champion's line has seen are never in the holdout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.config import SplitParams
from pipeline.errors import DataIncident
from pipeline.ml.digest import row_hashes


@dataclass(frozen=True)
class Split:
    """Boolean masks over the rows, shape (n,): never both True; rows in neither are set aside."""

    train: np.ndarray
    holdout: np.ndarray

    @property
    def set_aside(self) -> int:
        """Rows in neither part: seen by the champion, or sharing a group with the holdout."""
        return int((~self.train & ~self.holdout).sum())


def split_rows(rows: pd.DataFrame, seen: np.ndarray, params: SplitParams) -> Split:
    """Split labelled `rows` (columns id, event_time, label, and the group column if any).

    `seen` holds the row hashes, shape (m,), that the champion's line trained on. Raises
    DataIncident where either part would be empty or hold one class only.
    """
    fresh = ~np.isin(row_hashes(rows["id"]), seen)
    if params.method == "time":
        reserved = _newest(rows, params.holdout_days)
    else:
        reserved = _stratified(rows, fresh, params)
    holdout = reserved & fresh
    train = ~reserved
    if params.group is not None:
        train &= ~rows[params.group].isin(rows.loc[holdout, params.group]).to_numpy()
    _require_both_classes(rows, "holdout", holdout)
    _require_both_classes(rows, "training", train)
    return Split(train=train, holdout=holdout)


def _newest(rows: pd.DataFrame, days: int) -> np.ndarray:
    """The rows less than `days` older than the newest day's end."""
    end = rows["event_time"].max().normalize() + pd.Timedelta(days=1)
    return (rows["event_time"] >= end - pd.Timedelta(days=days)).to_numpy()


def _stratified(rows: pd.DataFrame, fresh: np.ndarray, params: SplitParams) -> np.ndarray:
    """A seeded share of the fresh rows with the label rate kept, whole groups where asked."""
    from sklearn.model_selection import StratifiedGroupKFold, train_test_split  # noqa: PLC0415

    candidates = np.flatnonzero(fresh)
    _require_both_classes(rows, "holdout", fresh)
    labels = rows["label"].to_numpy()[candidates]
    if params.group is None:
        _, chosen = train_test_split(
            candidates,
            test_size=params.holdout_fraction,
            stratify=labels,
            random_state=params.seed,
        )
    else:
        folds = StratifiedGroupKFold(
            n_splits=max(2, round(1 / params.holdout_fraction)),
            shuffle=True,
            random_state=params.seed,
        )
        groups = rows[params.group].to_numpy()[candidates]
        _, picked = next(folds.split(candidates, labels, groups))
        chosen = candidates[picked]
    mask = np.zeros(len(rows), dtype=bool)
    mask[chosen] = True
    return mask


def _require_both_classes(rows: pd.DataFrame, part: str, mask: np.ndarray) -> None:
    counts = rows.loc[mask, "label"].value_counts()
    if len(counts) < 2:
        raise DataIncident(
            f"split: the {part} part has {int(mask.sum())} rows and the labels "
            f"{sorted(counts.index.tolist())}, expected rows of both labels. Either the data is "
            "broken or the champion has already seen this window: move collect.as_of on, or "
            "widen split.holdout_days."
        )
