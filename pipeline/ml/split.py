"""Which rows train and which judge.

The holdout judges champion and challenger on the same rows, so neither may have trained on them:
rows that the champion's line has seen are never in the holdout.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import islice

import numpy as np
import pandas as pd

from pipeline.config import SplitParams
from pipeline.errors import DataIncident
from pipeline.ml.digest import row_hashes

MOST_FOLDS = 20


@dataclass(frozen=True)
class Split:
    """Boolean masks over the rows, shape (n,): never both True; rows in neither are set aside."""

    train: np.ndarray
    holdout: np.ndarray

    @property
    def set_aside(self) -> int:
        """Rows in neither part: seen by the champion, or sharing a group with the holdout."""
        return int((~self.train & ~self.holdout).sum())


def split_rows(
    rows: pd.DataFrame, seen: np.ndarray, params: SplitParams, until: datetime | None = None
) -> Split:
    """Split labelled `rows` (columns id, event_time, label, and the group column if any).

    `until` (aware) is where the window of `rows` ends, exclusive: a day that ends there at noon is
    half a day, and the holdout begins at noon as well. `seen` holds the row hashes, shape (m,),
    that the champion's line trained on. Rows without a group belong to none: each is split as if
    alone. Raises DataIncident where either part would be empty or hold one class only, or too few
    rows for a stratified share.
    """
    fresh = ~np.isin(row_hashes(rows["id"]), seen)
    if params.method == "time":
        reserved = _newest(rows, params.holdout_days, until)
    else:
        reserved = _stratified(rows, fresh, params)
    holdout = reserved & fresh
    train = ~reserved
    if params.group is not None:
        judged = rows.loc[holdout, params.group].dropna()
        train &= ~rows[params.group].isin(judged).to_numpy()
    _require_both_classes(rows, "holdout", holdout)
    _require_both_classes(rows, "training", train)
    return Split(train=train, holdout=holdout)


def _newest(rows: pd.DataFrame, days: int, until: datetime | None) -> np.ndarray:
    """The rows at most `days` older than the newest day's end, or `until` where that is sooner."""
    end = rows["event_time"].max().normalize() + pd.Timedelta(days=1)
    end = end if until is None else min(end, pd.Timestamp(until))
    return (rows["event_time"] >= end - pd.Timedelta(days=days)).to_numpy()


def _stratified(rows: pd.DataFrame, fresh: np.ndarray, params: SplitParams) -> np.ndarray:
    """A seeded share of the fresh rows with the label rate kept, whole groups where asked.

    The share is exact to half a row; with groups, as near as their sizes and `_as_folds` allow.
    """
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
        share = _as_folds(params.holdout_fraction)
        _require_enough_for(share.denominator, labels)
        folds = StratifiedGroupKFold(
            n_splits=share.denominator, shuffle=True, random_state=params.seed
        )
        groups = _group_codes(rows[params.group].iloc[candidates])
        parts = folds.split(candidates, labels, groups)
        picked = [part for _, part in islice(parts, share.numerator)]
        chosen = candidates[np.concatenate(picked)]
    mask = np.zeros(len(rows), dtype=bool)
    mask[chosen] = True
    return mask


def _as_folds(share: float) -> Fraction:
    """`share` (above 0, below 1) as so many of so many folds, to the nearest of at most 20.

    More folds take much longer; only a share near 0 or 1 gets them, lest it be all or nothing.
    """
    most = max(MOST_FOLDS, round(1 / share), round(1 / (1 - share)))
    return Fraction(share).limit_denominator(most)


def _group_codes(groups: pd.Series) -> np.ndarray:
    """A number for each group, shape (n,); each row without a group is one of its own."""
    codes, names = pd.factorize(groups, sort=True)
    alone = codes == -1
    codes[alone] = len(names) + np.arange(alone.sum())
    return codes


def _require_enough_for(folds: int, labels: np.ndarray) -> None:
    fewest = int(np.unique(labels, return_counts=True)[1].min())
    if fewest < folds:
        raise DataIncident(
            f"split: found {fewest} fresh rows of one label, expected {folds} or more to split "
            "whole groups by split.holdout_fraction: widen the window, or choose a coarser share"
        )


def _require_both_classes(rows: pd.DataFrame, part: str, mask: np.ndarray) -> None:
    counts = rows.loc[mask, "label"].value_counts()
    if len(counts) < 2:
        raise DataIncident(
            f"split: the {part} part has {int(mask.sum())} rows and the labels "
            f"{sorted(counts.index.tolist())}, expected rows of both labels. Either the data is "
            "broken or the champion has already seen this window: move collect.as_of on, or "
            "widen split.holdout_days."
        )
