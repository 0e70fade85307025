import json
import pickle
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from pipeline.adapters import tracking
from pipeline.adapters.tracking import (
    Challenger,
    Dataset,
    Trigger,
    find_version,
    register,
    set_alias,
    shown_uri,
)
from pipeline.errors import OutsideError
from pipeline.ml.model_io import TRUSTED_TYPES, save_model
from pipeline.ml.package import model_digest
from tests.ml.test_model_io import fitted_pipeline, rows
from tests.servers import fault_proxy
from tests.servers.ports import free_port

PROJECT = Path(__file__).parents[2]
NUMBERS = count()
ROWS = Dataset("train", "sha256:" + "ab" * 32, "artifacts/split/train.parquet", 61_234)

# A whole process that registers, for killing.
REGISTER = """
import pickle, sys
from pathlib import Path
from pipeline.adapters.tracking import register
arguments = pickle.loads(Path(sys.argv[1]).read_bytes())
register(arguments.pop("challenger"), **arguments)
"""


@pytest.fixture(scope="module")
def model():
    return fitted_pipeline()


@pytest.fixture(scope="module")
def proxy(mlflow_url):
    with fault_proxy.running(mlflow_url) as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(monkeypatch, mlflow_url):
    """What the adapter itself sets is taken back after each test."""
    for name in (*tracking._ENVIRONMENT, "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, tracking._ENVIRONMENT.get(name, ""))
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)


@pytest.fixture
def through_proxy(proxy, monkeypatch):
    """The registry behind a proxy that can be told to die."""
    proxy.revive()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)
    return proxy


@pytest.fixture
def name():
    return f"flight-delay-{next(NUMBERS)}"


@pytest.fixture
def client(mlflow_url):
    from mlflow import MlflowClient  # noqa: PLC0415 (takes seconds)

    return MlflowClient(tracking_uri=mlflow_url, registry_uri=mlflow_url)


def new_challenger(folder, model):
    """A package of its own: two files and a manifest that no other test has."""
    package = folder / f"package-{next(NUMBERS)}"
    package.mkdir(parents=True)
    save_model(package / "model.skops", model)
    (package / "manifest.json").write_text(json.dumps({"unique": str(package)}))
    return Challenger(
        package=package,
        digest=model_digest(package),
        model_file="model.skops",
        model_format="skops",
        estimator=model,
        trusted_types=TRUSTED_TYPES,
        requirements=["scikit-learn==1.9.1"],
    )


@pytest.fixture
def challenger(tmp_path, model):
    return new_challenger(tmp_path, model)


def details(name, **changes):
    return {
        "model_name": name,
        "params": {"model__max_iter": 150, "search": "halving"},
        "metrics": {"roc_auc": 0.75, "log_loss": None, "pr_auc": float("nan")},
        "tags": {"git_commit": "0123abc"},
        "plots": [],
        "dataset": ROWS,
        "trigger": Trigger("data_drift", "high"),
        **changes,
    }


def runs_of(client, name, digest):
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return []
    return client.search_runs([experiment.experiment_id], f"tags.model_digest = '{digest}'")


def assert_registered_once(client, name, challenger):
    versions = client.search_model_versions(f"name = '{name}'")
    assert [v.tags["model_digest"] for v in versions] == [challenger.digest]
    assert client.get_model_version_by_alias(name, "challenger").version == versions[0].version
    (run,) = runs_of(client, name, challenger.digest)
    assert run.info.status == "FINISHED"
    assert run.info.run_id == versions[0].run_id
    assert run.data.params["trigger_type"] == "data_drift"
    assert run.data.metrics == {"roc_auc": 0.75}
    assert len(client.get_metric_history(run.info.run_id, "roc_auc")) == 1
    assert len(run.inputs.dataset_inputs) == 1
    assert len(run.outputs.model_outputs) == 1
    listed = {file.path for file in client.list_artifacts(run.info.run_id, "package")}
    assert listed == {"package/manifest.json", "package/model.skops"}
    models = client.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"
    )
    assert [str(found.status) for found in models] == ["READY"]


def test_a_registration_holds_params_metrics_trigger_dataset_and_files(
    client, name, challenger, tmp_path
):
    import mlflow  # noqa: PLC0415 (takes seconds)

    plot = tmp_path / "roc.csv"
    plot.write_text("false_positive_rate,true_positive_rate\n0,0\n1,1\n")
    made = register(challenger, **details(name, plots=[plot]))
    assert made.is_new
    assert made.version == 1
    run = client.get_run(made.run_id)
    assert run.data.params == {
        "model__max_iter": "150",
        "search": "halving",
        "trigger_type": "data_drift",
        "trigger_priority": "high",
    }
    assert run.data.tags["git_commit"] == "0123abc"
    assert [file.path for file in client.list_artifacts(made.run_id, "plots")] == ["plots/roc.csv"]
    (used,) = run.inputs.dataset_inputs
    assert ROWS.digest.removeprefix("sha256:").startswith(used.dataset.digest)
    assert json.loads(used.dataset.source) == {"uri": ROWS.source, "digest": ROWS.digest}
    assert mlflow.data.get_source(used).uri == ROWS.source
    assert {tag.key: tag.value for tag in used.tags} == {"mlflow.data.context": "training"}
    assert_registered_once(client, name, challenger)


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


def test_registering_again_changes_nothing(client, name, challenger, through_proxy):
    first = register(challenger, **details(name))
    through_proxy.revive()
    again = register(challenger, **details(name, trigger=Trigger("manual", "low")))
    assert again == replace(first, is_new=False)
    assert all(request.endswith("/search") for request in through_proxy.requests)
    assert_registered_once(client, name, challenger)


def worth_a_kill(requests):
    """Numbers of the requests that change something; of a folder's uploads just the last."""
    last = {}
    for number, request in enumerate(requests, 1):
        if not request.endswith("/search"):
            is_upload = "/artifacts/" in request
            last[request.rpartition("/")[0] if is_upload else number] = number
    return sorted(last.values())


def test_a_kill_after_any_request_is_repaired_by_running_again(
    client, through_proxy, tmp_path, model
):
    """The state right before a request is the state right after the one before it."""
    register(new_challenger(tmp_path, model), **details("counted"))
    numbers = worth_a_kill(through_proxy.requests)
    assert len(numbers) >= 12
    for number in numbers:
        challenger, name = new_challenger(tmp_path, model), f"killed-after-{number}"
        through_proxy.arm(number, is_after=True)
        with pytest.raises(OutsideError, match="run again"):
            register(challenger, **details(name))
        through_proxy.revive()
        register(challenger, **details(name))
        assert_registered_once(client, name, challenger)


def test_a_request_that_never_arrived_is_made_again(client, name, challenger, through_proxy):
    through_proxy.arm(5, is_after=False)
    with pytest.raises(OutsideError):
        register(challenger, **details(name))
    through_proxy.revive()
    register(challenger, **details(name))
    assert_registered_once(client, name, challenger)


def test_a_process_killed_once_the_version_is_made_is_repaired(
    client, name, challenger, through_proxy, tmp_path
):
    pickled = tmp_path / "arguments"
    pickled.write_bytes(pickle.dumps({"challenger": challenger, **details(name)}))
    started = threading.Event()
    through_proxy.die_when = lambda request: request.endswith("model-versions/create")
    through_proxy.on_death = lambda: started.wait(30) and process.kill()
    process = subprocess.Popen(
        [sys.executable, "-c", REGISTER, str(pickled)], cwd=PROJECT, stderr=subprocess.PIPE
    )
    started.set()
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, stderr.decode()
    assert len(client.search_model_versions(f"name = '{name}'")) == 1
    (run,) = runs_of(client, name, challenger.digest)
    assert run.info.status == "RUNNING"
    through_proxy.revive()
    assert not register(challenger, **details(name)).is_new
    assert_registered_once(client, name, challenger)


def test_two_jobs_at_once_leave_one_version(client, name, challenger, through_proxy):
    """Another job makes its version right before ours arrives: the earlier one stays."""

    def other_job_is_quicker(request):
        if request.endswith("model-versions/create"):
            (run,) = runs_of(client, name, challenger.digest)
            (output,) = run.outputs.model_outputs
            client.create_model_version(
                name,
                source=f"models:/{output.model_id}",
                run_id=run.info.run_id,
                tags={"model_digest": challenger.digest},
                model_id=output.model_id,
            )
        return False

    through_proxy.die_when = other_job_is_quicker
    made = register(challenger, **details(name))
    assert (made.version, made.is_new) == (1, False)
    assert_registered_once(client, name, challenger)


def test_a_newer_challenger_takes_the_alias_and_can_give_it_back(client, name, tmp_path, model):
    first, second = (new_challenger(tmp_path, model) for _ in range(2))
    register(first, **details(name))
    register(second, **details(name))
    assert find_version(name, first.digest) == 1
    assert find_version(name, second.digest) == 2
    assert client.get_model_version_by_alias(name, "challenger").version == "2"
    assert set_alias(name, "champion", first.digest) == 1
    assert set_alias(name, "champion", first.digest) == 1
    assert client.get_registered_model(name).aliases == {"challenger": "2", "champion": "1"}


def test_a_digest_that_nobody_registered_has_no_version_and_gets_no_alias(name, challenger):
    unknown = "sha256:" + "0" * 64
    assert find_version(name, unknown) is None
    register(challenger, **details(name))
    assert find_version(name, unknown) is None
    with pytest.raises(OutsideError, match=f"{unknown}: no version of '{name}'"):
        set_alias(name, "champion", unknown)


def test_more_params_than_fit_one_request_are_all_logged(client, name, challenger):
    many = {f"p{number}": number for number in range(230)}
    made = register(challenger, **details(name, params=many))
    assert len(client.get_run(made.run_id).data.params) == 232


def test_a_joblib_model_is_registered_too(name, challenger, model, tmp_path):
    save_model(challenger.package / "model.joblib", model, "joblib")
    other = replace(challenger, model_file="model.joblib", model_format="joblib")
    assert register(other, **details(name)).version == 1


def test_a_deleted_experiment_says_how_to_restore_it(client, name, challenger):
    experiment = client.create_experiment(name)
    client.delete_experiment(experiment)
    with pytest.raises(OutsideError, match=f"mlflow experiments restore.* {experiment}$"):
        register(challenger, **details(name))


def test_a_registry_that_is_down_is_a_clear_error(name, challenger, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    for call in (
        lambda: register(challenger, **details(name)),
        lambda: find_version(name, challenger.digest),
        lambda: set_alias(name, "champion", challenger.digest),
    ):
        with pytest.raises(OutsideError, match=r"the MLflow registry http://127.* run again"):
            call()


def test_credentials_in_the_uri_are_used_and_never_shown(
    name, challenger, through_proxy, monkeypatch, capfd
):
    with_secret = through_proxy.url.replace("//", "//alice:s3cr%40t@")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", with_secret)
    assert "//***@" in shown_uri()
    register(challenger, **details(name))
    assert through_proxy.authorizations == {"Basic YWxpY2U6czNjckB0"}  # alice:s3cr@t
    through_proxy.arm(1, is_after=False)
    with pytest.raises(OutsideError) as error:
        register(challenger, **details(name))
    shown = str(error.value) + shown_uri() + "".join(capfd.readouterr())
    assert "s3cr" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://bob:p@ss@db:5432/x", "postgresql://***@db:5432/x"),
        ("https://host/x?password=abc&y=1", "https://host/x?password=***&y=1"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
    ],
)
def test_a_uri_is_shown_without_its_credentials(monkeypatch, text, shown):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", text)
    assert shown_uri() == shown


def test_without_a_uri_a_sqlite_file_and_a_folder_in_the_current_one_are_used(
    name, challenger, monkeypatch, tmp_path
):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(tmp_path)
    made = register(challenger, **details(name))
    assert register(challenger, **details(name)) == replace(made, is_new=False)
    assert find_version(name, challenger.digest) == 1
    assert (tmp_path / "mlflow.db").is_file()
    assert list((tmp_path / "mlartifacts").rglob("model.skops"))
    assert not (tmp_path / "mlruns").exists()
