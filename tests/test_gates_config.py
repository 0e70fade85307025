"""The quality gates of configs/gates.yaml."""

from datetime import timedelta
from pathlib import Path

import pytest

from pipeline.config import load_gates
from pipeline.errors import ConfigurationError
from pipeline.gates_config import QualityPolicy, load_quality_policy
from tests.repository import ROOT


def written(folder: Path, section: str) -> Path:
    comparison = (ROOT / "tests/second_usecase/configs/gates.yaml").read_text()
    (folder / "configs").mkdir()
    (folder / "configs/gates.yaml").write_text(comparison + section)
    return folder


def test_the_shipped_section_asks_for_everything_and_names_every_item() -> None:
    policy = load_quality_policy(ROOT)
    text = (ROOT / "configs/gates.yaml").read_text()
    for gate in QualityPolicy.model_fields:
        rules = getattr(policy, gate)
        for name in type(rules).model_fields:
            assert getattr(rules, name).required
            assert f"    {name}:" in text
    assert policy.readiness.data_collected_and_validated.max_data_age == timedelta(days=14)


def test_a_file_without_the_section_has_the_defaults(tmp_path: Path) -> None:
    assert load_quality_policy(written(tmp_path, "")) == QualityPolicy()


def test_the_comparison_is_read_with_and_without_it(tmp_path: Path) -> None:
    root = written(tmp_path, "quality_gates: {readiness: {features_ready: {required: false}}}\n")
    assert load_gates(root).comparison.primary_metric == "accuracy"
    assert load_quality_policy(root).readiness.features_ready.required is False


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("quality_gates: {redyness: {}}", "redyness: unknown key; did you mean 'readiness'?"),
        ("quality_gates: {readiness: {features_ready: {required: yep}}}", "required: found 'yep'"),
        ("quality_gates: {deployment_safety: {sign_off: {roles: []}}}", "sign_off.roles: found ()"),
        ("quality_gates: {deployment_safety: {sign_off: {roles: [ML Lead]}}}", "found 'ML Lead'"),
        (
            "quality_gates: {readiness: {data_collected_and_validated: {max_data_age: 0d}}}",
            "max_data_age: found '0d'",
        ),
        (
            "quality_gates: {readiness: {compute_present: {max_run_minutes: 0}}}",
            "max_run_minutes: found 0",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, section: str, fault: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_quality_policy(written(tmp_path, section + "\n"))
    assert any(fault in found for found in caught.value.faults)
