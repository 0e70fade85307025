import json
import shutil

import pytest

from pipeline.core.quality.as_json import QUALITY_GATES
from pipeline.core.quality.facts import COMPARISON, METRICS, REGISTRATION, TIMINGS
from scripts import rehearse_rollback
from scripts.assess_gates import main
from tests.core import quality_runs as runs
from tests.repository import git
from tests.scripts.finished_run import challenger_of, change, document, finished_run, lock
from tests.servers.ports import free_port

LEDGER = ["--local", f"--retrain={runs.RETRAIN_ID}"]
PLAN = """rollout_strategy:
  type: canary
  canary_stages:
    - {traffic_percentage: 100, duration_hours: 1, success_criteria: {error_rate_max: 0.02}}
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    repository = finished_run(tmp_path / "flights")
    monkeypatch.chdir(repository)
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)
    return repository


def items(root):
    gates = document(root, QUALITY_GATES)["gates"]
    return {item["name"]: item for gate in gates for item in gate["items"]}


def approve(root, **roles):
    path = root.parent / "approvals.json"
    path.write_text(json.dumps(roles))
    return [f"--approvals={path}"]


def test_a_run_that_passed_says_no_to_nothing_and_waits_for_people(root, capsys):
    assert rehearse_rollback.main([]) == 0
    capsys.readouterr()
    assert main(LEDGER) == 0
    found = document(root, QUALITY_GATES)
    assert (found["schema"], found["model"]) == (1, "flight-delay")
    assert found["version"] == f"2013-07-02-{challenger_of(root)[7:19]}"
    verdicts = {gate["name"]: gate["verdict"] for gate in found["gates"]}
    assert verdicts == {
        "readiness": "PASS",
        "model_quality": "PASS",
        "deployment_safety": "INCONCLUSIVE",
    }
    waiting = [name for name, item in items(root).items() if item["verdict"] != "PASS"]
    assert waiting == ["plan_approved", "monitoring_configured", "sign_off"]
    shown = capsys.readouterr().out
    assert "waits        Rollout plan approved" in shown
    assert shown.count("PASS         ") == 12 + 2


def test_the_same_run_gives_the_same_bytes_whatever_it_cost(root):
    main(LEDGER)
    first = (root / QUALITY_GATES).read_bytes()
    costs = document(root, TIMINGS)
    costs["train"]["seconds"] += 1
    (root / TIMINGS).write_text(json.dumps(costs))
    main(LEDGER)
    assert (root / QUALITY_GATES).read_bytes() == first


def test_nothing_but_its_own_file_is_written(root):
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    main(LEDGER)
    after = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    assert {p for p in after if after[p] != before.get(p)} == {root / QUALITY_GATES}
    assert set(before) <= set(after)


def test_a_run_by_hand_waits_for_its_approval(root):
    assert main([]) == 0
    assert items(root)["triggers_validated"]["waits"] is True


def test_a_retrain_that_the_ledger_does_not_know_is_refused(root, capsys):
    assert main(["--local", "--retrain=flight-delay-0099"]) == 1
    assert items(root)["triggers_validated"]["verdict"] == "FAIL"
    assert "triggers_validated (FAIL)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "changes", "item"),
    [
        (METRICS, {"accuracy": None}, "thresholds_met"),
        (COMPARISON, {"champion": runs.OTHER}, "beats_champion"),
        (COMPARISON, {"self_test": []}, "beats_champion"),
        (REGISTRATION, {"digest": runs.OTHER}, "registered"),
    ],
)
def test_a_run_that_does_not_hold_together_is_refused(root, path, changes, item):
    change(root, path, **changes)
    lock(root)
    assert main(LEDGER) == 1
    assert items(root)[item]["verdict"] in ("FAIL", "ERROR")


def test_a_figure_that_was_edited_after_the_run_is_found_by_its_digest(root):
    change(root, COMPARISON, summary="Better in every respect.")
    assert main(LEDGER) == 1
    reason = items(root)["artifacts_complete"]["reason"]
    assert reason == "Artifacts/compare/comparison.json is not what dvc.lock recorded."


def test_a_package_with_one_changed_byte_is_refused(root):
    (root / "artifacts/package/params.json").write_text("{ }\n")
    assert main(LEDGER) == 1
    reason = items(root)["artifacts_complete"]["reason"]
    assert "params.json is not what the package's manifest says" in reason.lower()


def test_old_data_is_refused_when_it_is_looked_at_late(root):
    assert main([*LEDGER, "--at=2013-07-15"]) == 0
    assert main([*LEDGER, "--at=2013-07-16"]) == 1


# ---------------------------------------------------------------- before a merge


def test_before_a_merge_what_waits_is_a_no(root, capsys):
    rehearse_rollback.main([])
    main(LEDGER)
    recorded = (root / QUALITY_GATES).read_bytes()
    assert main([*LEDGER, "--final"]) == 1
    said = capsys.readouterr().err
    assert "plan_approved (INCONCLUSIVE)" in said
    assert (root / QUALITY_GATES).read_bytes() == recorded


def test_before_a_merge_approvals_of_the_roles_count(root, capsys):
    rehearse_rollback.main([])
    main(LEDGER)
    approvals = approve(root, ml_lead=["ada"], product_owner=["grace"])
    assert main([*LEDGER, "--final", *approvals]) == 1
    assert "1 of 15 items say no: monitoring_configured (INCONCLUSIVE)" in capsys.readouterr().err


def test_before_a_merge_what_is_not_in_git_keeps_the_verdict_of_the_run(root, capsys):
    rehearse_rollback.main([])
    main(LEDGER)
    manifest = (root / "artifacts/package/manifest.json").read_bytes()
    kept = root / "evidence/protocol-24-retraining/flight-delay/2013-07-02-x"
    (kept / "artifacts").mkdir(parents=True)
    (kept / "artifacts/model-manifest.json").write_bytes(manifest)
    shutil.rmtree(root / "artifacts/package")
    (root / TIMINGS).unlink()
    assert main([*LEDGER, "--final"]) == 1
    shown = capsys.readouterr()
    assert shown.out.count("(as the run recorded it)") == 2
    assert "artifacts_complete" not in shown.err
    assert "compute_present" not in shown.err


def test_a_job_that_has_the_texts_alone_keeps_what_the_run_said_of_the_package(root):
    main(LEDGER)
    for name in ("model.skops", "seen_ids.parquet", "environment.txt"):
        (root / "artifacts/package" / name).unlink()
    for _ in range(2):
        assert main(LEDGER) == 0
    item = items(root)["artifacts_complete"]
    assert item["verdict"] == "PASS"
    assert item["reason"].count("(as the run recorded it)") == 1


def test_without_a_word_of_the_run_the_texts_alone_are_inconclusive(root):
    (root / "artifacts/package/model.skops").unlink()
    assert main(LEDGER) == 0
    assert items(root)["artifacts_complete"]["verdict"] == "INCONCLUSIVE"


@pytest.mark.parametrize("text", ['["ada"]', '{"ml_lead": "ada"}', '{"ML Lead": ["ada"]}', "x"])
def test_a_file_of_approvals_that_is_none_is_refused(root, text):
    path = root.parent / "approvals.json"
    path.write_text(text)
    assert main([*LEDGER, "--final", f"--approvals={path}"]) == 2


def test_a_file_of_approvals_that_is_not_there_is_a_wrong_argument(root, capsys):
    assert main([*LEDGER, "--approvals=nofile.json"]) == 2
    said = capsys.readouterr().err
    assert (
        """nofile.json: 1 fault to mend
  - not found, expected a JSON file: {"role": ["login", ...]}"""
        in said
    )
    assert "dvc repro" not in said


# ---------------------------------------------------------------- configuration and monitoring


def test_every_fault_of_every_file_is_named_at_once(root, capsys):
    gates = root / "configs/gates.yaml"
    gates.write_text(gates.read_text().replace("max_data_age: 14d", "max_data_age: soon"))
    (root / "configs/approvers.yaml").write_text("roles: {}\n")
    assert main(LEDGER) == 2
    said = capsys.readouterr().err
    assert "max_data_age: found 'soon'" in said
    assert "configs/approvers.yaml" in said


def test_a_provider_that_does_not_answer_is_a_no_with_its_reason(root, monkeypatch):
    (root / "configs/rollout-plan.yaml").write_text(PLAN)
    monkeypatch.setenv("PROMETHEUS_URL", f"http://bob:hunter2@127.0.0.1:{free_port()}")
    assert main(LEDGER) == 1
    item = items(root)["monitoring_configured"]
    assert item["verdict"] == "FAIL"
    assert "was not answered" in item["reason"]
    assert "hunter2" not in item["reason"]


def test_without_git_of_its_own_it_still_reads_the_ledger_of_origin(root):
    git(root, "remote", "add", "origin", str(root))
    assert main([f"--retrain={runs.RETRAIN_ID}"]) == 0
    assert items(root)["triggers_validated"]["verdict"] == "PASS"
