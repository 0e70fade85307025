"""A registration holds everything, and once."""

import json
from dataclasses import replace

from pipeline.adapters.tracking import Trigger, register
from tests.adapters.tracking.challengers import (
    ROWS,
    assert_registered_once,
    details,
)


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


def test_registering_again_changes_nothing(client, name, challenger, through_proxy):
    first = register(challenger, **details(name))
    through_proxy.revive()
    again = register(challenger, **details(name, trigger=Trigger("manual", "low")))
    assert again == replace(first, is_new=False)
    assert all(request.endswith("/search") for request in through_proxy.requests)
    assert_registered_once(client, name, challenger)
