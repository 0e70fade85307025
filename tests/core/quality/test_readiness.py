from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.core.quality.facts import (
    CHECKS,
    COLLECT,
    REGISTRATION,
    SPLIT,
    TIMINGS,
    TRAIN,
    LockFacts,
    Request,
)
from pipeline.core.quality.readiness import HOLDOUT_ROWS, TRAIN_ROWS
from pipeline.core.triggers.ledger import RetrainState
from pipeline.domain import Verdict
from pipeline.gates_config import DataRule, QualityPolicy, Readiness
from pipeline.trigger_config import ManualTrigger
from tests.core import quality_runs as runs
from tests.core.quality_runs import facts, item, says, with_document, without_document

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


def asked(**changes):
    """The run with another entry in the trigger ledger."""
    known = {"id": runs.RETRAIN_ID, "retrain": runs.retrain(), "causes": (runs.event(),)}
    return facts(request=Request(**(known | changes)))


# ---------------------------------------------------------------- triggers


def test_a_retrain_of_the_ledger_names_its_causes():
    answer = "flight-delay-0004 answers data_drift (high)."
    assert says(facts(), "triggers_validated") == (PASS, answer)


def test_the_calendar_may_have_fired_under_the_champion_before():
    before = runs.event(champion=runs.OTHER, trigger="scheduled_retrain", priority="low")
    assert says(asked(causes=(before,)), "triggers_validated")[0] is PASS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"retrain": None}, "The ledger knows no retrain flight-delay-0004."),
        ({"causes": ()}, "No event in the ledger led to flight-delay-0004."),
        ({"causes": (runs.event(champion=runs.OTHER),)}, "speaks of another model or champion."),
        ({"causes": (runs.event(model="other"),)}, "speaks of another model or champion."),
        ({"retrain": runs.retrain(champion=runs.OTHER)}, "another champion than serves now."),
        ({"retrain": runs.retrain(model="other")}, "is a retrain of other."),
        ({"retrain": runs.retrain(state=RetrainState.LOST)}, "has ended already: LOST."),
    ],
)
def test_a_retrain_that_nothing_of_this_champion_asked_for_fails(changes, reason):
    verdict, said = says(asked(**changes), "triggers_validated")
    assert verdict is FAIL
    assert said.endswith(reason)


def test_a_run_by_hand_waits_for_the_approval_that_manual_retrains_need():
    alone = facts(request=Request(), approvals=None)
    found = item(alone, "triggers_validated")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)
    assert "outside the trigger ledger: waits for 1 approval(s) by ml_lead" in found.reason


def test_a_run_by_hand_passes_with_that_approval():
    by_hand = facts(request=Request(), approvals={"product_owner": ("Grace",)})
    answer = (PASS, "It ran by hand; approved by grace.")
    assert says(by_hand, "triggers_validated") == answer


def with_manual(rule):
    """The triggers with another rule for manual retrains."""
    rules = facts().triggers
    changed = rules.retraining_triggers.model_copy(update={"manual_retrain": rule})
    return rules.model_copy(update={"retraining_triggers": changed})


def test_one_person_in_two_roles_is_one_approval():
    manual = facts().triggers.retraining_triggers.manual_retrain
    rules = with_manual(manual.model_copy(update={"min_approvals": 2}))
    both = {"ml_lead": ("ada",), "product_owner": ("ADA",)}
    once = facts(request=Request(), approvals=both, triggers=rules)
    assert says(once, "triggers_validated")[0] is INCONCLUSIVE


@pytest.mark.parametrize(
    ("rule", "verdict", "said"),
    [
        (None, FAIL, "It ran by hand, and configs/triggers.yaml allows no manual retrain."),
        (
            ManualTrigger(enabled=False, requires_approval=False),
            FAIL,
            "It ran by hand, and configs/triggers.yaml allows no manual retrain.",
        ),
        (
            ManualTrigger(requires_approval=False),
            PASS,
            "It ran by hand, and configs/triggers.yaml asks for no approval of that.",
        ),
    ],
)
def test_what_a_run_by_hand_needs_is_for_the_triggers_to_say(rule, verdict, said):
    by_hand = facts(request=Request(), approvals=None, triggers=with_manual(rule))
    assert says(by_hand, "triggers_validated") == (verdict, said)


# ---------------------------------------------------------------- data


def test_sound_data_passes_with_its_numbers():
    verdict, said = says(facts(), "data_collected_and_validated")
    assert verdict is PASS
    assert said.startswith("2 checks found nothing in 112,479 rows up to 2013-07-01, 96.9 %")


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (with_document(COLLECT, label_maturity=0.8999), "90.0 % of 112,479 rows have a label."),
        (with_document(COLLECT, label_maturity=None), "An unknown share of 112,479 rows"),
        (with_document(COLLECT, data_digest=runs.OTHER), "rows with another digest."),
        (with_document(COLLECT, as_of="2013-07-01T00:00:00Z"), "another moment than params.yaml"),
        (with_document(CHECKS, findings=[]), "No check of the data ran."),
        (facts(incidents=("artifacts/split/incident.md",)), "artifacts/split/incident.md."),
        (without_document(CHECKS), "artifacts/validate/report.json is missing"),
    ],
)
def test_unsound_data_fails_with_the_reason(spoiled, reason):
    verdict, said = says(spoiled, "data_collected_and_validated")
    assert verdict is FAIL
    assert reason in said


def test_an_open_finding_fails():
    open_finding = {"check": "units", "column": "temp", "severity": "FAIL", "found": "jumped"}
    spoiled = with_document(CHECKS, findings=[open_finding])
    assert says(spoiled, "data_collected_and_validated") == (FAIL, "Units temp: jumped.")


@pytest.mark.parametrize(("extra", "verdict"), [(timedelta(0), PASS), (timedelta(seconds=1), FAIL)])
def test_rows_of_just_the_oldest_age_pass(extra, verdict):
    newest = datetime(2013, 7, 1, tzinfo=UTC)
    policy = QualityPolicy(
        readiness=Readiness(data_collected_and_validated=DataRule(max_data_age=timedelta(days=3)))
    )
    late = facts(policy=policy, at=newest + timedelta(days=3) + extra)
    assert says(late, "data_collected_and_validated")[0] is verdict


# ---------------------------------------------------------------- features


def test_a_fit_on_the_training_rows_alone_passes():
    verdict, said = says(facts(), "features_ready")
    assert (verdict, said.split(";")[0]) == (PASS, "Fitted on 100,139 rows")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"train_reads": (TRAIN_ROWS, HOLDOUT_ROWS)}, HOLDOUT_ROWS),
        ({"train_reads": ()}, "Training read nothing."),
        ({"conflicts": ("artifacts/split/train.parquet",)}, "two digests in dvc.lock"),
    ],
)
def test_a_chain_of_stages_that_does_not_hold_fails(changes, reason):
    lock = replace(facts().lock, **changes)
    verdict, said = says(facts(lock=lock), "features_ready")
    assert verdict is FAIL
    assert reason in said


def test_without_a_lock_nothing_is_proven():
    assert says(facts(lock=None), "features_ready")[0] is FAIL
    assert says(facts(lock=LockFacts({}, {})), "features_ready")[0] is FAIL


def test_a_holdout_that_begins_before_the_training_rows_end_fails():
    split = runs.documents()[SPLIT]
    early = {**split["holdout"], "start": split["train"]["end"]}
    assert says(with_document(SPLIT, holdout=early), "features_ready")[0] is FAIL


@pytest.mark.parametrize("part", ["train", "holdout"])
def test_a_split_that_leaves_a_side_without_rows_fails(part):
    split = runs.documents()[SPLIT]
    empty = with_document(SPLIT, **{part: {**split[part], "rows": 0}})
    verdict, said = says(empty, "features_ready")
    assert verdict is FAIL
    assert "rows train and" in said


def test_a_package_that_was_fitted_on_other_rows_fails():
    package = replace(facts().package, train_rows=5)
    assert says(facts(package=package), "features_ready")[0] is FAIL


# ---------------------------------------------------------------- compute and tracking


def test_the_answer_about_compute_has_no_seconds_in_it():
    slower = {name: {**c, "seconds": c["seconds"] + 1} for name, c in costs().items()}
    assert says(facts(), "compute_present") == says(with_costs(slower), "compute_present")


def test_a_search_that_ran_out_of_time_is_inconclusive():
    verdict, said = says(with_document(TRAIN, is_out_of_time=True), "compute_present")
    assert verdict is INCONCLUSIVE
    assert "used up its 10 minutes" in said


def test_more_jobs_than_cores_is_inconclusive():
    one_core = {name: {**cost, "cores": 1} for name, cost in costs().items()}
    answer = (INCONCLUSIVE, "2 jobs shared 1 core(s): the search saw less than it should.")
    assert says(with_costs(one_core), "compute_present") == answer


def test_a_run_that_took_longer_than_its_limit_fails():
    too_long = {**costs(), "train": {**costs()["train"], "seconds": 330 * 60}}
    assert says(with_costs(too_long), "compute_present")[0] is FAIL


def test_costs_that_are_nan_do_not_pass():
    unknown = {**costs(), "train": {**costs()["train"], "seconds": float("nan")}}
    assert says(with_costs(unknown), "compute_present")[0] is FAIL


def test_costs_that_are_not_in_this_checkout_are_elsewhere():
    found = item(without_document(TIMINGS), "compute_present")
    assert (found.verdict, found.is_elsewhere) == (INCONCLUSIVE, True)


def test_a_run_that_is_tracked_names_the_server():
    assert says(facts(), "tracking_reachable") == (PASS, "Run run-1 at https://mlflow.example.")


def test_a_run_that_was_not_registered_waits():
    found = item(without_document(REGISTRATION), "tracking_reachable")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)


def test_the_tracked_run_of_another_package_fails():
    other = with_document(REGISTRATION, digest=runs.OTHER)
    assert says(other, "tracking_reachable")[0] is FAIL


def test_a_record_without_its_run_fails():
    nameless = with_document(REGISTRATION, run_id="")
    assert says(nameless, "tracking_reachable") == (FAIL, "The record names no run.")


def costs():
    return runs.documents()[TIMINGS]


def with_costs(found):
    return facts(documents={**runs.documents(), TIMINGS: found})
