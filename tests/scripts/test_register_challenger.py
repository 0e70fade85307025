import json
import shutil
import subprocess

import pytest

from pipeline.adapters.tracking import connection, find_version
from pipeline.ml.model_io import save_model
from pipeline.ml.package import PARTS, build_package, model_digest, verify_package
from scripts.register_challenger import REGISTRATION, main, tags_of
from tests.ml.test_model_io import fitted_pipeline
from tests.packages import ABOUT
from tests.servers.ports import free_port

METRICS = {"roc_auc": 0.75, "log_loss": None}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A repository with a package and its evaluation, as a pipeline run leaves them."""
    root = tmp_path_factory.mktemp("made")
    save_model(root / "artifacts/train/model", fitted_pipeline())
    parts = {
        **dict.fromkeys(PARTS, "{}\n"),
        "model.skops": root / "artifacts/train/model",
        "params.json": json.dumps({"model__max_iter": 10}),
        "metrics.json": json.dumps(METRICS),
        "environment.txt": "# Python 3.11.7\nscikit-learn==1.9.1\n",
    }
    build_package(root / "artifacts/package", parts, ABOUT)
    (root / "artifacts/evaluate").mkdir()
    (root / "artifacts/evaluate/metrics.json").write_text(json.dumps(METRICS))
    (root / "artifacts/evaluate/roc.csv").write_text("x,y\n0,0\n")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    commit = ["git", *identity, "commit", "-q", "--allow-empty", "-m", "Start"]
    subprocess.run(commit, cwd=root, check=True)
    return root


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "repository")
    monkeypatch.chdir(tmp_path / "repository")
    for name, value in connection.ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/registry.db")
    return tmp_path / "repository"


def test_without_apply_the_plan_is_printed_and_nothing_is_made(root, capsys):
    before = sorted(root.parent.rglob("*"))
    assert main([]) == 0
    digest = model_digest(root / "artifacts/package")
    size = (root / "artifacts/package/model.skops").stat().st_size
    assert capsys.readouterr().out == (
        f"MLflow registry sqlite:///{root.parent}/registry.db:\n"
        f"  version of flight-delay, {digest}\n"
        f"  model.skops, {size:,} bytes, trained on 61,234 rows as of 2013-07-02 00:00 UTC\n"
        "  params 4, metrics 2, plots 1; trigger manual_retrain (medium)\n"
        "  verdict unknown\n"
        "  alias challenger\n"
        "Nothing was registered. --apply does it.\n"
    )
    assert sorted(root.parent.rglob("*")) == before


def test_with_apply_the_package_is_registered_once(root, capsys):
    from mlflow import MlflowClient  # noqa: PLC0415 (takes seconds)

    trigger = ["--trigger-type", "data_drift", "--trigger-priority", "high"]
    assert main(["--apply", *trigger]) == 0
    assert "Registered: flight-delay version 1, run " in capsys.readouterr().out
    assert main(["--apply", *trigger]) == 0
    assert "Found registered already: flight-delay version 1" in capsys.readouterr().out
    assert find_version("flight-delay", model_digest(root / "artifacts/package")) == 1

    version = MlflowClient().get_model_version_by_alias("flight-delay", "challenger")
    run = MlflowClient().get_run(version.run_id)
    assert run.data.params == {
        "model__max_iter": "10",
        "as_of": "2013-07-02T00:00:00Z",
        "decision_threshold": "0.5",
        "train_rows": "61234",
        "trigger_type": "data_drift",
        "trigger_priority": "high",
    }
    assert run.data.metrics == {"roc_auc": 0.75}
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=root, check=True, capture_output=True, text=True
    )
    assert run.data.tags["mlflow.source.git.commit"] == head.stdout.strip()
    files = MlflowClient().list_artifacts(version.run_id, "plots")
    assert [file.path for file in files] == ["plots/roc.csv"]


def test_what_was_registered_is_written_down_for_the_gates(root):
    assert main([]) == 0
    assert not (root / REGISTRATION).exists()
    assert main(["--apply"]) == 0
    first = (root / REGISTRATION).read_bytes()
    record = json.loads(first)
    assert record.pop("run_id")
    assert record == {
        "schema": 1,
        "model": "flight-delay",
        "version": 1,
        "uri": f"sqlite:///{root.parent}/registry.db",
        "digest": model_digest(root / "artifacts/package"),
    }
    assert main(["--apply"]) == 0
    assert (root / REGISTRATION).read_bytes() == first


def judge(root, verdict):
    (root / "artifacts/compare").mkdir(exist_ok=True)
    (root / "artifacts/compare/comparison.json").write_text(json.dumps({"verdict": verdict}))


@pytest.mark.parametrize("verdict", ["FAIL", "ERROR"])
def test_a_challenger_that_lost_is_planned_as_a_run_alone(root, capsys, verdict):
    judge(root, verdict)
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert f"  run of flight-delay, {model_digest(root / 'artifacts/package')}\n" in shown
    assert f"  verdict {verdict}\n  no version and no alias\n" in shown
    assert not (root.parent / "registry.db").exists()


def test_with_apply_a_challenger_that_lost_is_logged_once_and_never_registered(root, capsys):
    from mlflow import MlflowClient  # noqa: PLC0415 (takes seconds)

    judge(root, "FAIL")
    trigger = ["--trigger-type", "data_drift", "--trigger-priority", "high"]
    assert main(["--apply", *trigger]) == 0
    assert "Logged: run " in capsys.readouterr().out
    assert main(["--apply", *trigger]) == 0
    assert "Found logged already: run " in capsys.readouterr().out
    client = MlflowClient()
    assert client.search_registered_models() == []
    assert json.loads((root / REGISTRATION).read_text())["version"] is None
    experiment = client.get_experiment_by_name("flight-delay")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.tags["verdict"] == "FAIL"
    assert run.data.tags["model_digest"] == model_digest(root / "artifacts/package")
    assert run.data.params["trigger_type"] == "data_drift"
    assert run.data.params["trigger_priority"] == "high"
    assert run.data.metrics == {"roc_auc": 0.75}
    assert len(run.inputs.dataset_inputs) == 1
    files = client.list_artifacts(run.info.run_id, "plots")
    assert [file.path for file in files] == ["plots/roc.csv"]


def test_a_challenger_that_passed_is_registered_with_its_verdict(root):
    from mlflow import MlflowClient  # noqa: PLC0415 (takes seconds)

    judge(root, "PASS")
    assert main(["--apply"]) == 0
    version = MlflowClient().get_model_version_by_alias("flight-delay", "challenger")
    assert MlflowClient().get_run(version.run_id).data.tags["verdict"] == "PASS"


def test_the_verdict_of_another_model_is_not_taken_for_its_own(root, capsys):
    judge(root, "FAIL")
    (root / "artifacts/evaluate/metrics.json").write_text('{"roc_auc": 0.7}')
    assert main([]) == 0
    assert "  verdict unknown\n  alias challenger\n" in capsys.readouterr().out


def test_dvcs_name_of_the_package_is_kept_where_the_lock_file_has_it(root):
    manifest = verify_package(root / "artifacts/package")
    assert "package_md5" not in tags_of(root, "artifacts/package", manifest)
    md5 = "c" * 32 + ".dir"
    (root / "dvc.lock").write_text(
        f"stages:\n  package:\n    outs:\n    - path: artifacts/package\n      md5: {md5}\n"
    )
    assert tags_of(root, "artifacts/package", manifest)["package_md5"] == md5


def test_plots_of_another_evaluation_are_left_out(root, capsys):
    (root / "artifacts/evaluate/metrics.json").write_text('{"roc_auc": 0.7}')
    assert main([]) == 0
    assert "plots 0" in capsys.readouterr().out


def test_a_damaged_package_is_refused_before_anything_is_planned(root, capsys):
    (root / "artifacts/package/params.json").write_text("{}")
    assert main(["--apply"]) == 3
    shown = capsys.readouterr()
    assert "params.json: found sha256:" in shown.err
    assert shown.out == ""


def test_no_package_at_all_is_a_clear_error(root, capsys):
    assert main(["--package", "elsewhere"]) == 3
    assert "so this is no package" in capsys.readouterr().err


def test_a_registry_that_is_down_gives_exit_code_three_and_says_to_run_again(
    root, capsys, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://bob:hunter2@127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    assert main(["--apply"]) == 3
    shown = capsys.readouterr()
    assert "run again" in shown.err
    assert "hunter2" not in shown.out + shown.err


def test_an_unknown_trigger_is_refused(root):
    with pytest.raises(SystemExit) as error:
        main(["--trigger-type", "whim"])
    assert error.value.code == 2
