"""A challenger that lost is on record, and can be promoted by nobody."""

import pytest

from pipeline.adapters.tracking import log_lost, register
from pipeline.domain import Verdict
from pipeline.errors import OutsideError
from tests.adapters.tracking.challengers import (
    ROWS,
    assert_registered_once,
    details,
    new_challenger,
    runs_of,
)


def lost(name, **changes):
    return details(name, verdict=Verdict.FAIL, **changes)


def assert_logged_once(client, name, digest):
    assert client.search_model_versions(f"name = '{name}'") == []
    assert client.search_registered_models(f"name = '{name}'") == []
    (run,) = runs_of(client, name, digest)
    assert run.info.status == "FINISHED"
    assert run.data.tags["verdict"] == "FAIL"
    assert run.data.params["trigger_type"] == "data_drift"
    assert run.data.params["trigger_priority"] == "high"
    assert run.data.metrics == {"roc_auc": 0.75}
    assert len(client.get_metric_history(run.info.run_id, "roc_auc")) == 1
    assert len(run.inputs.dataset_inputs) == 1
    assert run.outputs.model_outputs == []
    return run


def test_a_lost_challenger_has_a_run_with_its_evidence_and_neither_version_nor_alias(
    client, name, challenger, tmp_path
):
    plot = tmp_path / "roc.csv"
    plot.write_text("false_positive_rate,true_positive_rate\n0,0\n1,1\n")
    made = log_lost(challenger.digest, **lost(name, plots=[plot]))
    assert made.is_new
    run = assert_logged_once(client, name, challenger.digest)
    assert run.info.run_id == made.run_id
    assert run.data.tags["git_commit"] == "0123abc"
    assert run.data.params["model__max_iter"] == "150"
    (used,) = run.inputs.dataset_inputs
    assert ROWS.digest.removeprefix("sha256:").startswith(used.dataset.digest)
    assert [file.path for file in client.list_artifacts(made.run_id)] == ["plots"]
    assert [file.path for file in client.list_artifacts(made.run_id, "plots")] == ["plots/roc.csv"]


def test_logging_it_again_changes_nothing(client, name, challenger, through_proxy):
    first = log_lost(challenger.digest, **lost(name))
    through_proxy.revive()
    again = log_lost(challenger.digest, **lost(name))
    assert (again.run_id, again.is_new) == (first.run_id, False)
    assert all(request.endswith("/search") for request in through_proxy.requests)
    assert_logged_once(client, name, challenger.digest)


def test_a_kill_at_any_request_is_repaired_by_running_again(client, through_proxy, tmp_path, model):
    log_lost(new_challenger(tmp_path, model).digest, **lost("lost-counted"))
    requests = len(through_proxy.requests)
    assert requests >= 5
    for number in range(1, requests + 1):
        digest, name = new_challenger(tmp_path, model).digest, f"lost-killed-after-{number}"
        through_proxy.arm(number, is_after=True)
        with pytest.raises(OutsideError, match="run again"):
            log_lost(digest, **lost(name))
        through_proxy.revive()
        log_lost(digest, **lost(name))
        assert_logged_once(client, name, digest)


def test_one_that_lost_and_then_passed_is_registered_whole(client, name, challenger):
    made = log_lost(challenger.digest, **lost(name))
    assert register(challenger, **details(name)).run_id == made.run_id
    assert_registered_once(client, name, challenger)


def test_a_kill_while_one_that_lost_is_registered_is_repaired(
    client, through_proxy, tmp_path, model
):
    challenger, name = new_challenger(tmp_path, model), "lost-then-killed"
    log_lost(challenger.digest, **lost(name))
    through_proxy.revive()
    through_proxy.die_when = lambda request: request.endswith("model-versions/create")
    with pytest.raises(OutsideError):
        register(challenger, **details(name))
    through_proxy.revive()
    register(challenger, **details(name))
    assert_registered_once(client, name, challenger)


def test_one_that_was_registered_and_then_lost_keeps_its_version_and_loses_its_alias(
    client, name, challenger
):
    register(challenger, **details(name))
    client.set_registered_model_alias(name, "kept", "1")
    assert not log_lost(challenger.digest, **lost(name)).is_new
    assert client.get_registered_model(name).aliases == {"kept": "1"}
    (run,) = runs_of(client, name, challenger.digest)
    assert run.data.tags["verdict"] == "FAIL"


def test_the_alias_of_another_challenger_stays(client, name, tmp_path, model):
    first, second = (new_challenger(tmp_path, model) for _ in range(2))
    register(first, **details(name))
    register(second, **details(name))
    log_lost(first.digest, **lost(name))
    assert client.get_registered_model(name).aliases == {"challenger": "2"}
