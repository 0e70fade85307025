import dataclasses
import json
import random

import pytest

from pipeline.core.quality import assessment as quality_assessment
from pipeline.core.quality.as_json import assessment_to_json, parse_assessment
from pipeline.core.quality.assessment import assess_quality
from pipeline.core.quality.facts import COMPARISON, DOCUMENTS, METRICS
from pipeline.core.quality.gates import Assessment, Item, passes, what_is_open, with_recorded
from pipeline.core.quality.text import render_assessment
from pipeline.domain import Verdict
from pipeline.errors import ConfigurationError
from pipeline.gates_config import (
    DeploymentSafety,
    ItemRule,
    ModelQuality,
    QualityPolicy,
    Readiness,
)
from pipeline.jsonio import render_json
from tests.core import hostile
from tests.core import quality_runs as runs
from tests.core.quality_runs import facts

PASS, FAIL, INCONCLUSIVE, ERROR = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.INCONCLUSIVE,
    Verdict.ERROR,
)


def verdicts(found: Assessment) -> dict[str, Verdict]:
    return {gate.name: gate.verdict for gate in found.gates}


def test_a_run_that_is_good_in_every_respect_passes_all_fifteen_items():
    found = assess_quality(facts())
    assert verdicts(found) == dict.fromkeys(
        ("readiness", "model_quality", "deployment_safety"), PASS
    )
    assert {item.verdict for item in found.items} == {PASS}
    assert len(found.items) == 15
    assert found.verdict is PASS
    assert what_is_open(found, is_final=True) == ()


def test_before_there_is_a_pull_request_it_waits_for_people_and_says_no_to_nothing():
    found = assess_quality(facts(approvals=None))
    waiting = [item.name for item in found.items if item.waits]
    assert waiting == ["plan_approved", "sign_off"]
    assert what_is_open(found, is_final=False) == ()
    assert [item.name for item in what_is_open(found, is_final=True)] == waiting


def test_a_merge_waits_for_the_ab_test_and_a_proposal_does_not():
    plan = dataclasses.replace(facts().plan, has_ab_test=True)
    found = assess_quality(facts(plan=plan))
    assert verdicts(found)["deployment_safety"] is INCONCLUSIVE
    assert what_is_open(found, is_final=False) == ()
    assert [item.name for item in what_is_open(found, is_final=True)] == ["ab_test"]


def test_an_item_that_is_not_required_is_shown_and_decides_nothing():
    broken = facts(documents={n: v for n, v in runs.documents().items() if "register" not in n})
    off = ItemRule(required=False)
    optional = QualityPolicy(
        model_quality=ModelQuality(registered=off), readiness=Readiness(tracking_reachable=off)
    )
    found = assess_quality(dataclasses.replace(broken, policy=optional))
    registered = next(item for item in found.items if item.name == "registered")
    assert (registered.verdict, registered.is_required) == (INCONCLUSIVE, False)
    assert found.verdict is verdicts(found)["model_quality"] is PASS


def test_a_gate_with_nothing_required_is_an_error():
    off = {name: ItemRule(required=False) for name in ModelQuality.model_fields}
    found = assess_quality(facts(policy=QualityPolicy(model_quality=ModelQuality(**off))))
    assert verdicts(found)["model_quality"] is ERROR


def test_nothing_at_all_passes_no_gate():
    nothing = facts(documents={}, lock=None, package=None, plan=None, approvals=None, version=None)
    found = assess_quality(nothing)
    assert PASS not in verdicts(found).values()
    assert found.verdict in (FAIL, ERROR)


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("value", [None, [], {}, "", 7, {"gates": None}])
def test_a_document_that_is_not_what_it_should_be_never_passes_and_never_raises(path, value):
    found = assess_quality(facts(documents={**runs.documents(), path: value}))
    if path != "artifacts/ab-test/ab-test-results.json":  # not read where none is asked for
        assert found.verdict in (FAIL, ERROR)


def test_hostile_values_in_any_document_never_raise_and_render_on_their_own_lines():
    rng = random.Random(8)  # noqa: S311 (a seed, not a secret)
    for _ in range(60):
        documents = runs.documents()
        document = documents[rng.choice(list(documents))]
        document[rng.choice([*document, "extra"])] = hostile.nested(rng)
        found = assess_quality(facts(documents=documents))
        text = render_assessment(found)
        assert text.isprintable() or set(text) - {"\n"} <= set(filter(str.isprintable, text))
        assert len(text.splitlines()) == 4 + 3 + 2 * len(found.items)


# ---------------------------------------------------------------- the gates on trial


MENDED = "The gates themselves must be mended."


def lenient(monkeypatch, name, passes_where):
    """The gates, with an item that also passes every run of which `passes_where` is true."""

    def loosened(ask):
        def answer(run):
            return passes("Fine!") if passes_where(run) else ask.answer(run)

        return dataclasses.replace(ask, answer=answer) if ask.name == name else ask

    gates = tuple(
        (gate, title, lambda found, asks=asks: tuple(map(loosened, asks(found))))
        for gate, title, asks in quality_assessment.GATES
    )
    monkeypatch.setattr(quality_assessment, "GATES", gates)


def is_nothing(run):
    return run.documents == {} and run.lock is run.package is run.approvals is None


def has_no_figure(run):
    return set(run.documents.get(METRICS, {"": ""}).values()) == {None}


def is_untried(run):
    return run.documents.get(COMPARISON, {}).get("self_test") == []


def has_another_champion(run):
    return run.champion not in (None, runs.CHAMPION)


def has_another_package(run):
    return run.package is not None and run.package.digest not in (None, runs.CHALLENGER)


@pytest.mark.parametrize(
    ("claim", "passes_where", "names"),
    [
        (
            "nothing ran",
            is_nothing,
            [
                *("data_collected_and_validated", "features_ready", "compute_present"),
                *("tracking_reachable", "beats_champion", "thresholds_met", "fairness"),
                *("registered", "artifacts_complete", "plan_approved", "rollback_rehearsed"),
                "sign_off",
            ],
        ),
        ("no metric was a number", has_no_figure, ["thresholds_met"]),
        ("nobody tried the comparison", is_untried, ["beats_champion"]),
        (
            "another champion served",
            has_another_champion,
            ["beats_champion", "rollback_rehearsed"],
        ),
        (
            "another package was made",
            has_another_package,
            ["tracking_reachable", "registered", "rollback_rehearsed"],
        ),
    ],
)
def test_a_gate_that_lets_a_wrong_run_through_is_found_out(monkeypatch, claim, passes_where, names):
    for name in names:
        with monkeypatch.context() as patch:
            lenient(patch, name, passes_where)
            found = assess_quality(facts())
        assert set(verdicts(found).values()) == {ERROR}
        tried = [item for item in found.items if item.name == "gates_tried"]
        assert len(tried) == 3
        assert set(tried) == {
            Item(
                name="gates_tried",
                title="The gates were tried first",
                verdict=ERROR,
                rule="Runs whose answer is known get it.",
                reason=f"They do not: {claim}, and {name} passed. {MENDED}",
                evidence=("pipeline/core/quality/assessment.py",),
            )
        }


def test_every_trial_that_a_gate_does_not_stand_is_told(monkeypatch):
    lenient(monkeypatch, "rollback_rehearsed", lambda _: True)
    reason = assess_quality(facts()).items[-1].reason
    assert reason.startswith(
        "They do not: nothing ran, and rollback_rehearsed passed; "
        "another champion served, and rollback_rehearsed passed; "
        "another package was made, and rollback_rehearsed passed. "
    )


@pytest.mark.parametrize("name", ["ab_test", "triggers_validated", "monitoring_configured"])
def test_what_does_not_come_from_the_run_may_pass_where_nothing_ran(monkeypatch, name):
    lenient(monkeypatch, name, is_nothing)
    assert assess_quality(facts()).verdict is PASS


def test_each_item_says_where_to_look():
    package, plan = "artifacts/package", "configs/rollout-plan.yaml"
    comparison = "artifacts/compare/comparison.json"
    approvers = "configs/approvers.yaml"
    assert {item.name: item.evidence for item in assess_quality(facts()).items} == {
        "triggers_validated": ("ledger.json on perennial/ledger", "configs/triggers.yaml"),
        "data_collected_and_validated": (
            "artifacts/collect/summary.json",
            "artifacts/validate/report.json",
        ),
        "features_ready": ("artifacts/split/summary.json", "dvc.lock"),
        "compute_present": ("artifacts/train/summary.json", "artifacts/timings.json"),
        "tracking_reachable": ("artifacts/register/registration.json",),
        "beats_champion": (comparison,),
        "thresholds_met": (comparison, "artifacts/evaluate/metrics.json"),
        "fairness": (comparison,),
        "registered": ("artifacts/register/registration.json",),
        "artifacts_complete": (package, "dvc.lock"),
        "ab_test": (plan, "artifacts/ab-test/ab-test-results.json"),
        "plan_approved": (plan, approvers),
        "rollback_rehearsed": ("artifacts/gates/rollback-rehearsal.json",),
        "monitoring_configured": (plan,),
        "sign_off": (approvers,),
    }


def test_the_limits_of_the_policy_are_told_in_what_an_item_asks():
    rules = {item.name: item.rule for item in assess_quality(facts()).items}
    assert "at least 90 % of the rows" in rules["data_collected_and_validated"]
    assert "at most 14 days old" in rules["data_collected_and_validated"]
    assert "its 2 jobs had a core each" in rules["compute_present"]
    assert "took at most 330 minutes" in rules["compute_present"]
    assert rules["beats_champion"].startswith("f1_weighted improves by more than 0.01 on ")


# ---------------------------------------------------------------- what the run recorded


def test_what_is_not_in_this_checkout_keeps_the_verdict_of_the_run():
    recorded = assess_quality(facts())
    away = dataclasses.replace(facts().package, is_here=False)
    here = assess_quality(facts(package=away))
    found = {item.name: item for item in with_recorded(here, recorded).items}
    assert here.verdict is INCONCLUSIVE
    assert found["artifacts_complete"].verdict is PASS
    assert found["artifacts_complete"].reason.endswith("(as the run recorded it)")


def test_a_record_of_another_version_counts_for_nothing():
    recorded = assess_quality(facts(version="2013-06-01-000000000000"))
    away = assess_quality(facts(package=dataclasses.replace(facts().package, is_here=False)))
    assert with_recorded(away, recorded) == away
    assert with_recorded(away, None) == away


def test_a_record_that_does_not_know_the_item_either_leaves_it_open():
    away = assess_quality(facts(package=dataclasses.replace(facts().package, is_here=False)))
    assert with_recorded(away, away) == away
    nothing = dataclasses.replace(assess_quality(facts()), gates=())
    assert with_recorded(away, nothing) == away


def test_what_was_recorded_is_no_longer_elsewhere():
    away = assess_quality(facts(package=dataclasses.replace(facts().package, is_here=False)))
    found = with_recorded(away, assess_quality(facts()))
    assert {item.is_elsewhere for item in found.items} == {False}
    assert with_recorded(away, with_recorded(away, found)) == found


def test_a_record_never_overrules_what_can_be_worked_out_here():
    recorded = assess_quality(facts())
    spoiled = runs.with_document("artifacts/evaluate/metrics.json", accuracy=None)
    assert with_recorded(assess_quality(spoiled), recorded).verdict is FAIL


# ---------------------------------------------------------------- JSON


def test_the_json_is_read_back_as_it_was():
    optional = QualityPolicy(model_quality=ModelQuality(registered=ItemRule(required=False)))
    changes = (
        {},
        {"approvals": None},
        {"lock": None},
        {"plan": dataclasses.replace(facts().plan, has_ab_test=True)},
        {"package": dataclasses.replace(facts().package, is_here=False)},
        {"policy": optional},
    )
    for run in (facts(**each) for each in changes):
        found = assess_quality(run)
        text = render_json(assessment_to_json(found))
        assert parse_assessment(json.loads(text), "f") == found
        assert render_json(assessment_to_json(assess_quality(run))) == text


def test_evidence_from_when_a_merge_did_not_wait_for_an_ab_test_is_still_read():
    value = assessment_to_json(assess_quality(facts()))
    for gate in value["gates"]:
        for each in gate["items"]:
            assert "is_later" not in each
            each["is_later"] = True
    assert parse_assessment(value, "f") == assess_quality(facts())


def test_a_gates_verdict_is_worked_out_and_never_taken_from_the_file():
    value = json.loads(render_json(assessment_to_json(assess_quality(facts(lock=None)))))
    for gate in value["gates"]:
        gate["verdict"] = "PASS"
    assert parse_assessment(value, "f").verdict is FAIL


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"schema": 2}, {"schema": 1, "model": "m", "version": None, "gates": []}],
)
def test_a_file_that_is_no_assessment_is_refused(value):
    with pytest.raises(ConfigurationError, match=r"quality-gates\.json"):
        parse_assessment(value, "quality-gates.json")


# ---------------------------------------------------------------- configuration


def test_the_default_policy_requires_everything():
    policy = QualityPolicy()
    sections = (policy.readiness, policy.model_quality, policy.deployment_safety)
    rules = [getattr(part, name) for part in sections for name in type(part).model_fields]
    assert len(rules) == 15
    assert all(rule.required for rule in rules)
    assert DeploymentSafety().sign_off.roles == ("ml_lead", "product_owner")
