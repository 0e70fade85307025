"""Whether a model could score well for a reason that will not exist when it serves.

Each check returns at least one Finding, also when it passes. `train` and `holdout` are frames with
id, event_time, label and features; everything that is not a built-in column is a feature. Checks
that fit or rank read at most `sample_rows` rows; overlaps are counted on all rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import rankdata
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from pipeline.config import ValidateParams
from pipeline.domain import Verdict
from pipeline.ml.digest import row_hashes
from pipeline.ml.incident import Finding, examples_of, first_event
from pipeline.ml.schema import BUILT_IN

LABEL_WORDS = frozenset({"label", "labels", "target", "targets", "outcome", "outcomes"})
LABEL_NAMES = frozenset({"y", "y_true", "ytrue", "ground_truth", "groundtruth"})
MAX_LABEL_CORRELATION = 0.999
MIN_CLASS_ROWS = 30  # of each label, below which an AUC says nothing
FOLDS = 5
BINS = 50
PRIOR_ROWS = 10.0  # a category's rate counts as this many rows of the overall rate beside its own
SHUFFLES = 2
TWIN_EXCESS = 0.05  # more twins than expected by this share of the holdout are too many
STANDARD_ERRORS = 4.0
# Made to learn rows by heart, which is what the test asks for.
MEMORISER = {"max_iter": 15, "learning_rate": 0.5, "max_leaf_nodes": 255, "min_samples_leaf": 1}


def check_leakage(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    params: ValidateParams,
    group: str | None = None,
    seen: np.ndarray | None = None,
    forbidden: Collection[str] = (),
    known_ahead: Collection[str] = (),
    estimator: BaseEstimator | None = None,
) -> list[Finding]:
    """Every leakage check; deterministic in (frames, params).

    `seen` holds row hashes (uint64) that the champion's line trained on. `forbidden` names columns
    that must not be features, `known_ahead` time columns that may be later than the event (a plan).
    `estimator` is fitted with shuffled labels instead of a small boosting model.
    """
    sample = _sample(train, params.sample_rows, params.seed)
    twins = find_twins(train, holdout)
    return [
        *check_ids(train, holdout, seen),
        *check_groups(train, holdout, group),
        *check_names(train, forbidden),
        *check_after_event(train, holdout, known_ahead),
        *check_label_copies(sample),
        *check_single_features(sample, limit=params.max_single_feature_auc, seed=params.seed),
        *check_twins(twins),
        *check_shuffled_labels(
            train,
            holdout,
            band=params.shuffled_label_auc_band,
            sample_rows=params.sample_rows,
            seed=params.seed,
            by_features=twins.are_copies,
            estimator=estimator,
        ),
    ]


# ---------------------------------------------------------------- overlaps


def check_ids(
    train: pd.DataFrame, holdout: pd.DataFrame, seen: np.ndarray | None = None
) -> Iterator[Finding]:
    """No id may be in both parts, nor a holdout id among those that the champion trained on."""
    expected = "no holdout row that was trained on"
    mend = "look at the split and at ids that are used twice; a judge must not have seen the exam"
    overlap = {"id_overlap": (_among(holdout["id"], train["id"]), "in both parts")}
    if seen is not None:
        known = pd.Series(np.isin(row_hashes(holdout["id"]), seen), index=holdout.index)
        overlap["seen_by_champion"] = (known, "trained on by the champion's line")
    for check, (rows, said) in overlap.items():
        yield _overlap_finding(check, holdout, "id", rows, (said, expected, mend))


def check_groups(
    train: pd.DataFrame, holdout: pd.DataFrame, group: str | None
) -> Iterator[Finding]:
    """No value of the column `group` may be in both parts. Nulls belong to no group."""
    if group is None:
        return
    overlap = holdout[group].isin(train[group].dropna().unique())
    texts = (
        "in a group that is in both parts",
        "each group in one part",
        "set split.group in params.yaml to this column, so that groups stay whole",
    )
    yield _overlap_finding("group_overlap", holdout, group, overlap, texts)


def _overlap_finding(
    check: str, holdout: pd.DataFrame, column: str, overlap: pd.Series, texts: tuple[str, str, str]
) -> Finding:
    """`texts` are what the overlapping rows are, what was expected, and what to do."""
    count = int(overlap.sum())
    said, expected, mend = texts
    found = f"{count:,} of {len(holdout):,} holdout rows are {said}"
    if not count:
        return Finding(check, column, Verdict.PASS, found, expected)
    examples = examples_of(holdout[column][overlap].head(1000))
    since = first_event(holdout["event_time"][overlap])
    return _failed(check, column, found, expected, count, mend=mend, examples=examples, since=since)


# ---------------------------------------------------------------- columns that must not be features


def check_names(frame: pd.DataFrame, forbidden: Collection[str] = ()) -> Iterator[Finding]:
    """No feature may be on the list `forbidden`, or be named like a label (see `is_label_name`)."""
    names = features_of(frame)
    faults = {name: "a column that must not be a feature" for name in names if name in forbidden}
    faults |= {
        name: "a feature named like a label"
        for name in names
        if is_label_name(name) and name not in forbidden
    }
    for name, said in faults.items():
        mend = "take it out of the features; rename it in the query if it is no label"
        yield _failed("column_name", name, said, "features only", len(frame), mend=mend)
    if not faults:
        said = f"no name among {len(names)} features looks like a label"
        yield Finding("column_name", None, Verdict.PASS, said, "features only")


def is_label_name(name: str) -> bool:
    """Whether a word of `name` is label, target or outcome, or all of it is y or ground truth."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).casefold()
    words = re.sub(r"[^a-z0-9]+", "_", words).strip("_")
    parts = {re.sub(r"\d+$", "", word) for word in words.split("_")}
    return bool(parts & LABEL_WORDS) or words in LABEL_NAMES


def check_after_event(
    train: pd.DataFrame, holdout: pd.DataFrame, known_ahead: Collection[str] = ()
) -> Iterator[Finding]:
    """No time of a feature may be later than its event: it was not known when a score was needed.

    Looks at every other time column, `*_available_at` above all. The row's own available_at is when
    the warehouse had it, which may well be later.
    """
    names = [
        name
        for name in features_of(train)
        if name not in known_ahead and pd.api.types.is_datetime64_any_dtype(train[name].dtype)
    ]
    late_columns = False
    for name in names:
        late = pd.concat([_in_utc(part[name]) > part["event_time"] for part in (train, holdout)])
        if not late.any():
            continue
        late_columns = True
        rows = pd.concat([part[["event_time", name]] for part in (train, holdout)])[late.to_numpy()]
        said = f"{len(rows):,} of {len(late):,} rows have a time later than their event"
        mend = "take only what was known at the event; a plan made ahead goes into known_ahead"
        yield _failed(
            "after_event",
            name,
            said,
            "at or before event_time",
            len(rows),
            examples=examples_of(rows[name].head(1000)),
            mend=mend,
            since=first_event(rows["event_time"]),
        )
    if not late_columns:
        said = f"{len(names)} time columns, none later than its event"
        yield Finding("after_event", None, Verdict.PASS, said, "at or before event_time")


def check_label_copies(frame: pd.DataFrame) -> Iterator[Finding]:
    """No feature may be the label in other words: itself, its negation, |correlation| ≥ 0.999.

    A category with two values counts as 0 and 1.
    """
    labels = frame["label"].to_numpy(dtype=np.float64)
    copied = False
    for name in features_of(frame):
        said = _copy_of_label(_as_numbers(frame[name]), labels)
        if said is None:
            continue
        copied = True
        mend = "take it out of the features: it will not be there when the model serves"
        yield _failed(
            "label_copy", name, said, "something else than the label", len(frame), mend=mend
        )
    if not copied:
        yield Finding("label_copy", None, Verdict.PASS, "no feature is a copy", "none")


def _copy_of_label(values: np.ndarray | None, labels: np.ndarray) -> str | None:
    if values is None:
        return None
    known = np.isfinite(values)
    values, labels = values[known], labels[known]
    if len(values) < MIN_CLASS_ROWS or np.ptp(values) == 0 or np.ptp(labels) == 0:
        return None
    if np.array_equal(values, labels):
        return "equal to the label"
    if np.array_equal(values, 1 - labels):
        return "the negation of the label"
    correlation = float(np.corrcoef(values, labels)[0, 1])
    if abs(correlation) >= MAX_LABEL_CORRELATION:
        return f"correlation {correlation:.4f} with the label"
    return None


# ---------------------------------------------------------------- single features


def check_single_features(frame: pd.DataFrame, *, limit: float, seed: int) -> Iterator[Finding]:
    """No feature alone may have an AUC above `limit`. Reports the strongest even if none has."""
    labels = frame["label"].to_numpy(dtype=np.float64)
    if not _has_both_classes(labels):
        yield _too_few("single_feature", "an AUC of one feature")
        return
    scores = {name: feature_auc(frame[name], labels, seed=seed) for name in features_of(frame)}
    strong = {name: score for name, score in scores.items() if score > limit}
    expected = f"at most {limit:g} for any feature alone"
    for name, score in sorted(strong.items(), key=lambda pair: (-pair[1], pair[0])):
        mend = "look at when this value is known: most likely after the label, or because of it"
        said = f"AUC {score:.3f} alone"
        yield _failed("single_feature", name, said, expected, len(frame), mend=mend)
    if scores and not strong:
        best = max(scores, key=lambda name: (scores[name], name))
        said = f"AUC {scores[best]:.3f} for the strongest feature"
        yield Finding("single_feature", best, Verdict.PASS, said, expected)


def feature_auc(values: pd.Series, labels: np.ndarray, *, seed: int) -> float:
    """How well `values` alone rank `labels` (0/1, shape (n,)): 0.5 for nothing, up to 1.

    The better of two figures: known numbers as they are, in either direction; and the out-of-fold
    label rate of the value's category (of numbers, one of 50 quantile bins), where a gap is a
    category too, so that neither a hump nor a telling gap hides.
    """
    numbers = _as_numbers(values, two_categories=False)
    codes = _codes(values) if numbers is None else _bins(numbers)
    scores = [auc(_out_of_fold_rate(codes, labels, seed), labels)]
    if numbers is not None:
        known = np.isfinite(numbers)
        if _has_both_classes(labels[known]):
            direct = auc(numbers[known], labels[known])
            scores.append(max(direct, 1 - direct))
    return max(scores)


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve as the Mann-Whitney U of positives, ties counting half."""
    positive = labels == 1
    n, m = int(positive.sum()), int((~positive).sum())
    u = rankdata(scores)[positive].sum() - n * (n + 1) / 2
    return float(u / (n * m))


def _out_of_fold_rate(codes: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """For each row the label rate of its code in the other folds; folds keep the overall rate."""
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(labels)), labels))
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % FOLDS
    rate = np.empty(len(labels))
    for one in range(FOLDS):
        inside = fold == one
        counts = np.bincount(codes[~inside], minlength=codes.max() + 1)
        positives = np.bincount(codes[~inside], labels[~inside], minlength=codes.max() + 1)
        prior = labels[~inside].mean()
        rate[inside] = ((positives + PRIOR_ROWS * prior) / (counts + PRIOR_ROWS))[codes[inside]]
    return rate


# ---------------------------------------------------------------- twins


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
    mine, theirs = (_feature_hashes(part, names) for part in (train, holdout))
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


def _feature_hashes(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    if not names or frame.empty:
        return np.arange(len(frame), dtype=np.uint64)
    hashes = pd.util.hash_pandas_object(frame[names], index=False)
    return hashes.to_numpy(dtype=np.uint64)


# ---------------------------------------------------------------- shuffled labels


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
    if not names or not all(map(_has_both_classes, labels)):
        yield _too_few("shuffled_labels", "a model fitted to shuffled labels")
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
    return _failed(check, None, found, expected, rows, mend=mend)


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
        train, holdout = _as_matrices(train, holdout)
        estimator = HistGradientBoostingClassifier(
            **MEMORISER, early_stopping=False, random_state=seed
        )
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
            # So small a fit loses more to waiting threads than it wins by them.
            with threadpool_limits(1, user_api="openmp"):
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
        mine, theirs = (_feature_hashes(part, names) for part in (train, holdout.iloc[judged]))
        shared = np.isin(mine, theirs)
    else:
        shared = _among(train["id"], holdout["id"].iloc[judged]).to_numpy()
    taught = np.sort(np.lexsort((rng.random(len(train)), ~shared))[: rows - rows // 2])
    samples = (train.iloc[taught], holdout.iloc[judged])
    if by_features:
        return list(zip(samples, (mine[taught], theirs), strict=True))
    return [(sample, row_hashes(sample["id"])) for sample in samples]


# ---------------------------------------------------------------- small parts


def features_of(frame: pd.DataFrame) -> list[str]:
    """Every column that is not built in, in the frame's order."""
    return [str(name) for name in frame.columns if name not in BUILT_IN]


def _among(ids: pd.Series, others: pd.Series) -> pd.Series:
    """Which `ids` are among `others`, in Arrow: pandas would make Python strings of them all."""
    found = pc.is_in(pa.array(ids), value_set=pa.array(others))
    return pd.Series(found.to_numpy(zero_copy_only=False), index=ids.index, dtype=bool)


def _sample(frame: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """At most `rows` labelled rows, seeded, in the frame's order."""
    labelled = np.flatnonzero(frame["label"].notna())
    if len(labelled) > rows:
        labelled = np.sort(np.random.default_rng(seed).choice(labelled, rows, replace=False))
    return frame.iloc[labelled]


def _as_numbers(values: pd.Series, *, two_categories: bool = True) -> np.ndarray | None:
    """float64 with NaN for gaps; two categories as 0 and 1 where asked; None for other text."""
    types = pd.api.types
    if types.is_datetime64_any_dtype(values.dtype):
        ticks = values.astype("int64").to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(values.isna(), np.nan, ticks)
    if types.is_numeric_dtype(values.dtype) or types.is_bool_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    codes = _codes(values)
    known = values.notna().to_numpy()
    if two_categories and len(np.unique(codes[known])) == 2:
        return np.where(known, codes == codes[known].max(), np.nan)
    return None


def _codes(values: pd.Series) -> np.ndarray:
    """One integer for each different value, from 0 on, sorted; a gap has one too."""
    text = values.astype(object).where(values.notna(), "")
    return pd.factorize(text.map(str), sort=True)[0]


def _bins(numbers: np.ndarray) -> np.ndarray:
    """Quantile bins 0 to at most 49, and one more for gaps."""
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else []
    return np.where(np.isfinite(numbers), np.searchsorted(edges, numbers, side="right"), BINS)


def _as_matrices(*frames: pd.DataFrame) -> tuple[np.ndarray, ...]:
    """The frames as float64 matrices with the same codes for the same categories."""
    both = pd.concat(frames, ignore_index=True)
    columns = [_as_numbers(both[name], two_categories=False) for name in both]
    filled = [
        _codes(both[name]).astype(np.float64) if column is None else column
        for name, column in zip(both, columns, strict=True)
    ]
    matrix = np.column_stack(filled)
    return tuple(np.split(matrix, np.cumsum([len(frame) for frame in frames])[:-1]))


def _has_both_classes(labels: np.ndarray) -> bool:
    positives = int((labels == 1).sum())
    return min(positives, len(labels) - positives) >= MIN_CLASS_ROWS


def _in_utc(times: pd.Series) -> pd.Series:
    """Times without a zone are UTC, as in the warehouse."""
    return times if isinstance(times.dtype, pd.DatetimeTZDtype) else times.dt.tz_localize("UTC")


def _too_few(check: str, what: str) -> Finding:
    found = f"fewer than {MIN_CLASS_ROWS} rows of one of the labels: {what} would say nothing"
    return Finding(check, None, Verdict.PASS, found, "judged where there are enough rows")


def _failed(
    check: str,
    column: str | None,
    found: str,
    expected: str,
    rows: int,
    *,
    mend: str,
    examples: tuple[str, ...] = (),
    since: str | None = None,
) -> Finding:
    return Finding(check, column, Verdict.FAIL, found, expected, rows, examples, mend, since)
