import math
from dataclasses import replace

import pytest

from pipeline.core.quality.facts import AB_TEST, REHEARSAL, Monitoring, PlanFacts
from pipeline.domain import Verdict
from pipeline.gates_config import RolesRule
from tests.core import quality_runs as runs
from tests.core.quality_runs import facts, item, says, with_document, without_document

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


# ---------------------------------------------------------------- A/B test


def after_a_test(result, *, is_over=True, digest=runs.CHALLENGER):
    found = {"result": result, "is_over": is_over, "variants": {"model_b": {"digest": digest}}}
    plan = replace(facts().plan, has_ab_test=True)
    return facts(plan=plan, documents={**runs.documents(), AB_TEST: found})


def test_a_plan_without_an_ab_test_asks_for_none():
    assert says(facts(), "ab_test") == (PASS, "The plan asks for none.")


def test_a_plan_with_an_ab_test_waits_for_it():
    found = item(facts(plan=PlanFacts(("accuracy",), has_ab_test=True)), "ab_test")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)
    assert found.reason == "The plan asks for one, before the merge: not started."


@pytest.mark.parametrize(
    ("result", "verdict", "reason"),
    [
        ("model_b", PASS, "The challenger won it."),
        ("model_a", FAIL, "It ended with model_a."),
        ("no_significant_difference", FAIL, "It ended with no_significant_difference."),
        ("inconclusive", FAIL, "It ended with inconclusive."),
        ("invalid", FAIL, "It ended with invalid."),
    ],
)
def test_only_a_test_that_the_challenger_won_passes(result, verdict, reason):
    assert says(after_a_test(result), "ab_test") == (verdict, reason)


def test_a_test_that_still_runs_waits():
    found = item(after_a_test("inconclusive", is_over=False), "ab_test")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)
    assert found.reason == "The plan asks for one: it has not ended yet."


def test_a_win_of_another_challenger_fails():
    answer = (FAIL, "The result is of another challenger.")
    assert says(after_a_test("model_b", digest=runs.OTHER), "ab_test") == answer
    without_package = replace(after_a_test("model_b"), package=None)
    assert says(without_package, "ab_test") == answer


# ---------------------------------------------------------------- people


def test_approvals_of_the_roles_pass_with_their_names():
    assert says(facts(), "plan_approved") == (PASS, "Approved by ada (ml_lead).")
    assert says(facts(), "sign_off") == (PASS, "ml_lead: ada; product_owner: grace.")


@pytest.mark.parametrize("approvals", [None, {}, {"ml_lead": ()}, {"cleaner": ("bob",)}])
def test_without_the_roles_it_waits_for_people(approvals):
    for name in ("plan_approved", "sign_off"):
        found = item(facts(approvals=approvals), name)
        assert (found.verdict, found.waits) == (INCONCLUSIVE, True)


def test_an_approval_of_either_role_will_do_for_the_plan_and_all_who_gave_one_are_named():
    policy = facts().policy
    either = RolesRule(roles=("ml_lead", "product_owner"))
    safety = policy.deployment_safety.model_copy(update={"plan_approved": either})
    policy = policy.model_copy(update={"deployment_safety": safety})
    both = {"ml_lead": ("bob", "ada"), "product_owner": ("grace",)}
    named = "Approved by ada (ml_lead), bob (ml_lead), grace (product_owner)."
    assert says(facts(policy=policy, approvals=both), "plan_approved") == (PASS, named)
    waiting = item(facts(policy=policy, approvals=None), "plan_approved")
    assert waiting.reason == (
        "Waits for an approval of the pull request by ml_lead or product_owner."
    )
    assert waiting.rule.startswith("Someone who speaks for ml_lead or product_owner approved ")


def test_sign_off_names_all_who_gave_it_by_their_role():
    several = facts(approvals={"ml_lead": ("bob", "ada"), "product_owner": ("grace",)})
    assert says(several, "sign_off") == (PASS, "ml_lead: ada, bob; product_owner: grace.")
    assert item(several, "sign_off").rule == "Approved by each of: ml_lead, product_owner."


def test_sign_off_wants_every_role_and_says_whose_is_missing():
    half = facts(approvals={"ml_lead": ("ada",)})
    assert says(half, "sign_off") == (INCONCLUSIVE, "Waits for product_owner.")
    assert says(half, "plan_approved")[0] is PASS


def test_a_role_that_nobody_has_says_so():
    nobody = facts(approvals=None, members={"product_owner": ("grace",)})
    said = says(nobody, "sign_off")[1]
    assert said.startswith("Waits for ml_lead (nobody is named in configs/approvers.yaml)")
    said = says(nobody, "plan_approved")[1]
    assert said.endswith(" by ml_lead (nobody is named in configs/approvers.yaml).")


# ---------------------------------------------------------------- rollback and monitoring


def test_a_rehearsal_of_this_challenger_passes():
    assert says(facts(), "rollback_rehearsed") == (PASS, "1 of 1 steps went well.")


def test_what_was_not_rehearsed_waits():
    found = item(without_document(REHEARSAL), "rollback_rehearsed")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)
    assert found.reason == "Not rehearsed yet: run python -m scripts.rehearse_rollback."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"challenger": runs.OTHER}, "Another challenger was rehearsed."),
        ({"champion": runs.OTHER}, "It was rehearsed with another champion than serves."),
        ({"steps": []}, "Nothing was tried."),
        (
            {"challenger": runs.OTHER, "steps": []},
            "Another challenger was rehearsed; nothing was tried.",
        ),
    ],
)
def test_a_rehearsal_of_something_else_fails(changes, reason):
    assert says(with_document(REHEARSAL, **changes), "rollback_rehearsed") == (FAIL, reason)


def test_a_rehearsal_that_says_no_without_a_bad_step_says_not_why():
    silent = with_document(REHEARSAL, verdict="FAIL")
    assert says(silent, "rollback_rehearsed") == (FAIL, "It says no, and not why.")


def test_only_the_steps_that_went_wrong_are_told():
    bad = {"verdict": "FAIL", "reason": "No."}
    steps = [
        {"name": "a", "verdict": "PASS", "reason": "Yes."},
        {"name": "b", **bad},
        {"name": "c", **bad},
    ]
    assert says(with_document(REHEARSAL, steps=steps), "rollback_rehearsed") == (
        FAIL,
        "b: No.; c: No.",
    )


@pytest.mark.parametrize("verdict", [INCONCLUSIVE, FAIL, Verdict.ERROR])
def test_a_rehearsal_that_did_not_go_well_has_its_verdict_and_its_words(verdict):
    step = {"name": "it merges", "verdict": verdict, "reason": "A conflict."}
    bad = with_document(REHEARSAL, verdict=verdict, steps=[step])
    assert says(bad, "rollback_rehearsed") == (verdict, "it merges: A conflict.")


def test_a_step_that_failed_cannot_hide_behind_a_verdict_that_passed():
    step = {"name": "it merges", "verdict": "FAIL", "reason": "A conflict."}
    assert says(with_document(REHEARSAL, steps=[step]), "rollback_rehearsed")[0] is FAIL


def test_without_a_provider_nobody_can_say():
    verdict, said = says(facts(monitoring=Monitoring()), "monitoring_configured")
    assert verdict is INCONCLUSIVE
    assert said == (
        "No metrics provider is set, so nobody can say whether it has accuracy, error_rate."
    )
    assert item(facts(monitoring=Monitoring()), "monitoring_configured").waits


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (None, "no data for the champion"),
        (math.nan, "no data for the champion"),
        (math.inf, "no data for the champion"),
        ("it was not answered", "it was not answered"),
    ],
)
def test_a_figure_that_does_not_come_fails(figure, reason):
    asked = Monitoring("Prometheus", {"accuracy": 0.8, "error_rate": figure})
    found = says(facts(monitoring=asked), "monitoring_configured")
    assert found == (FAIL, f"Error_rate: {reason}.")


def test_an_error_rate_of_zero_is_a_figure():
    assert says(facts(), "monitoring_configured") == (
        PASS,
        "Prometheus answers accuracy, error_rate for the champion.",
    )


def test_a_plan_that_judges_by_nothing_fails():
    answer = (FAIL, "The plan judges by no figure at all.")
    assert says(facts(plan=PlanFacts(())), "monitoring_configured") == answer


def test_without_a_plan_there_is_nothing_to_approve():
    for name in ("ab_test", "plan_approved", "monitoring_configured"):
        verdict, said = says(facts(plan=None), name)
        assert verdict is FAIL
        assert said.startswith("configs/rollout-plan.yaml is missing")
