"""What train writes down of its search."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from pipeline.jsonio import load_json
from pipeline.ml.search import SearchResult
from pipeline.stages import outputs, train


@pytest.mark.parametrize("score", [-0.55, None])
def test_the_best_score_is_the_winner_s(tmp_path: Path, score: float | None) -> None:
    model = LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])
    trials = pd.DataFrame({"iter": [0, 1], "mean_test_score": [-0.4, -0.55]})
    result = SearchResult(model, {"C": 1.0}, score, trials, is_out_of_time=False)
    train._save(tmp_path, result, "skops")
    assert load_json(tmp_path / outputs.TRAIN_SUMMARY)["best_score"] == score
