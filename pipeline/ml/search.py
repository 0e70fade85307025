"""Hyperparameter search within a budget, warm-started from the champion's parameters."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pandas as pd
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 (makes the import work)
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    ParameterGrid,
    ParameterSampler,
    TimeSeriesSplit,
)

from pipeline.config import TrainParams
from pipeline.errors import ConfigurationError

FEW_ROWS = 50
# Of each label, in each part of each fold: halving's first round sees a ninth of them, or a third.
FOLD_ROWS = 30
OnRound = Callable[[int, int], None]  # (candidates of this round, rows each sees)


@dataclass(frozen=True)
class SearchResult:
    """The winner and what was tried. `trials` has a row for each candidate and round.

    `score` is the winner's mean over the folds of the last round, by `params.scoring`; None without
    a search. Scores of earlier rounds are of fewer rows and not to be compared with it.
    `is_out_of_time` says that the minutes were spent when the search ended, whether or not it
    would have tried more.
    """

    model: BaseEstimator
    params: dict[str, Any]
    score: float | None
    trials: pd.DataFrame
    is_out_of_time: bool


class _OutOfTimeError(Exception):
    """The minutes are spent; what was measured so far decides."""


class _TimedSearch:
    """Mixin that tells of each round and starts none after the deadline.

    `_run_search` is scikit-learn's documented hook for search strategies. The first round always
    runs: without it there would be nothing to choose from.
    """

    deadline: float
    on_round: OnRound
    is_out_of_time = False

    def _run_search(self, evaluate_candidates: Callable[..., Any], *, callback_ctx: Any) -> None:
        rounds = 0

        def evaluate(candidates: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal rounds
            if rounds and time.monotonic() > self.deadline:
                raise _OutOfTimeError
            rounds += 1
            rows = (kwargs.get("more_results") or {}).get("n_resources", [0])[0]
            candidates = list(candidates)
            self.on_round(len(candidates), int(rows))
            return evaluate_candidates(candidates, *args, **kwargs)

        with suppress(_OutOfTimeError):
            super()._run_search(evaluate, callback_ctx=callback_ctx)  # type: ignore[misc]
        self.is_out_of_time = time.monotonic() > self.deadline


class _GridInRounds(GridSearchCV):
    """A grid search of as many candidates at a time as there are jobs, which it keeps busy."""

    def _run_search(self, evaluate_candidates: Callable[..., Any], **_callbacks: Any) -> None:
        candidates = list(ParameterGrid(self.param_grid))
        size = effective_n_jobs(self.n_jobs)
        for start in range(0, len(candidates), size):
            evaluate_candidates(candidates[start : start + size])


class _TimedHalving(_TimedSearch, HalvingGridSearchCV):
    pass


class _TimedGrid(_TimedSearch, _GridInRounds):
    pass


def search_parameters(
    estimator: BaseEstimator,
    space: Mapping[str, Any],
    X: pd.DataFrame,
    y: pd.Series,
    *,
    first: list[dict[str, Any]],
    params: TrainParams,
    on_round: OnRound,
) -> SearchResult:
    """Choose parameters on time-ordered folds of (X, y), then fit on all of it.

    X and y must be ordered by time. `first` are parameter sets that are tried for certain, such as
    the champion's; the rest of `params.trials` is drawn from `space`, seeded. Once
    `params.minutes` are spent no further round is started: of halving's, or with search: random a
    round of as many candidates as there are jobs. With search: none the first of `first` is fitted
    as it is.

    Raises ConfigurationError where the folds hold so few rows of a label that scores are no numbers
    or the model cannot be fitted.
    """
    candidates = _candidates(space, first, params)
    if params.search == "none" or len(candidates) == 1:
        model = clone(estimator).set_params(**candidates[0]).fit(X, y)
        return SearchResult(model, candidates[0], None, pd.DataFrame(), is_out_of_time=False)
    search = _new_search(estimator, candidates, params)
    search.deadline = time.monotonic() + params.minutes * 60
    search.on_round = on_round
    try:
        search.fit(X, y)
    except ValueError as error:
        raise _told_of_folds(error, y, params) from error
    if math.isnan(search.best_score_):
        raise _told_of_folds(ValueError(f"no score by {params.scoring}"), y, params)
    return SearchResult(
        model=search.best_estimator_,
        params=search.best_params_,
        score=float(search.best_score_),
        trials=_trials(search.cv_results_),
        is_out_of_time=search.is_out_of_time,
    )


def fit_on_few(
    estimator: BaseEstimator, parameters: Mapping[str, Any], X: pd.DataFrame, y: pd.Series
) -> BaseEstimator | None:
    """A clone with `parameters`, fitted on the first FEW_ROWS of each class: to look at its parts.

    None where it cannot be fitted on so few: what it says then, it may not say of all rows.
    """
    few = y.groupby(y).head(FEW_ROWS).index
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of few rows: the search says what is true of all
            return clone(estimator).set_params(**parameters).fit(X.loc[few], y.loc[few])
    except Exception:  # noqa: BLE001 (whatever it is, the search meets it too if it is real)
        return None


def _candidates(
    space: Mapping[str, Any], first: list[dict[str, Any]], params: TrainParams
) -> list[dict[str, Any]]:
    sampler = ParameterSampler(dict(space), n_iter=params.trials, random_state=params.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of fewer sets than trials: all are tried
        drawn = list(sampler)
    unique: list[dict[str, Any]] = []
    for candidate in [*first, *drawn]:
        if candidate not in unique:
            unique.append(candidate)
    return unique[: max(params.trials, len(first))]


def _new_search(
    estimator: BaseEstimator, candidates: list[dict[str, Any]], params: TrainParams
) -> _TimedHalving | _TimedGrid:
    # A list of one-point grids is how scikit-learn takes exactly these candidates.
    grid = [{name: [value] for name, value in candidate.items()} for candidate in candidates]
    folds = TimeSeriesSplit(n_splits=params.cv_folds)
    common = {
        "scoring": params.scoring,
        "cv": folds,
        "n_jobs": params.n_jobs,
        "error_score": "raise",
    }
    if params.search == "random":
        return _TimedGrid(estimator, grid, **common)
    return _TimedHalving(
        estimator, grid, factor=3, min_resources="exhaust", random_state=params.seed, **common
    )


def _told_of_folds(error: ValueError, y: pd.Series, params: TrainParams) -> Exception:
    """`error`, or where a fold lacks rows of a label what to do about that."""
    folds = TimeSeriesSplit(n_splits=params.cv_folds).split(y)
    parts = [y.iloc[rows] for fold in folds for rows in fold]
    fewest = min(int((part == label).sum()) for part in parts for label in (0, 1))
    if fewest >= FOLD_ROWS:
        return error
    said = str(error)[:200]
    fault = (
        f"train.cv_folds: of {params.cv_folds} folds by time one has {fewest} rows of a label to "
        f"fit or to score, expected {FOLD_ROWS} or more ({said}): take fewer folds, more "
        "history (collect.history_days), or train.search: none"
    )
    return ConfigurationError("params.yaml", [fault])


def _trials(results: Mapping[str, Any]) -> pd.DataFrame:
    """What was tried, without the fit times: they would differ from run to run."""
    frame = pd.DataFrame(results)
    columns = [name for name in frame if name.startswith("param_")]
    rounds = [name for name in ("iter", "n_resources") if name in frame]
    return frame[[*rounds, *columns, "mean_test_score", "std_test_score"]]
