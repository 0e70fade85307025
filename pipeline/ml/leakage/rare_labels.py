"""A feature that alone marks rows of a rare label: a leak that an AUC does not see.

A value that half of the rare rows have, and no other row, has an AUC of 0.75. Of a common label
some honest value marks a small group as purely (one cell of a scanned digit, for instance), so
nothing is judged there; and a group must hold a good part of the rare rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.auc import MIN_CLASS_ROWS, has_both_classes, too_few
from pipeline.ml.leakage.column_codes import as_numbers, features_of
from pipeline.ml.leakage.single_features import TOO_GOOD, out_of_fold_rate

RARE_SHARE = 0.05  # a label of fewer rows than this is rare
LEAST_SHARE = 0.25  # of the rare rows that a marked group must hold, and MIN_CLASS_ROWS of them


def check_rare_labels(
    frame: pd.DataFrame, sample: pd.DataFrame, *, limit: float, seed: int
) -> Iterator[Finding]:
    """No feature alone may mark a group of rows of which more than `limit` have the rarer label.

    Judged where that label is less than 5 % of the labelled rows of `frame`, of groups with a
    quarter or more of its rows, and 30. Reports the purest group even if none is too pure.

    `sample` holds labelled rows of `frame`, the rarer label's with a larger part than the others.
    So no group is less pure there, and only features that are too pure there are read whole.
    """
    labels = _labels(frame)
    expected = f"at most {limit:g} of any group that one feature marks"
    if not has_both_classes(labels):
        yield too_few("rare_label", "what one feature marks")
        return
    rarer = 1.0 if labels.mean() <= 0.5 else 0.0
    share = float((labels == rarer).mean())
    if share >= RARE_SHARE:
        said = f"the rarer label is {share:.1%} of the rows"
        wanted = f"judged below {RARE_SHARE:.0%}: single_feature judges the others"
        yield Finding("rare_label", None, Verdict.PASS, said, wanted)
        return
    names = features_of(frame)
    purities = _purities(sample, names, rarer, seed)
    if len(sample) < len(labels):
        suspects = [name for name in names if purities[name] > limit]
        odds = _odds(share) / _odds(float((_labels(sample) == rarer).mean()))
        estimates = {name: _with_odds(purity, odds) for name, purity in purities.items()}
        purities = _purities(frame, suspects, rarer, seed) or estimates
    pure = {name: purity for name, purity in purities.items() if purity > limit}
    for name, purity in sorted(pure.items(), key=lambda pair: (-pair[1], pair[0])):
        said = f"{purity:.3f} of a group that it marks alone have the rare label"
        yield Finding("rare_label", name, Verdict.FAIL, said, expected, len(frame), mend=TOO_GOOD)
    if purities and not pure:
        best = max(purities, key=lambda name: (purities[name], name))
        said = f"{purities[best]:.3f} of the purest group have the rare label"
        yield Finding("rare_label", best, Verdict.PASS, said, expected)


def purest_group(values: pd.Series, rare: np.ndarray, *, seed: int) -> float:
    """The largest share of `rare` (0/1, shape (n,)) in a group that `values` mark; 0 for no group.

    A group is the values with the highest out-of-fold rates, where a gap is a value too; of
    numbers also all above, or all below, some value, and an interval with just enough rare rows.
    """
    least = max(MIN_CLASS_ROWS, LEAST_SHARE * rare.sum())
    codes, _ = pd.factorize(values, use_na_sentinel=False)
    shares = [_purest_head(out_of_fold_rate(codes, rare, seed), rare, least)]
    numbers = as_numbers(values, two_categories=False)
    if numbers is not None:
        known = np.isfinite(numbers)
        numbers, marks = numbers[known], rare[known]
        shares += [_purest_head(scores, marks, least) for scores in (numbers, -numbers)]
        shares.append(_purest_interval(numbers, marks, least))
    return max(shares)


def _purest_head(scores: np.ndarray, rare: np.ndarray, least: float) -> float:
    """The largest share of `rare` from the highest score down to any, with `least` of them."""
    order = np.argsort(-scores, kind="stable")
    is_last = np.diff(scores[order], append=-np.inf) != 0  # of its score: ties are not parted
    found, rows = np.cumsum(rare[order])[is_last], np.flatnonzero(is_last) + 1
    shares = (found / rows)[found >= least]
    return float(shares.max(initial=0.0))


def _purest_interval(numbers: np.ndarray, rare: np.ndarray, least: float) -> float:
    """The largest share of `rare` between two values, from the first to the last of `least`."""
    order = np.argsort(numbers, kind="stable")
    numbers, rare = numbers[order], rare[order]
    marked = numbers[rare == 1]
    steps = math.ceil(least) - 1
    ends = np.searchsorted(numbers, marked[steps:], side="right")
    starts = np.searchsorted(numbers, marked[: len(ends)], side="left")  # ties are not parted
    found = np.concatenate([[0], np.cumsum(rare)])
    shares = (found[ends] - found[starts]) / (ends - starts)
    return float(shares.max(initial=0.0))


def _purities(frame: pd.DataFrame, names: list[str], rarer: float, seed: int) -> dict[str, float]:
    """The purest group of each feature, over the labelled rows of `frame`."""
    labelled = frame["label"].notna()
    rare = (_labels(frame) == rarer).astype(np.float64)
    return {name: purest_group(frame.loc[labelled, name], rare, seed=seed) for name in names}


def _labels(frame: pd.DataFrame) -> np.ndarray:
    return frame["label"].dropna().to_numpy(dtype=np.float64)


def _odds(share: float) -> float:
    return share / (1 - share)


def _with_odds(share: float, ratio: float) -> float:
    """`share` (0 to 1) where the odds are `ratio` times as high."""
    return share * ratio / (share * ratio + 1 - share)
