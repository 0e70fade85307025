"""The registered model is the packaged one."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.adapters.tracking import register
from pipeline.ml.model_io import save_model
from tests.adapters.tracking.challengers import details
from tests.ml.test_model_io import rows


def test_the_registered_model_is_the_packaged_one_to_the_byte_and_scores_the_same(
    name, challenger, model, mlflow_url, tmp_path
):
    import mlflow  # noqa: PLC0415 (takes seconds)

    register(challenger, **details(name))
    mlflow.set_tracking_uri(mlflow_url)
    uri = f"models:/{name}@challenger"
    local = Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(tmp_path / "got")))
    packaged = challenger.package / "model.skops"
    assert (local / "model.skops").read_bytes() == packaged.read_bytes()
    loaded = mlflow.pyfunc.load_model(str(local))
    np.testing.assert_array_equal(loaded.predict(rows()), model.predict_proba(rows()))


def test_a_joblib_model_is_registered_too(name, challenger, model, tmp_path):
    save_model(challenger.package / "model.joblib", model, "joblib")
    other = replace(challenger, model_file="model.joblib", model_format="joblib")
    assert register(other, **details(name)).version == 1
