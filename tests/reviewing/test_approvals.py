"""Whose approvals a policy asks for, on the files of a checkout."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.adapters.git.trees import Tree
from pipeline.core.triggers.ledger import Ledger, Retrain, RetrainState
from pipeline.domain import Verdict
from pipeline.forge import PullRequest, PullState, Review, ReviewState
from pipeline.reviewing.approvals import BY_HAND, assess_reviews, why_by_hand
from tests.repository import commit, git

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
    why = BY_HAND if is_by_hand else None
    return assess_reviews(root, PULL, reviews, makers, why_by_hand=why).verdict


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


ID = "flight-delay-0001"


def ledger(state: RetrainState, number: str = ID, model: str = "flight-delay") -> Ledger:
    return Ledger(retrains=(Retrain(number, model, "sha256:0", state, AT, AT),))


@pytest.fixture
def silent(tmp_path: Path) -> Tree:
    """A commit that does not say that it ran by hand."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path, "Propose")
    return Tree(tmp_path, "main")


@pytest.mark.parametrize("state", [state for state in RetrainState if state.is_open])
def test_what_the_ledger_asked_for_and_has_not_ended_is_none_by_hand(
    silent: Tree, state: RetrainState
) -> None:
    assert why_by_hand(silent, ledger(state), "flight-delay", ID) is None


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        (Ledger(), f"since the trigger ledger has no retrain {ID}"),
        (
            ledger(RetrainState.ABANDONED),
            f"since {ID} is ABANDONED in the trigger ledger since 2013-07-03",
        ),
    ],
)
def test_anything_else_is_by_hand_whatever_the_branch_says(
    silent: Tree, kept: Ledger, why: str
) -> None:
    assert why_by_hand(silent, kept, "flight-delay", ID) == why


def test_of_a_merge_the_ledger_is_asked_as_it_was_then(silent: Tree) -> None:
    kept = ledger(RetrainState.ABANDONED)  # at AT
    assert why_by_hand(silent, kept, "flight-delay", ID, merged=AT) is None
    assert why_by_hand(silent, kept, "flight-delay", ID, merged=AT + timedelta(seconds=1))


def test_a_ledger_that_cannot_be_read_makes_nothing_easier(silent: Tree) -> None:
    assert why_by_hand(silent, None, "flight-delay", ID) == (
        "since the trigger ledger cannot be read"
    )
