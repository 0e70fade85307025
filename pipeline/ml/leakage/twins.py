"""Holdout rows that repeat the features of a training row: honest ones, and copies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.column_codes import features_of

TWIN_EXCESS = 0.05  # more twins than expected by this share of the holdout are too many
STANDARD_ERRORS = 4.0


@dataclass(frozen=True)
class Twins:
    """Holdout rows whose features all equal those of a training row.

    `share` is of the holdout. `expected` is the share that the newest training rows have among as
    many older ones as `recent` counts of the holdout's: the two differ only by what is odd about
    the holdout. `agreement` is the share of twins with the same label as their (first) twin,
    `chance` what independent labels would give.
    """

    rows: int
    holdout_rows: int
    share: float
    recent: float
    expected: float
    error: float
    agreement: float
    chance: float

    @property
    def are_too_many(self) -> bool:
        """Whether `recent` is above `expected` by 5 points and by 4 standard errors."""
        return self.recent - self.expected > max(TWIN_EXCESS, STANDARD_ERRORS * self.error)

    @property
    def are_copies(self) -> bool:
        """Whether they are too many where hardly any are natural: then they tell rows apart."""
        return self.are_too_many and self.expected <= TWIN_EXCESS


def check_twins(twins: Twins) -> Iterator[Finding]:
    """Reports holdout rows that repeat a training row's features. Never fails by itself.

    A few coarse features, or a schedule that repeats, give honest twins by the thousand. Copies
    under new ids, such as oversampling before the split, give more than the training rows have
    among themselves. Where honest twins are rare, `check_shuffled_labels` then shuffles by features
    and fails if a model can use the copies; where they are common, nothing tells them apart.
    """
    said = (
        f"{twins.rows:,} of {twins.holdout_rows:,} holdout rows ({twins.share:.1%}) have the "
        f"features of a training row; of recent ones {twins.recent:.1%}, "
        f"{twins.expected:.1%} expected"
    )
    if twins.rows:
        said += f"; {twins.agreement:.1%} share its label, {twins.chance:.1%} by chance"
    if twins.are_too_many:
        said += ". More than expected: look for rows that were copied before the split"
    expected = f"not more than {TWIN_EXCESS:.0%} above expectation (reported, not failed)"
    yield Finding("twins", None, Verdict.PASS, said, expected, twins.rows)


def find_twins(train: pd.DataFrame, holdout: pd.DataFrame) -> Twins:
    """Counts twins by a 64-bit hash of all features."""
    names = features_of(train)
    mine, theirs = (feature_hashes(part, names) for part in (train, holdout))
    is_twin = np.isin(theirs, mine)
    first_label = pd.Series(train["label"].to_numpy(), index=mine)
    first_label = first_label[~first_label.index.duplicated()]
    same = first_label.reindex(theirs[is_twin]).to_numpy() == holdout["label"].to_numpy()[is_twin]
    p, q = float(train["label"].mean()), float(holdout["label"].mean())
    recent, expected, error = _compare_twins(_in_time_order(train, mine), theirs)
    return Twins(
        rows=int(is_twin.sum()),
        holdout_rows=len(theirs),
        share=_mean(is_twin),
        recent=recent,
        expected=expected,
        error=error,
        agreement=_mean(same),
        chance=p * q + (1 - p) * (1 - q),
    )


def _compare_twins(mine: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """(share among the newest of `mine`, the same of its newest rows themselves, its error)."""
    newest = min(len(theirs), len(mine) // 2)
    older = len(mine) - newest
    expected = _mean(np.isin(mine[older:], mine[:older]))
    recent = _mean(np.isin(theirs, mine[newest:]))
    return recent, expected, float(np.sqrt(expected * (1 - expected) / max(newest, 1)))


def _in_time_order(frame: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    order = frame["event_time"].reset_index(drop=True).sort_values(kind="stable").index
    return values[order.to_numpy()]


def _mean(flags: np.ndarray) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def feature_hashes(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """A 64-bit hash of the columns `names` of each row: shape (n,), uint64.

    Without any column every row has a number of its own.
    """
    if not names or frame.empty:
        return np.arange(len(frame), dtype=np.uint64)
    hashes = pd.util.hash_pandas_object(frame[names], index=False)
    return hashes.to_numpy(dtype=np.uint64)
