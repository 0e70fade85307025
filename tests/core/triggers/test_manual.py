import pytest

from pipeline.config import parse_section
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.manual import Approval, ManualRequest, approvers_of, assess_manual
from pipeline.trigger_config import ManualTrigger

LEAD, OWNER = Approval("lea", "ml_lead"), Approval("otto", "product_owner")


def assess(*approvals, priority=None, **changes):
    fields = {"requires_approval": True, "approvers": ("ml_lead", "product_owner")} | changes
    rule = parse_section(ManualTrigger, fields, "test")
    return assess_manual(rule, ManualRequest("run-7", "ann", "new prices", priority, approvals))


def test_without_an_approval_it_waits():
    decision = assess()
    assert decision.status is Status.QUIET
    assert (
        "0 of 1 approvals by someone else with the role ml_lead or product_owner" in decision.reason
    )


def test_one_approval_of_a_configured_role_fires():
    decision = assess(OWNER)
    assert decision.status is Status.FIRED
    assert decision.window == "run-7"
    assert 'ann asks: "new prices"; approved by otto' in decision.reason


@pytest.mark.parametrize(
    "approval", [Approval("eve", "intern"), Approval("ann", "ml_lead"), Approval("Ann", "ml_lead")]
)
def test_other_roles_and_the_asking_person_do_not_count(approval):
    assert assess(approval).status is Status.QUIET


def test_a_person_with_two_roles_counts_once():
    both = (Approval("lea", "ml_lead"), Approval("Lea", "product_owner"))
    assert assess(*both, min_approvals=2).status is Status.QUIET
    both_roles = assess(LEAD, OWNER, min_approvals=2)
    assert both_roles.status is Status.FIRED
    assert both_roles.reason.endswith("; approved by lea, otto")
    rule = parse_section(ManualTrigger, {"approvers": ("ml_lead", "product_owner")}, "test")
    assert approvers_of(rule, ManualRequest("r", "ann", "", None, both)) == ("lea",)


def test_where_no_approval_is_required_asking_is_enough():
    expected = TriggerDecision(
        "manual_retrain", Status.FIRED, "high", 'ann asks: "new prices"', "run-7"
    )
    assert assess(requires_approval=False, approvers=(), priority="high") == expected


def test_the_priority_is_the_one_that_was_asked_for():
    assert assess(LEAD, priority="critical").priority == "critical"
    assert assess(LEAD).priority == "medium"
