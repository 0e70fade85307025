"""The MLflow model of a run: the packaged model's own bytes where it is skops."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.adapters.tracking.challenger import DIGEST_TAG, Challenger

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


def ensure_model(client: MlflowClient, run: Run, challenger: Challenger, model_name: str) -> str:
    """The id of the run's MLflow model, complete and READY."""
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus  # noqa: PLC0415

    found = client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'", max_results=1
    )
    model = (
        found[0]
        if found
        else client.create_logged_model(
            run.info.experiment_id,
            name=model_name,
            source_run_id=run.info.run_id,
            tags={DIGEST_TAG: challenger.digest},
        )
    )
    if model.model_id not in {output.model_id for output in run.outputs.model_outputs}:
        client.log_outputs(run.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
    if model.status != LoggedModelStatus.READY:
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "model"
            _write_mlflow_model(local, challenger, model, run.info.run_id)
            client.log_model_artifacts(model.model_id, str(local))
        client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    return str(model.model_id)


def _write_mlflow_model(folder: Path, challenger: Challenger, model: Any, run_id: str) -> None:
    """An MLflow model folder; where it is skops, its bytes are those of the package."""
    import mlflow.sklearn  # noqa: PLC0415
    from mlflow.models import Model  # noqa: PLC0415

    is_skops = challenger.model_format == "skops"
    mlflow.sklearn.save_model(
        challenger.estimator,
        str(folder),
        mlflow_model=Model(
            artifact_path=model.artifact_location,
            run_id=run_id,
            model_id=model.model_id,
            model_uuid=model.model_id,
            metadata={DIGEST_TAG: challenger.digest},
        ),
        serialization_format="skops" if is_skops else "cloudpickle",
        skops_trusted_types=list(challenger.trusted_types) if is_skops else None,
        pip_requirements=list(challenger.requirements),
        pyfunc_predict_fn="predict_proba",
    )
    if is_skops:
        shutil.copyfile(challenger.package / challenger.model_file, folder / "model.skops")
