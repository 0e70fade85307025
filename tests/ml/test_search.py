"""The search: budgeted, seeded, warm-started, and the same on a Dask cluster."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from pipeline.config import TrainParams
from pipeline.errors import ConfigurationError, OutsideError
from pipeline.ml.cluster import joblib_backend
from pipeline.ml.search import SearchResult, fit_on_few, search_parameters

SPACE = {"C": [10.0**power for power in range(-6, 4)]}


def params(**changes: object) -> TrainParams:
    defaults = {
        "search": "halving",
        "trials": 6,
        "minutes": 5.0,
        "cv_folds": 3,
        "scoring": "neg_log_loss",
        "seed": 3,
        "n_jobs": 1,
        "joblib_backend": "threading",
    }
    return TrainParams(**{**defaults, **changes})


def data(n: int = 1200) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    y = pd.Series((X["a"] + rng.normal(size=n) > 0).astype(int))
    return X, y


def run(first: list[dict] | None = None, rounds: list | None = None, **changes: object):
    X, y = data()
    seen = rounds if rounds is not None else []
    return search_parameters(
        LogisticRegression(),
        SPACE,
        X,
        y,
        first=first if first is not None else [{"C": 1.0}],
        params=params(**changes),
        on_round=lambda *what: seen.append(what),
    )


@pytest.mark.parametrize("search", ["halving", "random"])
@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc"])
@pytest.mark.parametrize("place", [slice(0, 20), slice(1180, 1200)], ids=["early", "late"])
@pytest.mark.filterwarnings("ignore")  # scikit-learn's, of scores that are none
def test_folds_without_a_row_of_a_label_are_told_with_what_to_do(search, scoring, place):
    X, y = data()
    y[:] = 0
    y[place] = 1
    chosen = params(search=search, scoring=scoring)
    options = {"first": [{"C": 1.0}], "params": chosen, "on_round": lambda *_: None}
    with pytest.raises(ConfigurationError) as caught:
        search_parameters(LogisticRegression(), SPACE, X, y, **options)
    [fault] = caught.value.faults
    assert fault.startswith("train.cv_folds: of 3 folds by time one has 0 rows of a label")
    assert fault.endswith("or train.search: none")


def test_another_fault_of_a_model_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="l1_ratio") as caught:
        run(first=[{"l1_ratio": 7.0}], search="random")
    assert not isinstance(caught.value, ConfigurationError)


def test_a_few_rows_of_each_class_are_fitted_or_else_nothing_is_said() -> None:
    X, y = data()
    y = y.where(y.index > 1000, 0)  # one class is late and rare
    model = fit_on_few(LogisticRegression(), {"C": 0.5}, X, y)
    assert isinstance(model, LogisticRegression)
    assert (model.C, model.classes_.tolist()) == (0.5, [0, 1])
    assert fit_on_few(LogisticRegression(), {"C": -1.0}, X, y) is None
    assert fit_on_few(LogisticRegression(), {}, X, y * 0) is None


def test_the_same_seed_finds_the_same_model_and_another_seed_tries_others() -> None:
    first, again, other = run(), run(), run(seed=4)
    assert first.params == again.params
    assert (first.model.coef_ == again.model.coef_).all()
    pd.testing.assert_frame_equal(first.trials, again.trials)
    assert not first.trials.equals(other.trials)


def test_fewer_sets_than_trials_are_all_tried_without_a_warning() -> None:
    X, y = data(300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = search_parameters(
            LogisticRegression(),
            {"C": [0.1, 1.0, 10.0]},
            X,
            y,
            first=[{"C": 1.0}],
            params=params(search="random", trials=6),
            on_round=lambda *_: None,
        )
    assert set(found.trials["param_C"]) == {0.1, 1.0, 10.0}


@pytest.mark.parametrize("search", ["halving", "random"])
def test_the_parameters_to_start_from_are_tried_for_certain(search: str) -> None:
    result = run(first=[{"C": 0.123}, {"C": 0.456}], search=search)
    assert {0.123, 0.456} <= set(result.trials["param_C"])
    assert result.trials["param_C"].nunique() == 6


def test_halving_gives_more_rows_to_fewer_candidates_each_round() -> None:
    rounds: list[tuple[int, int]] = []
    result = run(rounds=rounds, trials=9)
    assert [candidates for candidates, _ in rounds] == [9, 3, 1]
    assert rounds[0][1] < rounds[1][1] < rounds[2][1]
    best = result.trials[result.trials["iter"] == 2]
    assert result.params == {"C": best["param_C"].iloc[0]}


@pytest.mark.parametrize(("search", "minutes"), [("halving", 5), ("random", 5), ("halving", 1e-9)])
def test_the_score_is_the_winner_s_and_no_better_one_of_fewer_rows(
    search: str, minutes: float
) -> None:
    result = run(search=search, trials=9, minutes=minutes)
    trials = result.trials.tail(1) if search == "halving" and minutes == 5 else result.trials
    (best,) = trials.loc[trials["param_C"] == result.params["C"], "mean_test_score"]
    assert result.score == best == trials["mean_test_score"].max()
    if minutes == 5 and search == "halving":
        assert result.score < result.trials["mean_test_score"].max()


def test_without_a_search_the_first_parameters_are_fitted_as_they_are() -> None:
    result = run(search="none")
    assert result.params == {"C": 1.0}
    assert result.trials.empty
    assert result.score is None
    assert result.model.C == 1.0


def test_a_spent_budget_stops_after_the_first_round_and_says_so() -> None:
    rounds: list[tuple[int, int]] = []
    result = run(rounds=rounds, trials=9, minutes=1e-9)
    assert result.is_out_of_time
    assert len(rounds) == 1
    assert result.trials["iter"].max() == 0
    assert result.params["C"] in set(result.trials["param_C"])
    assert not run().is_out_of_time


def test_a_spent_budget_stops_a_random_search_between_candidates() -> None:
    rounds: list[tuple[int, int]] = []
    result = run(rounds=rounds, search="random", trials=9, minutes=1e-9)
    assert result.is_out_of_time
    assert rounds == [(1, 0)]  # one job, one candidate: the first, which is tried for certain
    assert result.params == {"C": 1.0}
    assert len(result.trials) == 1


def test_a_random_search_in_rounds_finds_what_it_finds_in_one() -> None:
    rounds: list[tuple[int, int]] = []
    result = run(rounds=rounds, search="random", n_jobs=2)
    assert rounds == [(2, 0)] * 3
    assert not result.is_out_of_time
    with joblib.parallel_config(backend="threading"):  # six processes would import all anew
        at_once = run(search="random", n_jobs=6)
    assert result.params == at_once.params
    pd.testing.assert_frame_equal(result.trials, at_once.trials)


@pytest.mark.parametrize("search", ["halving", "random"])
def test_minutes_that_are_spent_in_the_only_round_are_told(search: str) -> None:
    result = run(search=search, trials=2, n_jobs=2, minutes=1e-9)
    assert len(result.trials) == 2
    assert result.is_out_of_time


@pytest.fixture
def dask_scheduler() -> Iterator[str]:
    """A real Dask cluster: a scheduler and two workers in processes of their own."""
    script = (
        "from distributed import LocalCluster\n"
        "import sys\n"
        "if __name__ == '__main__':\n"
        "    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None,"
        " host='127.0.0.1')\n"
        "    print(cluster.scheduler_address, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(timeout=30)


def test_a_dask_cluster_runs_the_same_search(
    dask_scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", dask_scheduler)
    local: SearchResult = run()
    where: set[str] = set()
    with joblib_backend(params(joblib_backend="dask")):
        where.update(joblib.Parallel()(joblib.delayed(os.getpid)() for _ in range(8)))
        remote: SearchResult = run(n_jobs=-1)
    assert os.getpid() not in where
    assert remote.params == local.params
    assert np.allclose(remote.model.coef_, local.model.coef_)


def test_a_scheduler_that_does_not_answer_is_an_outside_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    with (
        pytest.raises(OutsideError, match=r"127\.0\.0\.1:9"),
        joblib_backend(params(joblib_backend="dask")),
    ):
        pass
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS")
    with (
        pytest.raises(ConfigurationError, match="DASK_SCHEDULER_ADDRESS"),
        joblib_backend(params(joblib_backend="dask")),
    ):
        pass
