"""The kind of a pull request follows from what it changes."""

import pytest

from pipeline.core.review.kind import Change, Kind, kind_of

NEW = "rollouts/m/rollout.yaml"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ([Change("README.md", is_restored=False)], Kind.OTHER),
        ([], Kind.OTHER),
        ([Change("rollouts/README.md", is_restored=False)], Kind.OTHER),
        ([Change(NEW, is_restored=False), Change("dvc.lock", is_restored=False)], Kind.RETRAIN),
        ([Change(NEW, is_restored=True), Change("dvc.lock", is_restored=True)], Kind.ROLLBACK),
        ([Change("rollouts/m/champion.yaml", is_restored=True)], Kind.ROLLBACK),
        ([Change("rollouts/m/champion.yaml", is_restored=False)], Kind.SERVING),
        ([Change("rollouts/m/status.yaml", is_restored=False)], Kind.SERVING),
    ],
)
def test_the_kind(changes: list[Change], kind: Kind) -> None:
    assert kind_of(changes) is kind


def test_a_rollback_that_brings_something_new_is_judged_whole() -> None:
    smuggled = [Change(NEW, is_restored=True), Change("dvc.lock", is_restored=False)]
    assert kind_of(smuggled) is Kind.RETRAIN


def test_a_rollback_that_takes_code_back_too_is_judged_whole() -> None:
    code = [Change(NEW, is_restored=True), Change("configs/gates.yaml", is_restored=True)]
    assert kind_of(code) is Kind.RETRAIN


def test_a_rollback_of_one_model_may_not_touch_the_evidence_of_another() -> None:
    other = "evidence/protocol-24-retraining/other/v/manifest.json"
    changes = [Change(NEW, is_restored=True), Change(other, is_restored=True)]
    assert kind_of(changes) is Kind.RETRAIN
