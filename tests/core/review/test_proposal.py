"""What is proposed: it won, and the manifest says just that."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.core.review.proposal import (
    Proposed,
    assess_proposal,
    assess_quality,
    waits_for_manual_approval,
)
from pipeline.domain import Gate, Verdict

CHAMPION, PACKAGE = "sha256:" + "c" * 64, "d" * 32 + ".dir"
GOOD = Proposed("m", "m-0001", CHAMPION, PACKAGE, plan="canary")
WON = {"verdict": "PASS", "champion": CHAMPION}


def assess(
    proposed: Proposed = GOOD, comparison: dict[str, Any] = WON, **changes: Any
) -> tuple[Gate, Gate]:
    main: dict[str, Any] = {"model": "m", "retrain": "m-0001", "champion": CHAMPION}
    main |= {"plan": "canary", **changes}
    return assess_proposal(proposed, comparison, {"artifacts/package": PACKAGE}, **main)


def test_a_won_comparison_and_a_manifest_that_fits_pass() -> None:
    assert [gate.verdict for gate in assess()] == [Verdict.PASS, Verdict.PASS]


@pytest.mark.parametrize("verdict", ["FAIL", "INCONCLUSIVE", "ERROR", "pass", None])
def test_only_pass_is_a_win(verdict: object) -> None:
    won, manifest = assess(comparison={**WON, "verdict": verdict})
    assert won.verdict is Verdict.FAIL
    assert manifest.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"proposed": replace(GOOD, plan="at once")}, "plan is not that"),
        ({"proposed": replace(GOOD, package_md5="e" * 32 + ".dir")}, "not the one"),
        ({"proposed": replace(GOOD, model="n")}, "another model"),
        ({"proposed": replace(GOOD, retrain="m-0002")}, "another retrain than its branch"),
        ({"retrain": "m-2013-07-02"}, "another retrain than its branch"),
        ({"champion": "sha256:" + "f" * 64}, "another champion than serves"),
        ({"champion": None}, "another champion than serves"),
        ({"comparison": {**WON, "champion": None}}, "comparison was with another"),
    ],
)
def test_a_manifest_that_says_something_else_fails(changes: dict[str, Any], why: str) -> None:
    _, manifest = assess(**changes)
    assert manifest.verdict is Verdict.FAIL
    assert why in manifest.reason


def item(name: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "title": name, "verdict": verdict, "reason": "as found", **more}


def quality(*items: dict[str, Any]) -> Gate:
    return assess_quality({"gates": [{"items": list(items)}]})


def test_the_worst_item_wins() -> None:
    fine = item("registered", "PASS")
    assert quality(fine).verdict is Verdict.PASS
    assert quality(fine, item("fairness", "FAIL")).verdict is Verdict.FAIL
    assert quality(fine, item("ab_test", "INCONCLUSIVE")).verdict is Verdict.INCONCLUSIVE


def test_what_people_decide_is_counted_elsewhere_and_what_is_optional_not_at_all() -> None:
    waits = item("sign_off", "INCONCLUSIVE", waits=True)
    assert quality(item("registered", "PASS"), waits).verdict is Verdict.PASS
    optional = item("monitoring_configured", "FAIL", is_required=False)
    assert quality(item("registered", "PASS"), optional).verdict is Verdict.PASS


def test_no_items_at_all_is_an_error() -> None:
    assert assess_quality({}).verdict is Verdict.ERROR
    assert quality(item("plan_approved", "INCONCLUSIVE", waits=True)).verdict is Verdict.ERROR


def test_an_ab_test_that_is_waited_for_is_left_to_its_own_gate_and_other_waits_are_not() -> None:
    test = item("ab_test", "INCONCLUSIVE", waits=True)
    assert quality(item("registered", "PASS"), test).verdict is Verdict.PASS
    assert quality(item("registered", "PASS"), item("ab_test", "FAIL")).verdict is Verdict.FAIL
    waits = item("monitoring_configured", "INCONCLUSIVE", waits=True)
    assert quality(item("registered", "PASS"), waits).verdict is Verdict.INCONCLUSIVE


def test_only_a_retrain_by_hand_that_needs_approvals_waits_for_them_here() -> None:
    def waits(**changes: Any) -> bool:
        asked = {**item("triggers_validated", "INCONCLUSIVE", waits=True), **changes}
        return waits_for_manual_approval({"gates": [{"items": [item("sign_off", "FAIL"), asked]}]})

    assert waits()
    assert not waits(verdict="PASS")
    assert not waits(waits=False)
    assert not waits(is_required=False)
    assert not waits(name="sign_off")
    assert not waits_for_manual_approval({})
