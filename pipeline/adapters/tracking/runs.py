"""The run of a challenger: params, metrics, dataset, files and verdict, each logged once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.adapters.tracking.challenger import DIGEST_TAG, LOST, Dataset, Evidence
from pipeline.adapters.tracking.connection import tracking_uri
from pipeline.domain import Verdict
from pipeline.errors import OutsideError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

VERDICT_TAG = "verdict"
_PARAMS_A_REQUEST = 100  # MLflow's limit
_DATASET_DIGEST_CHARS = 36  # MLflow's limit: the whole digest goes into the dataset's source


def _ensure_experiment(client: MlflowClient, name: str) -> str:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415 (mlflow takes seconds)

    found = client.get_experiment_by_name(name)
    if found is None:
        is_server = tracking_uri().startswith(("http://", "https://"))
        location = None if is_server else Path("mlartifacts").absolute().as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another job was quicker
                raise
            found = client.get_experiment_by_name(name)
    if found.lifecycle_stage != "active":
        raise OutsideError(
            f"the experiment '{name}' is deleted. Restore it: "
            f"mlflow experiments restore --experiment-id {found.experiment_id}"
        )
    return str(found.experiment_id)


def ensure_run(client: MlflowClient, model_name: str, digest: str, evidence: Evidence) -> Run:
    """The oldest run of this digest, or a new one that carries its tags from the start."""
    experiment = _ensure_experiment(client, model_name)
    found = client.search_runs(
        [experiment], f"tags.{DIGEST_TAG} = '{digest}'", order_by=["start_time ASC"], max_results=1
    )
    if found:
        return found[0]
    tags = {**evidence.tags, DIGEST_TAG: digest}
    if evidence.verdict is not None:
        tags[VERDICT_TAG] = evidence.verdict
    name = digest.removeprefix("sha256:")[:12]
    made = client.create_run(experiment, run_name=name, tags=tags)
    return client.get_run(made.info.run_id)  # with its inputs and outputs, still empty


def is_finished(run: Run) -> bool:
    """Whether the last step was done for `run`, whatever its verdict was then."""
    return bool(run.info.status == "FINISHED")


def has_lost(run: Run) -> bool:
    """Whether the challenger of `run` lost when it was logged: its package was left out."""
    return run.data.tags.get(VERDICT_TAG) in LOST


def ensure_evidence(client: MlflowClient, run: Run, evidence: Evidence) -> None:
    """Log params with the trigger among them, dataset and plots. Metrics may need a model first."""
    trigger = evidence.trigger
    causes = {"trigger_type": trigger.type, "trigger_priority": trigger.priority}
    _ensure_params(client, run, {**evidence.params, **causes})
    _ensure_dataset(client, run, evidence.dataset)
    for plot in evidence.plots:
        client.log_artifact(run.info.run_id, str(plot), "plots")


def _ensure_params(client: MlflowClient, run: Run, params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param  # noqa: PLC0415

    missing = [
        Param(name, str(value)) for name, value in params.items() if name not in run.data.params
    ]
    for start in range(0, len(missing), _PARAMS_A_REQUEST):
        client.log_batch(run.info.run_id, params=missing[start : start + _PARAMS_A_REQUEST])


def ensure_metrics(
    client: MlflowClient,
    run: Run,
    metrics: Mapping[str, float | None],
    model_id: str | None = None,
) -> None:
    """Stamped with the run's start, so that a metric logged again is the same point."""
    from mlflow.entities import Metric  # noqa: PLC0415

    missing = [
        Metric(name, float(value), run.info.start_time, step=0, model_id=model_id)
        for name, value in metrics.items()
        if name not in run.data.metrics and value is not None and math.isfinite(value)
    ]
    if missing:
        client.log_batch(run.info.run_id, metrics=missing)


def _ensure_dataset(client: MlflowClient, run: Run, dataset: Dataset) -> None:
    from mlflow.entities import Dataset as Logged  # noqa: PLC0415
    from mlflow.entities import DatasetInput, InputTag  # noqa: PLC0415

    if run.inputs.dataset_inputs:
        return
    logged = Logged(
        name=dataset.name,
        digest=dataset.digest.removeprefix("sha256:")[:_DATASET_DIGEST_CHARS],
        source_type="local",
        source=json.dumps({"uri": dataset.source, "digest": dataset.digest}),
        profile=json.dumps({"num_rows": dataset.rows}),
    )
    context = InputTag("mlflow.data.context", "training")
    client.log_inputs(run.info.run_id, datasets=[DatasetInput(logged, tags=[context])])


def ensure_package(client: MlflowClient, run: Run, package: Path) -> None:
    """Uploads replace what is there under the same name, so they are simply done again."""
    client.log_artifacts(run.info.run_id, str(package), "package")


def finish_run(client: MlflowClient, run: Run, verdict: Verdict | None) -> None:
    """Tag `run` with the newest verdict and end it, where that was not done. The last step."""
    if verdict is not None and run.data.tags.get(VERDICT_TAG) != verdict:
        client.set_tag(run.info.run_id, VERDICT_TAG, str(verdict))
    if not is_finished(run):
        client.set_terminated(run.info.run_id, "FINISHED")
