import math
from dataclasses import replace

import pytest

from pipeline.core.quality.facts import AB_TEST, REHEARSAL, Monitoring, PlanFacts
from pipeline.domain import Verdict
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


def test_a_plan_with_an_ab_test_waits_for_the_rollout_and_not_for_people():
    found = item(facts(plan=PlanFacts(("accuracy",), has_ab_test=True)), "ab_test")
    assert (found.verdict, found.waits, found.is_later) == (INCONCLUSIVE, True, True)


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        ("model_b", PASS),
        ("model_a", FAIL),
        ("no_significant_difference", FAIL),
        ("inconclusive", FAIL),
        ("invalid", FAIL),
    ],
)
def test_only_a_test_that_the_challenger_won_passes(result, verdict):
    assert says(after_a_test(result), "ab_test")[0] is verdict


def test_a_test_that_still_runs_waits():
    assert item(after_a_test("inconclusive", is_over=False), "ab_test").is_later


def test_a_win_of_another_challenger_fails():
    assert says(after_a_test("model_b", digest=runs.OTHER), "ab_test")[0] is FAIL


# ---------------------------------------------------------------- people


def test_approvals_of_the_roles_pass_with_their_names():
    assert says(facts(), "plan_approved") == (PASS, "Approved by ada (ml_lead).")
    assert says(facts(), "sign_off") == (PASS, "ml_lead: ada; product_owner: grace.")


@pytest.mark.parametrize("approvals", [None, {}, {"ml_lead": ()}, {"cleaner": ("bob",)}])
def test_without_the_roles_it_waits_for_people(approvals):
    for name in ("plan_approved", "sign_off"):
        found = item(facts(approvals=approvals), name)
        assert (found.verdict, found.waits, found.is_later) == (INCONCLUSIVE, True, False)


def test_sign_off_wants_every_role_and_says_whose_is_missing():
    half = facts(approvals={"ml_lead": ("ada",)})
    assert says(half, "sign_off") == (INCONCLUSIVE, "Waits for product_owner.")
    assert says(half, "plan_approved")[0] is PASS


def test_a_role_that_nobody_has_says_so():
    nobody = facts(approvals=None, members={"product_owner": ("grace",)})
    said = says(nobody, "sign_off")[1]
    assert said.startswith("Waits for ml_lead (nobody is named in configs/approvers.yaml)")


# ---------------------------------------------------------------- rollback and monitoring


def test_a_rehearsal_of_this_challenger_passes():
    assert says(facts(), "rollback_rehearsed") == (PASS, "1 of 1 steps went well.")


def test_what_was_not_rehearsed_waits():
    found = item(without_document(REHEARSAL), "rollback_rehearsed")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)


@pytest.mark.parametrize(
    "changes", [{"challenger": runs.OTHER}, {"champion": runs.OTHER}, {"steps": []}]
)
def test_a_rehearsal_of_something_else_fails(changes):
    assert says(with_document(REHEARSAL, **changes), "rollback_rehearsed")[0] is FAIL


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
    assert said.startswith("No metrics provider is set")


@pytest.mark.parametrize("figure", [None, math.nan, math.inf, "was not answered"])
def test_a_figure_that_does_not_come_fails(figure):
    asked = Monitoring("Prometheus", {"accuracy": 0.8, "error_rate": figure})
    verdict, said = says(facts(monitoring=asked), "monitoring_configured")
    assert verdict is FAIL
    assert said.startswith("Error_rate: ")


def test_an_error_rate_of_zero_is_a_figure():
    assert says(facts(), "monitoring_configured")[0] is PASS


def test_a_plan_that_judges_by_nothing_fails():
    assert says(facts(plan=PlanFacts(())), "monitoring_configured")[0] is FAIL


def test_without_a_plan_there_is_nothing_to_approve():
    for name in ("ab_test", "plan_approved", "monitoring_configured"):
        assert says(facts(plan=None), name)[0] is FAIL
