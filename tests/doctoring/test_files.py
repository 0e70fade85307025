"""Files of the checkout, broken on purpose."""

from __future__ import annotations

from pathlib import Path

import yaml

from pipeline.doctoring.files import check_configurations, check_lock, check_roles
from pipeline.dvc_objects import file_md5
from tests.doctoring.checkouts import replaced, situation_of, told


def test_every_fault_of_every_configuration_is_told_at_once(root: Path) -> None:
    assert told(check_configurations, situation_of(root)) == [
        "ok configuration: 10 files are valid"
    ]
    replaced(root / "configs/repository.yaml", "approvals: 1", "approvals: none")
    replaced(root / "configs/triggers.yaml", "threshold: 0.70", "treshold: 0.70")
    (root / "configs/serving.yaml").unlink()
    lines = told(check_configurations, situation_of(root))
    assert all(line.startswith("fault configs/") for line in lines)
    assert {line.split()[1].rstrip(":") for line in lines} == {
        "configs/repository.yaml",
        "configs/triggers.yaml",
        "configs/serving.yaml",
    }
    assert any("did you mean 'threshold'?" in line for line in lines)


def test_labels_that_mature_after_the_gates_lost_patience_are_a_fault(root: Path) -> None:
    replaced(root / "params.yaml", "label_maturity_hours: 24", "label_maturity_hours: 720")
    (line,) = told(check_configurations, situation_of(root))
    assert line.startswith("fault params.yaml: collect.label_maturity_hours: found 720, but")
    assert "no rows older than 336 hours" in line
    required = "data_collected_and_validated:\n      required: true"
    replaced(root / "configs/gates.yaml", required, required.replace("true", "false"))
    assert told(check_configurations, situation_of(root))[0].startswith("ok")


def test_a_fault_of_the_gates_is_told_once(root: Path) -> None:
    replaced(root / "configs/gates.yaml", "confidence: 0.95", "confidence: 95")
    situation = situation_of(root)
    lines = [*told(check_configurations, situation), *told(check_roles, situation)]
    assert len([line for line in lines if "comparison.confidence" in line]) == 1
    assert lines[-1] == "not checked approvers: a file has faults, told under its own name"


def test_a_role_that_nobody_has_is_a_fault(root: Path) -> None:
    assert told(check_roles, situation_of(root)) == ["ok approvers: each role has somebody"]
    replaced(root / "configs/approvers.yaml", "[ben]", "[]")
    (line,) = told(check_roles, situation_of(root))
    assert line.startswith("fault approvers: nobody has the role product_owner")


def lock_of(root: Path, **changes: object) -> None:
    """A lock of all stages, as if each had read params.yaml and nothing else."""
    stages = yaml.safe_load((root / "dvc.yaml").read_text())["stages"]
    md5 = file_md5(root / "params.yaml")
    locked = {n: {"cmd": "x", "deps": [{"path": "params.yaml", "md5": md5}]} for n in stages}
    text = yaml.safe_dump({"schema": "2.0", "stages": {**locked, **changes}})
    (root / "dvc.lock").write_text(text)


def test_a_lock_that_is_missing_stale_or_of_another_pipeline_is_told(root: Path) -> None:
    situation = situation_of(root)
    assert "nothing was trained yet" in told(check_lock, situation)[0]
    lock_of(root)
    assert told(check_lock, situation)[0].startswith("ok dvc.lock:")
    with (root / "params.yaml").open("a") as params:
        params.write("# another run\n")
    (line,) = told(check_lock, situation)
    assert line == "warning dvc.lock: changed since the last run: params.yaml -> dvc repro"
    lock_of(root, distill={"cmd": "x"})
    assert told(check_lock, situation) == [
        "fault dvc.lock: stage distill is not in dvc.yaml -> dvc repro"
    ]


def test_a_lock_that_was_merged_by_hand_is_a_fault(root: Path) -> None:
    lock_of(root, evaluate={"cmd": "x", "deps": [{"path": "params.yaml", "md5": "0" * 32}]})
    assert any(
        "two stages recorded it differently" in line
        for line in told(check_lock, situation_of(root))
    )
