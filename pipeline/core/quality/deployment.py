"""Gate 3, deployment safety: people agree, the way back was gone, and somebody is watching."""

from __future__ import annotations

import math

from pipeline.core.quality.facts import AB_TEST, REHEARSAL, Facts, Missing
from pipeline.core.quality.gates import (
    Answer,
    Ask,
    fails,
    fails_if,
    passes,
    waits,
)
from pipeline.domain import Verdict, worst

PLAN = "configs/rollout-plan.yaml"
APPROVERS = "configs/approvers.yaml"


def deployment_asks(facts: Facts) -> tuple[Ask, ...]:
    """What the gate asks of a run and its pull request."""
    rules = facts.policy.deployment_safety
    return (
        Ask(
            "ab_test",
            "A/B test completed successfully",
            "Where the rollout plan asks for an A/B test, the challenger wins it before the merge.",
            (PLAN, AB_TEST),
            _ab_test,
        ),
        Ask(
            "plan_approved",
            "Rollout plan approved",
            f"Someone who speaks for {' or '.join(rules.plan_approved.roles)} approved the pull "
            "request with the plan in it.",
            (PLAN, APPROVERS),
            _plan_approved,
        ),
        Ask(
            "rollback_rehearsed",
            "Rollback procedure tested",
            "In a copy of the repository this challenger was merged and reverted, and what serves "
            "was the same again, byte for byte.",
            (REHEARSAL,),
            _rehearsed,
        ),
        Ask(
            "monitoring_configured",
            "Monitoring configured for new model",
            "For the champion, the metrics provider answers each figure that the rollout plan "
            "judges by.",
            (PLAN,),
            _monitoring,
        ),
        Ask(
            "sign_off",
            "Stakeholder sign-off obtained",
            f"Approved by each of: {', '.join(rules.sign_off.roles)}.",
            (APPROVERS,),
            _sign_off,
        ),
    )


def _ab_test(facts: Facts) -> Answer:
    if facts.plan is None:
        raise Missing(PLAN)
    if not facts.plan.has_ab_test:
        return passes("The plan asks for none.")
    if AB_TEST not in facts.documents:
        return waits("The plan asks for one, before the merge: not started.")
    found = facts.document(AB_TEST)
    if facts.package is None or found["variants"]["model_b"]["digest"] != facts.package.digest:
        return fails("The result is of another challenger.")
    if found["result"] == "model_b":
        return passes("The challenger won it.")
    if found["result"] == "inconclusive" and not found["is_over"]:
        return waits("The plan asks for one: it has not ended yet.")
    return fails(f"It ended with {found['result']}.")


def _plan_approved(facts: Facts) -> Answer:
    if facts.plan is None:
        raise Missing(PLAN)
    roles = facts.policy.deployment_safety.plan_approved.roles
    given = [f"{login} ({role})" for role in roles for login in _given(facts, role)]
    if given:
        return passes(f"Approved by {', '.join(given)}.")
    wanted = " or ".join(_wanted(facts, role) for role in roles)
    return waits(f"Waits for an approval of the pull request by {wanted}.")


def _sign_off(facts: Facts) -> Answer:
    roles = facts.policy.deployment_safety.sign_off.roles
    missing = [role for role in roles if not _given(facts, role)]
    if missing:
        return waits(f"Waits for {', '.join(_wanted(facts, role) for role in missing)}.")
    names = (f"{role}: {', '.join(_given(facts, role))}" for role in roles)
    return passes(f"{'; '.join(names)}.")


def _given(facts: Facts, role: str) -> tuple[str, ...]:
    return tuple(sorted((facts.approvals or {}).get(role, ())))


def _wanted(facts: Facts, role: str) -> str:
    """The role; with a word where nobody could ever speak for it."""
    return role if facts.members.get(role) else f"{role} (nobody is named in {APPROVERS})"


def _rehearsed(facts: Facts) -> Answer:
    if REHEARSAL not in facts.documents:
        return waits("Not rehearsed yet: run python -m scripts.rehearse_rollback.")
    found = facts.document(REHEARSAL)
    faults = []
    if facts.package is not None and found["challenger"] != facts.package.digest:
        faults.append("another challenger was rehearsed")
    if found["champion"] != facts.champion:
        faults.append("it was rehearsed with another champion than serves")
    if not found["steps"]:
        faults.append("nothing was tried")
    if faults:
        return fails_if(faults, fine="")
    bad = [step for step in found["steps"] if step["verdict"] != Verdict.PASS]
    verdict = worst(Verdict(each["verdict"]) for each in (found, *found["steps"]))
    if verdict is not Verdict.PASS:
        reason = "; ".join(f"{step['name']}: {step['reason']}" for step in bad)
        return Answer(verdict, reason or "It says no, and not why.")
    return passes(f"{len(found['steps'])} of {len(found['steps'])} steps went well.")


def _monitoring(facts: Facts) -> Answer:
    if facts.plan is None:
        raise Missing(PLAN)
    if not facts.plan.metrics:
        return fails("The plan judges by no figure at all.")
    if facts.monitoring.provider is None:
        wanted = ", ".join(facts.plan.metrics)
        return waits(f"No metrics provider is set, so nobody can say whether it has {wanted}.")
    figures = facts.monitoring.figures
    faults = [
        f"{metric}: {why}"
        for metric in facts.plan.metrics
        if (why := _why_not(figures.get(metric)))
    ]
    fine = f"{facts.monitoring.provider} answers {', '.join(facts.plan.metrics)} for the champion."
    return fails_if(faults, fine)


def _why_not(figure: float | str | None) -> str | None:
    if isinstance(figure, str):
        return figure
    is_number = figure is not None and math.isfinite(figure)
    return None if is_number else "no data for the champion"
