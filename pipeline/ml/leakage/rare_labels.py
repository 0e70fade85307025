"""A feature that alone marks rows of a rare label: a leak that an AUC does not see.

A value that half of the rare rows have, and no other row, has an AUC of 0.75. Of a common label
some honest value marks a small group as purely (one cell of a scanned digit, for instance), so
nothing is judged there; and a group must hold a good part of the rare rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.auc import MIN_CLASS_ROWS, has_both_classes, too_few
from pipeline.ml.leakage.column_codes import as_numbers, category_codes, features_of
from pipeline.ml.leakage.single_features import TOO_GOOD, out_of_fold_rate

RARE_SHARE = 0.05  # a label of fewer rows than this is rare
LEAST_SHARE = 0.25  # of the rare rows that a marked group must hold, and MIN_CLASS_ROWS of them


def check_rare_labels(frame: pd.DataFrame, *, limit: float, seed: int) -> Iterator[Finding]:
    """No feature alone may mark a group of rows of which more than `limit` have the rarer label.

    Judged where that label is less than 5 % of the rows, of groups with a quarter or more of its
    rows, and 30. Reports the purest group even if none is too pure.
    """
    labels = frame["label"].to_numpy(dtype=np.float64)
    expected = f"at most {limit:g} of any group that one feature marks"
    if not has_both_classes(labels):
        yield too_few("rare_label", "what one feature marks")
        return
    rare = labels if labels.mean() <= 0.5 else 1 - labels
    if rare.mean() >= RARE_SHARE:
        said = f"the rarer label is {rare.mean():.1%} of the rows"
        wanted = f"judged below {RARE_SHARE:.0%}: single_feature judges the others"
        yield Finding("rare_label", None, Verdict.PASS, said, wanted)
        return
    names = features_of(frame)
    purities = {name: purest_group(frame[name], rare, seed=seed) for name in names}
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
    numbers also all above, or all below, some value.
    """
    rankings = [(out_of_fold_rate(category_codes(values), rare, seed), rare)]
    numbers = as_numbers(values, two_categories=False)
    if numbers is not None:
        known = np.isfinite(numbers)
        rankings += [(numbers[known], rare[known]), (-numbers[known], rare[known])]
    least = max(MIN_CLASS_ROWS, LEAST_SHARE * rare.sum())
    return max(_purest_head(scores, marks, least) for scores, marks in rankings)


def _purest_head(scores: np.ndarray, rare: np.ndarray, least: float) -> float:
    """The largest share of `rare` from the highest score down to any, with `least` of them."""
    order = np.argsort(-scores, kind="stable")
    is_last = np.diff(scores[order], append=-np.inf) != 0  # of its score: ties are not parted
    found, rows = np.cumsum(rare[order])[is_last], np.flatnonzero(is_last) + 1
    shares = (found / rows)[found >= least]
    return float(shares.max(initial=0.0))
