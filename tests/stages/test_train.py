"""What train writes down of its search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.errors import ConfigurationError
from pipeline.jsonio import load_json
from pipeline.ml.search import SearchResult
from pipeline.ml.tables import save_table
from pipeline.stages import outputs, train
from tests.digits import OVERLAY
from tests.repository import copy_repository, edit, python


@pytest.mark.parametrize("score", [-0.55, None])
def test_the_best_score_is_the_winner_s(tmp_path: Path, score: float | None) -> None:
    model = LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])
    trials = pd.DataFrame({"iter": [0, 1], "mean_test_score": [-0.4, -0.55]})
    result = SearchResult(model, {"C": 1.0}, score, trials, is_out_of_time=False)
    train._save(tmp_path, result, "skops")
    assert load_json(tmp_path / outputs.TRAIN_SUMMARY)["best_score"] == score


HOMEMADE = """

def doubled(values):
    return values * 2


def build_model(features, seed):
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(doubled), LogisticRegression())
"""


def test_a_model_that_skops_refuses_is_refused_before_the_search(tmp_path: Path) -> None:
    root = copy_repository(tmp_path / "digits", OVERLAY)
    module = root / "pipeline/usecase/model.py"
    module.write_text(module.read_text() + HOMEMADE)
    edit(root / "params.yaml", {"n_jobs: 2": "n_jobs: 1"})
    save_table(root / outputs.TRAIN_ROWS, train_rows())
    done = python(root, "pipeline.stages", "train")
    assert done.returncode == ConfigurationError.exit_code, done.stderr
    assert "pipeline.usecase.model.doubled: skops does not trust this type" in done.stderr
    assert "parameter sets" not in done.stdout + done.stderr
    edit(root / "params.yaml", {"format: skops": "format: joblib"})
    done = python(root, "pipeline.stages", "train")
    assert done.returncode == 0, done.stderr
    assert "parameter sets" in done.stdout


PIPELINE = make_pipeline(StandardScaler(), LogisticRegression())


def faults_of(model: object, **named: dict[str, object]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        train._check_model(model, named)
    return caught.value.faults


def test_what_is_no_model_is_refused() -> None:
    assert faults_of(None) == ("build_model: returned NoneType, expected a scikit-learn model",)


def test_a_model_without_probabilities_and_unknown_parameters_are_told_at_once() -> None:
    no_scores, no_name = faults_of(RidgeClassifier(), DEFAULTS={"alfa": 1.0})
    assert "RidgeClassifier has no predict_proba" in no_scores
    assert "DEFAULTS: 'alfa' is no parameter of the model; did you mean 'alpha'?" in no_name


def test_a_parameter_without_its_step_is_told_how_it_is_named() -> None:
    (fault,) = faults_of(PIPELINE, SEARCH_SPACE={"C": [1.0], "logisticregression__tol": [0.1]})
    assert "SEARCH_SPACE: 'C' is no parameter" in fault
    assert "begin with the step's name" in fault


def test_a_searched_part_may_bring_parameters_of_its_own() -> None:
    space = {"logisticregression": [RidgeClassifier()], "logisticregression__alpha": [1.0]}
    train._check_model(PIPELINE, {"DEFAULTS": {}, "SEARCH_SPACE": space})


def train_rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 2)), columns=["a", "b"])
    return frame.assign(
        id=[f"row-{n}" for n in range(400)],
        event_time=pd.date_range("2026-01-01", periods=400, freq="h", tz="UTC"),
        label=(frame["a"] + rng.normal(size=400) > 0).astype("int8"),
    )
