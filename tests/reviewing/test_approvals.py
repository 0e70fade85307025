"""Whose approvals a policy asks for, on the files of a checkout."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.domain import Verdict
from pipeline.forge import PullRequest, PullState, Review, ReviewState
from pipeline.reviewing.approvals import assess_reviews

HERE = Path(__file__).parents[2]
HEAD = "b" * 40
PULL = PullRequest(
    number=1,
    branch="perennial/retrain/m",
    head=HEAD,
    base="main",
    title="Retrain m",
    body="",
    state=PullState.OPEN,
    author="bot",
    closed_by=None,
    url="",
    labels=(),
    merge_commit=None,
)
AT = datetime(2013, 7, 3, 10, tzinfo=UTC)
APPROVERS = "roles:\n  ml_lead: [ada]\n  product_owner: [linus]\n  risk: [rae, rob]\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(HERE / "configs", tmp_path / "configs")
    (tmp_path / "configs/approvers.yaml").write_text(APPROVERS)
    change(
        tmp_path,
        "approvers: [ml_lead, product_owner]\n    min_approvals: 1",
        "approvers: [risk]\n    min_approvals: 2",
    )
    return tmp_path


def change(root: Path, old: str, new: str) -> None:
    path = root / "configs/triggers.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def verdict(
    root: Path, *logins: str, makers: tuple[str, ...] = (), is_by_hand: bool = True
) -> Verdict:
    reviews = [Review(login, ReviewState.APPROVED, HEAD, AT) for login in logins]
    return assess_reviews(root, PULL, reviews, makers, is_by_hand=is_by_hand).verdict


def test_a_retrain_by_hand_waits_for_the_people_of_its_trigger(root: Path) -> None:
    assert verdict(root, "ada", "linus", is_by_hand=False) is Verdict.PASS
    assert verdict(root, "ada", "linus") is Verdict.INCONCLUSIVE
    assert verdict(root, "ada", "linus", "rae") is Verdict.INCONCLUSIVE
    assert verdict(root, "ada", "linus", "rae", "rob") is Verdict.PASS
    assert verdict(root, "rae", "rob") is Verdict.INCONCLUSIVE


def test_whoever_made_a_part_of_it_counts_for_no_role_and_for_no_quorum(root: Path) -> None:
    people = ("ada", "linus", "rae", "rob")
    assert verdict(root, *people, makers=("linus",), is_by_hand=False) is Verdict.INCONCLUSIVE
    assert verdict(root, *people, makers=("Rob",)) is Verdict.INCONCLUSIVE
    assert verdict(root, *people, makers=("perennial[bot]", "web-flow")) is Verdict.PASS


def test_a_retrain_by_hand_follows_the_rule_that_main_has_now(root: Path) -> None:
    change(root, "requires_approval: true", "requires_approval: false")
    assert verdict(root, "ada", "linus") is Verdict.PASS
    change(root, "manual_retrain:\n    enabled: true", "manual_retrain:\n    enabled: false")
    assert verdict(root, "ada", "linus", "rae", "rob") is Verdict.INCONCLUSIVE
