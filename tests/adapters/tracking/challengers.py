"""Challengers, what their runs hold, and how a registry looks that has one exactly once."""

import json
from itertools import count

from pipeline.adapters.tracking import Challenger, Dataset, Evidence, Trigger
from pipeline.domain import Verdict
from pipeline.ml.model_io import TRUSTED_TYPES, save_model
from pipeline.ml.package import model_digest

NUMBERS = count()
ROWS = Dataset("train", "sha256:" + "ab" * 32, "artifacts/split/train.parquet", 61_234)


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


def details(name, **changes):
    evidence = {
        "params": {"model__max_iter": 150, "search": "halving"},
        "metrics": {"roc_auc": 0.75, "log_loss": None, "pr_auc": float("nan")},
        "tags": {"git_commit": "0123abc"},
        "plots": [],
        "dataset": ROWS,
        "trigger": Trigger("data_drift", "high"),
        "verdict": Verdict.PASS,
    }
    return {"model_name": name, "evidence": Evidence(**{**evidence, **changes})}


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
    assert run.data.tags["verdict"] == "PASS"
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
