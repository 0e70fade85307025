"""Whether a model that was taught shuffled labels recognises rows of the holdout."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import ExtraTreesClassifier

from pipeline.domain import Verdict
from pipeline.ml.digest import row_hashes
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.auc import auc, has_both_classes, too_few
from pipeline.ml.leakage.column_codes import as_matrices, features_of
from pipeline.ml.leakage.overlaps import among
from pipeline.ml.leakage.twins import STANDARD_ERRORS, feature_hashes

SHUFFLES = 2
MEMORISING_TREES = 5  # grown to single rows, so they know by heart what they have seen
_LARGEST = float(np.finfo(np.float32).max)  # trees read float32 and refuse infinity


def check_shuffled_labels(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    band: float,
    sample_rows: int,
    seed: int,
    by_features: bool = False,
    estimator: BaseEstimator | None = None,
) -> Iterator[Finding]:
    """A model fitted to shuffled labels must score 0.5 ± `band` on the holdout, in two senses.

    *Against the holdout's shuffled labels.* Labels are shuffled once over both parts, one for each
    identity: the id, or with `by_features` (twins that are copies) the whole feature row.
    So a row that is in both parts carries one shuffled label in both, and only a model that
    recognises the row can score above 0.5. This finds shared and copied rows, and measures whether
    a model can exploit them.

    *Against the holdout's real labels.* Each shuffle is fitted twice, as it is and with 0 and 1
    exchanged; the two errors of an honest feature, however strong, mirror each other, so their mean
    is 0.5. It is not where true labels reach the model by another way than y: an `estimator` that
    looks them up, or that was fitted before. With the default model this half is a self-test.

    Neither half sees a feature that encodes the label: once labels are shuffled, it predicts
    nothing. That is the business of `check_label_copies` and `check_single_features`.

    Small samples widen the band to 4 standard errors of an AUC.
    """
    names = features_of(train)
    parts = _meeting_samples(train, holdout, names, sample_rows, seed, by_features=by_features)
    labels = [part["label"].to_numpy(dtype=np.float64) for part, _ in parts]
    if not names or not all(map(has_both_classes, labels)):
        yield too_few("shuffled_labels", "a model fitted to shuffled labels")
        return
    shuffled, real = _shuffled_scores(parts, labels, names, seed, estimator)
    positives = float(labels[1].sum())
    negatives = len(labels[1]) - positives
    error = np.sqrt((len(labels[1]) + 1) / (12 * positives * negatives * SHUFFLES))
    limit = max(band, STANDARD_ERRORS * error)
    what = "features" if by_features else "id"
    for check, score, said in (
        ("shuffled_labels", shuffled, f"against labels shuffled by {what}"),
        ("shuffled_labels_real", real, "against the real labels"),
    ):
        yield _shuffled_finding(check, score, limit, said, len(labels[1]))


def _shuffled_finding(check: str, score: float, limit: float, said: str, rows: int) -> Finding:
    found = f"AUC {score:.3f} {said}, on {rows:,} holdout rows"
    expected = f"0.5 ± {limit:.3f}"
    if abs(score - 0.5) <= limit:
        return Finding(check, None, Verdict.PASS, found, expected)
    mend = "look for rows copied across the split, or a model that gets labels another way than y"
    return Finding(check, None, Verdict.FAIL, found, expected, rows, mend=mend)


def _shuffled_scores(
    parts: list[tuple[pd.DataFrame, np.ndarray]],
    labels: list[np.ndarray],
    names: list[str],
    seed: int,
    estimator: BaseEstimator | None,
) -> tuple[float, float]:
    """Mean holdout AUC of models fitted to shuffled labels: (by shuffled, by real labels)."""
    train, holdout = (part[names] for part, _ in parts)
    if estimator is None:
        train, holdout = (
            np.clip(part, -_LARGEST, _LARGEST) for part in as_matrices(train, holdout)
        )
        estimator = ExtraTreesClassifier(MEMORISING_TREES, random_state=seed)
    _, first, of_row = np.unique(
        np.concatenate([identities for _, identities in parts]),
        return_index=True,
        return_inverse=True,
    )
    one_each = np.concatenate(labels)[first]
    rng = np.random.default_rng(seed)
    by_shuffled, by_real = [], []
    for _ in range(SHUFFLES):
        drawn = rng.permutation(one_each)[of_row]
        mine, theirs = drawn[: len(train)], drawn[len(train) :]
        for flip in (False, True):
            y, truth = (1 - mine, 1 - theirs) if flip else (mine, theirs)
            fitted = clone(estimator).fit(train, y.astype(int))
            scores = fitted.predict_proba(holdout)[:, 1]
            by_shuffled.append(auc(scores, truth))
            by_real.append(auc(scores, labels[1]))
    return float(np.mean(by_shuffled)), float(np.mean(by_real))


def _meeting_samples(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    names: list[str],
    rows: int,
    seed: int,
    *,
    by_features: bool,
) -> list[tuple[pd.DataFrame, np.ndarray]]:
    """Half of `rows` from each part with their identities; those that occur in both come first.

    Two independent samples of large parts would hardly ever hold both halves of a pair.
    """
    rng = np.random.default_rng(seed)
    judged = np.sort(rng.permutation(len(holdout))[: rows // 2])
    if by_features:
        mine, theirs = (feature_hashes(part, names) for part in (train, holdout.iloc[judged]))
        shared = np.isin(mine, theirs)
    else:
        shared = among(train["id"], holdout["id"].iloc[judged]).to_numpy()
    taught = np.sort(np.lexsort((rng.random(len(train)), ~shared))[: rows - rows // 2])
    samples = (train.iloc[taught], holdout.iloc[judged])
    if by_features:
        return list(zip(samples, (mine[taught], theirs), strict=True))
    return [(sample, row_hashes(sample["id"])) for sample in samples]
