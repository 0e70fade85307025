"""Who has approved what: the right roles, on the newest commit, and nobody for themselves."""

from typing import Any

import pytest

from pipeline.core.review.approvals import Opinion, Quorum, assess_approvals
from pipeline.domain import Gate, Verdict

HEAD, OLD = "b" * 40, "a" * 40
ROLES = {"ml_lead": ["ada", "grace"], "product_owner": ["linus"]}
BOTH = [Opinion("ada", "APPROVED", HEAD), Opinion("linus", "APPROVED", HEAD)]


def assess(opinions: list[Opinion], **changes: Any) -> Gate:
    settings: dict[str, Any] = {
        "head": HEAD,
        "authors": ["perennial[bot]"],
        "roles_wanted": ("ml_lead", "product_owner"),
        "logins_of": ROLES,
        **changes,
    }
    return assess_approvals(opinions, **settings)


def test_one_of_each_role_is_enough() -> None:
    assert assess(BOTH).verdict is Verdict.PASS


def test_a_login_is_the_same_in_capitals() -> None:
    shouted = [Opinion(o.login.upper(), o.state, o.commit) for o in BOTH]
    assert assess(shouted).verdict is Verdict.PASS


def test_nobody_asked_for_is_a_pass_and_nobody_named_is_none() -> None:
    assert assess([], roles_wanted=()).verdict is Verdict.PASS
    nobody = assess(BOTH, logins_of={"ml_lead": [], "product_owner": []})
    assert nobody.verdict is Verdict.INCONCLUSIVE
    assert "nobody is named in configs/approvers.yaml" in nobody.reason


@pytest.mark.parametrize(
    ("opinions", "why"),
    [
        ([BOTH[0]], "product_owner (no review yet)"),
        ([BOTH[0], Opinion("linus", "APPROVED", OLD)], "linus approved an older commit"),
        ([BOTH[0], Opinion("linus", "DISMISSED", HEAD)], "approval of linus was dismissed"),
        ([BOTH[0], Opinion("linus", "COMMENTED", HEAD)], "no review yet"),
        ([BOTH[0], Opinion("linus", "PENDING", HEAD)], "no review yet"),
        ([BOTH[0], Opinion("mallory", "APPROVED", HEAD)], "no review yet"),
        ([BOTH[0], Opinion("linus ", "APPROVED", HEAD)], "no review yet"),
    ],
)
def test_what_does_not_count_is_waited_for_with_its_reason(
    opinions: list[Opinion], why: str
) -> None:
    gate = assess(opinions)
    assert gate.verdict is Verdict.INCONCLUSIVE
    assert why in gate.reason


def test_nobody_approves_what_they_wrote() -> None:
    gate = assess(BOTH, authors=["perennial[bot]", "Linus"])
    assert gate.verdict is Verdict.INCONCLUSIVE
    assert "linus made a part of it" in gate.reason


def test_the_newest_review_of_a_person_counts() -> None:
    back = [*BOTH, Opinion("linus", "CHANGES_REQUESTED", HEAD)]
    assert assess(back).verdict is Verdict.FAIL
    again = [*back, Opinion("linus", "APPROVED", HEAD)]
    assert assess(again).verdict is Verdict.PASS
    talk = [*BOTH, Opinion("linus", "COMMENTED", HEAD)]
    assert assess(talk).verdict is Verdict.PASS


def test_a_request_for_changes_blocks_even_where_another_of_the_role_approved() -> None:
    gate = assess([*BOTH, Opinion("grace", "CHANGES_REQUESTED", OLD)])
    assert gate.verdict is Verdict.FAIL
    assert "grace asked for changes" in gate.reason


def test_a_stranger_cannot_block() -> None:
    gate = assess([*BOTH, Opinion("mallory", "CHANGES_REQUESTED", HEAD)])
    assert gate.verdict is Verdict.PASS


TWO_LEADS = Quorum(("ml_lead", "risk"), 2, "since it ran by hand")


def test_a_quorum_is_of_different_people_and_beside_the_roles() -> None:
    waits = assess(BOTH, quorum=TWO_LEADS)
    assert waits.verdict is Verdict.INCONCLUSIVE
    assert waits.rule == (
        "Approved on the newest commit by: ml_lead, product_owner; and by 2 of ml_lead or risk, "
        "since it ran by hand."
    )
    assert waits.reason == (
        "Waits for 1 more of ml_lead or risk, since it ran by hand (no review yet)."
    )
    grace = Opinion("grace", "APPROVED", HEAD)
    assert assess([*BOTH, grace], quorum=TWO_LEADS).verdict is Verdict.PASS
    assert assess([*BOTH, grace], quorum=TWO_LEADS, authors=["Grace"]).verdict is not Verdict.PASS
    both_roles = {**ROLES, "risk": ["ada"]}
    assert assess(BOTH, quorum=TWO_LEADS, logins_of=both_roles).verdict is Verdict.INCONCLUSIVE


def test_whoever_could_make_a_quorum_can_ask_for_changes_too() -> None:
    against = [*BOTH, Opinion("rae", "CHANGES_REQUESTED", HEAD)]
    roles = {**ROLES, "risk": ["rae"]}
    assert assess(against, logins_of=roles).verdict is Verdict.PASS
    assert assess(against, logins_of=roles, quorum=TWO_LEADS).verdict is Verdict.FAIL


def test_a_quorum_of_no_roles_is_never_there() -> None:
    gate = assess(BOTH, quorum=Quorum((), 1, "since none is allowed"))
    assert gate.verdict is Verdict.INCONCLUSIVE
    assert "1 more of nobody, since none is allowed" in gate.reason
