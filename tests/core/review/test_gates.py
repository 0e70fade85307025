"""What a retrain pull request must be: each demand, met and broken."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.review.gates import (
    Files,
    assess_age,
    assess_evidence,
    assess_inputs,
    assess_outputs,
    assess_parameters,
    assess_paths,
    is_stale,
)
from pipeline.domain import Gate, Verdict

PACKAGE = "evidence/protocol-24-retraining/m/2013-07-02-0123456789ab"
CODE, POLICY, CHAMPION = "pipeline/ml/model.py", "configs/gates.yaml", "rollouts/m/champion.yaml"
DEPS = {CODE: "c1", POLICY: "p1", CHAMPION: "k1"}


def by_name(gates: tuple[Gate, ...]) -> dict[str, Gate]:
    return {gate.name: gate for gate in gates}


def test_a_retrains_own_files_may_change() -> None:
    changed = [
        "dvc.lock",
        "params.yaml",
        "artifacts/report/report.md",
        f"{PACKAGE}/manifest.json",
        f"{PACKAGE}/scripts/retraining_pipeline.py",
        "rollouts/m/rollout.yaml",
    ]
    assert assess_paths(changed, "m", package=PACKAGE).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "path",
    [
        "configs/gates.yaml",
        "configs/approvers.yaml",
        ".github/workflows/review.yml",
        "pipeline/core/review/gates.py",
        "rollouts/m/champion.yaml",
        "rollouts/m/status.yaml",
        "rollouts/other/rollout.yaml",
        "evidence/protocol-24-retraining/other/v/manifest.json",
        "evidence/protocol-24-retraining/m/beside/manifest.json",
        f"{PACKAGE}-2/manifest.json",
        "artifacts",
        "artifacts/report/.gitattributes",
        "artifacts/.hidden/report.md",
        "artifacts/report/conftest.py",
        "artifacts/report/dvc.yaml",
        "artifacts/report/model.dvc",
        "artifacts/report/run",
        "dvc.yaml",
    ],
)
def test_any_other_file_fails_and_is_named(path: str) -> None:
    gate = assess_paths(["dvc.lock", path], "m", package=PACKAGE)
    assert gate.verdict is Verdict.FAIL
    assert path in gate.reason


def test_a_file_that_a_merge_would_not_leave_as_it_was_judged_fails() -> None:
    gate = assess_paths(["dvc.lock"], "m", package=PACKAGE, mixed={"dvc.lock"})
    assert gate.verdict is Verdict.FAIL
    assert gate.reason == "dvc.lock would be merged with what main has there now."


def test_a_link_in_the_place_of_a_report_fails() -> None:
    report = "artifacts/report/report.md"
    gate = assess_paths([report], "m", package=PACKAGE, links=[report])
    assert gate.verdict is Verdict.FAIL
    assert "is a link or a submodule" in gate.reason


def test_inputs_that_are_mains_pass() -> None:
    gates = assess_inputs(DEPS, Files(head=DEPS, base=DEPS, main=DEPS))
    assert {gate.name: gate.verdict for gate in gates} == {
        "code": Verdict.PASS,
        "policy": Verdict.PASS,
        "champion": Verdict.PASS,
    }


@pytest.mark.parametrize(
    ("path", "name"), [(CODE, "code"), (POLICY, "policy"), (CHAMPION, "champion")]
)
def test_an_input_that_changed_on_main_since_is_stale(path: str, name: str) -> None:
    gates = assess_inputs(DEPS, Files(head=DEPS, base=DEPS, main={**DEPS, path: "new"}))
    found = by_name(gates)
    assert found.pop(name).verdict is Verdict.INCONCLUSIVE
    assert all(gate.verdict is Verdict.PASS for gate in found.values())
    assert is_stale(gates)


@pytest.mark.parametrize(
    ("path", "name"), [(CODE, "code"), (POLICY, "policy"), (CHAMPION, "champion")]
)
def test_an_input_that_main_never_had_fails(path: str, name: str) -> None:
    gates = assess_inputs({**DEPS, path: "forged"}, Files(head=DEPS, base=DEPS, main=DEPS))
    assert by_name(gates)[name].verdict is Verdict.FAIL
    assert not is_stale(gates)


def test_an_input_that_is_gone_from_main_and_base_fails() -> None:
    gates = assess_inputs(DEPS, Files(head=DEPS, base={}, main={}))
    assert {gate.verdict for gate in gates} == {Verdict.FAIL}


def test_edited_figures_fail_and_what_git_does_not_hold_is_left_to_dvc() -> None:
    outs = {"artifacts/compare/comparison.json": "a", "artifacts/train/model": "b"}
    fine = assess_outputs(outs, (), {"artifacts/compare/comparison.json": "a"})
    edited = assess_outputs(outs, (), {"artifacts/compare/comparison.json": "x"})
    assert fine.verdict is Verdict.PASS
    assert edited.verdict is Verdict.FAIL
    assert "comparison.json was edited" in edited.reason


def test_a_lock_that_contradicts_itself_fails() -> None:
    gate = assess_outputs({}, ("artifacts/split/holdout.parquet",), {})
    assert gate.verdict is Verdict.FAIL
    assert "two digests" in gate.reason


def test_parameters_may_differ_from_mains_by_as_of_alone() -> None:
    main = {"collect": {"as_of": "2013-04-02", "days": 30}, "train": {"trials": 6}}
    head = {**main, "collect": {"as_of": "2013-07-02", "days": 30}}
    recorded = {"collect.as_of": "2013-07-02", "collect": head["collect"], "train": head["train"]}
    assert assess_parameters(recorded, head, main).verdict is Verdict.PASS
    stale = assess_parameters({"collect.as_of": "2013-04-02"}, head, main)
    assert stale.verdict is Verdict.FAIL
    assert "collect.as_of was another one in the run" in stale.reason
    loosened = {**head, "train": {"trials": 1}}
    gate = assess_parameters({"train": {"trials": 1}}, loosened, main)
    assert gate.verdict is Verdict.FAIL
    assert "train.trials is not main's" in gate.reason
    assert assess_parameters({"train.seed": 3}, {"train": 5}, main).verdict is Verdict.FAIL


def test_evidence_must_be_whole_and_named_by_the_commit_and_the_pull_request() -> None:
    same = {"package": "sha256:a", "commit": "sha256:a", "pull request": "sha256:a"}
    assert assess_evidence([], same).verdict is Verdict.PASS
    assert assess_evidence(["x.json: changed"], same).verdict is Verdict.FAIL
    for claim in ("commit", "pull request"):
        gate = assess_evidence([], {**same, claim: "sha256:b"})
        assert gate.verdict is Verdict.FAIL
        assert claim in gate.reason
    assert assess_evidence([], {"package": "sha256:a", "commit": None}).verdict is Verdict.FAIL


def test_data_may_be_just_as_old_as_allowed_and_no_older() -> None:
    now, limit = datetime(2013, 7, 16, tzinfo=UTC), timedelta(days=14)
    assert assess_age(now - limit, now, limit).verdict is Verdict.PASS
    old = assess_age(now - limit - timedelta(seconds=1), now, limit)
    assert old.verdict is Verdict.INCONCLUSIVE
    assert is_stale([old])
    assert assess_age(now, now, timedelta(hours=36)).rule == "The data is at most 1.5 days old."
    assert assess_age(now - timedelta(days=1), now, limit).reason == "It is 1 day old."


def test_nothing_is_stale_where_all_is_well_or_where_something_is_wrong() -> None:
    good = Gate("code", Verdict.PASS, "", "")
    waits = Gate("approvals", Verdict.INCONCLUSIVE, "", "")
    moved = Gate("champion", Verdict.INCONCLUSIVE, "", "")
    wrong = Gate("figures", Verdict.FAIL, "", "")
    assert not is_stale([good, waits])
    assert is_stale([good, waits, moved])
    assert not is_stale([moved, wrong])


def test_many_faults_are_counted_not_listed() -> None:
    gate = assess_paths([f"pipeline/{i}.py" for i in range(500)], "m", package=PACKAGE)
    assert "and 496 more" in gate.reason
    assert len(gate.reason) < 300
