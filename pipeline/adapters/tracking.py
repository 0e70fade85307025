"""MLflow as the registry of challengers: one run and one model version for each model digest.

Every step looks at what is there before it adds what is missing, so `register` may be killed
anywhere and run again. The run is FINISHED last: until then it counts as half done. (mlflow's own
log_model cannot be taken up again: logging a run's output twice violates a key of its database.)
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from sqlalchemy.exc import SQLAlchemyError

from pipeline.errors import OutsideError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DEFAULT_URI = "sqlite:///mlflow.db"
DIGEST_TAG = "model_digest"
CHALLENGER = "challenger"
_SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_PARAMS_A_REQUEST = 100  # MLflow's limit
_DATASET_DIGEST_CHARS = 36  # MLflow's limit: the whole digest goes into the dataset's source

# mlflow retries for minutes and repeats requests that may have been served, which is how registries
# get a version twice. `register` as a whole is safe to repeat instead.
_ENVIRONMENT = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


@dataclass(frozen=True)
class Trigger:
    """Why the challenger was trained, such as data_drift with priority high."""

    type: str
    priority: str


@dataclass(frozen=True)
class Dataset:
    """The training rows: `digest` is that of the rows, `source` says where they are."""

    name: str
    digest: str
    source: str
    rows: int


@dataclass(frozen=True)
class Challenger:
    """What is registered. `package` is a verified package folder whose model digest is `digest`.

    `estimator` is the loaded model; `model_file` its file in the package, of `model_format` skops
    or joblib; `trusted_types` is what loading it by skops takes; `requirements` are pip pins.
    """

    package: Path
    digest: str
    model_file: str
    model_format: str
    estimator: Any
    trusted_types: Sequence[str]
    requirements: Sequence[str]


@dataclass(frozen=True)
class Registration:
    """Where a challenger is now. `is_new` is False where it had been registered before."""

    model_name: str
    version: int
    run_id: str
    is_new: bool


def tracking_uri() -> str:
    """MLFLOW_TRACKING_URI, or the SQLite file of the current folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT_URI


def shown_uri() -> str:
    """The tracking URI without its credentials, for people to read."""
    return _without_credentials(tracking_uri())


def register(
    challenger: Challenger,
    *,
    model_name: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, float | None],
    tags: Mapping[str, str],
    plots: Sequence[Path],
    dataset: Dataset,
    trigger: Trigger,
) -> Registration:
    """Log `challenger` as a run, register it as a version of `model_name`, alias it challenger.

    Idempotent by digest: what an earlier call has done is found and completed, nothing is done
    twice, and the first call's params stay. Metrics that are None or not finite are left out.
    Raises OutsideError where the registry fails; running again takes up where it stopped.
    """
    with _registry() as client:
        experiment = _ensure_experiment(client, model_name)
        run = _ensure_run(client, experiment, challenger.digest, tags)
        is_open = run.info.status != "FINISHED"
        if is_open:
            causes = {"trigger_type": trigger.type, "trigger_priority": trigger.priority}
            _ensure_params(client, run, {**params, **causes})
            _ensure_dataset(client, run, dataset)
            _ensure_artifacts(client, run, challenger.package, plots)
        model_id = _ensure_model(client, run, challenger, model_name)
        if is_open:
            _ensure_metrics(client, run, metrics, model_id)
        version, is_new = _ensure_version(client, run, challenger.digest, model_name, model_id)
        _ensure_alias(client, model_name, CHALLENGER, version)
        if is_open:
            client.set_terminated(run.info.run_id, "FINISHED")
        return Registration(model_name, version, run.info.run_id, is_new)


def find_version(model_name: str, digest: str) -> int | None:
    """The version of `model_name` that carries the model digest, or None. Changes nothing."""
    with _registry() as client:
        return min(_versions(client, model_name, digest), default=None)


def set_alias(model_name: str, alias: str, digest: str) -> int:
    """Point `alias` at the version that carries the model digest, and return it. Repeatable.

    Raises OutsideError where there is no such version.
    """
    with _registry() as client:
        version = min(_versions(client, model_name, digest), default=None)
        if version is None:
            raise OutsideError(
                f"{digest}: no version of '{model_name}' in {shown_uri()} carries it. "
                "Register it first: python -m scripts.register_challenger --apply"
            )
        _ensure_alias(client, model_name, alias, version)
        return version


# ---------------------------------------------------------------- steps, each safe to repeat


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


def _ensure_run(client: MlflowClient, experiment: str, digest: str, tags: Mapping[str, str]) -> Run:
    """The oldest run of this digest, or a new one that carries its tags from the start."""
    found = client.search_runs(
        [experiment], f"tags.{DIGEST_TAG} = '{digest}'", order_by=["start_time ASC"], max_results=1
    )
    if found:
        return found[0]
    name = digest.removeprefix("sha256:")[:12]
    made = client.create_run(experiment, run_name=name, tags={**tags, DIGEST_TAG: digest})
    return client.get_run(made.info.run_id)  # with its inputs and outputs, still empty


def _ensure_params(client: MlflowClient, run: Run, params: Mapping[str, Any]) -> None:
    from mlflow.entities import Param  # noqa: PLC0415

    missing = [
        Param(name, str(value)) for name, value in params.items() if name not in run.data.params
    ]
    for start in range(0, len(missing), _PARAMS_A_REQUEST):
        client.log_batch(run.info.run_id, params=missing[start : start + _PARAMS_A_REQUEST])


def _ensure_metrics(
    client: MlflowClient, run: Run, metrics: Mapping[str, float | None], model_id: str
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


def _ensure_artifacts(client: MlflowClient, run: Run, package: Path, plots: Sequence[Path]) -> None:
    """Uploads replace what is there under the same name, so they are simply done again."""
    client.log_artifacts(run.info.run_id, str(package), "package")
    for plot in plots:
        client.log_artifact(run.info.run_id, str(plot), "plots")


def _ensure_model(client: MlflowClient, run: Run, challenger: Challenger, model_name: str) -> str:
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


def _ensure_version(
    client: MlflowClient, run: Run, digest: str, model_name: str, model_id: str
) -> tuple[int, bool]:
    """The version of this digest, and whether this call made it."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    found = _versions(client, model_name, digest)
    if found:
        return min(found), False
    try:
        client.create_registered_model(model_name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        model_name,
        source=f"models:/{model_id}",
        run_id=run.info.run_id,
        tags={DIGEST_TAG: digest},
        model_id=model_id,
    )
    first = min(_versions(client, model_name, digest), default=int(made.version))
    if first != int(made.version):  # two jobs at once: the earlier version stays
        client.delete_model_version(model_name, made.version)
    return first, first == int(made.version)


def _versions(client: MlflowClient, model_name: str, digest: str) -> list[int]:
    found = client.search_model_versions(
        f"name = '{model_name}' and tags.{DIGEST_TAG} = '{digest}'"
    )
    return [int(version.version) for version in found]


def _ensure_alias(client: MlflowClient, model_name: str, alias: str, version: int) -> None:
    aliases = client.get_registered_model(model_name).aliases
    if str(aliases.get(alias)) != str(version):
        client.set_registered_model_alias(model_name, alias, str(version))


# ---------------------------------------------------------------- the connection and its errors


@contextmanager
def _registry() -> Iterator[MlflowClient]:
    """A client of the registry; whatever fails inside becomes one OutsideError."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import mlflow  # noqa: PLC0415 (takes seconds: only who registers pays)
    from mlflow import MlflowClient  # noqa: PLC0415
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        uri = _with_credentials_in_environment(tracking_uri())
        mlflow.set_tracking_uri(
            uri
        )  # its SQL registry resolves models:/ by this, not by the client
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except (MlflowException, SQLAlchemyError, OSError) as error:  # requests' errors are OSErrors
        reason = _without_credentials(str(error).strip().partition("\n")[0][:500])
        raise OutsideError(
            f"the MLflow registry {shown_uri()} failed: {reason or type(error).__name__}. Check "
            "MLFLOW_TRACKING_URI and run again: what was already registered is taken up, not "
            "repeated."
        ) from None  # the cause may show the URI with its password


def _with_credentials_in_environment(uri: str) -> str:
    """The URI without user and password; mlflow takes them from its variables, and prints URIs."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.username is None:
        return uri
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _without_credentials(text: str) -> str:
    text = re.sub(r"//[^/\s]+@", "//***@", text)
    text = re.sub(r"(?i)\b(password|token|secret)=[^&\s]+", r"\1=***", text)
    for secret in filter(None, map(os.environ.get, _SECRETS)):
        text = text.replace(secret, "***")
    return text
