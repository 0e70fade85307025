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
        ({"retrain": runs.retrain(state=RetrainState.ABANDONED)}, "ended already: ABANDONED."),
    ],
)
def test_a_retrain_that_nothing_of_this_champion_asked_for_fails(changes, reason):
    verdict, said = says(asked(**changes), "triggers_validated")
    assert verdict is FAIL
    assert said.endswith(reason)


def test_where_nothing_serves_yet_a_retrain_was_asked_for_against_none():
    causes = (runs.event(champion="none"),)
    first = replace(asked(retrain=runs.retrain(champion="none"), causes=causes), champion=None)
    assert says(first, "triggers_validated")[0] is PASS


def test_a_run_by_hand_waits_for_the_approval_that_manual_retrains_need():
    alone = facts(request=Request(), approvals=None)
    found = item(alone, "triggers_validated")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)
    assert "outside the trigger ledger: waits for 1 approval by ml_lead" in found.reason


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
    assert says(facts(), "data_collected_and_validated") == (
        PASS,
        "2 checks found nothing in 112,479 rows up to 2013-07-01, 96.9 % of them with a label.",
    )
    just_enough = with_document(COLLECT, label_maturity=0.9)
    assert says(just_enough, "data_collected_and_validated")[0] is PASS


def test_data_are_judged_without_a_package_too():
    assert says(facts(package=None), "data_collected_and_validated")[0] is PASS


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (with_document(COLLECT, label_maturity=0.8999), "90.0 % of 112,479 rows have a label."),
        (with_document(COLLECT, label_maturity=None), "An unknown share of 112,479 rows"),
        (with_document(COLLECT, rows=0), "96.9 % of 0 rows have a label."),
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
    of_all_rows = with_document(CHECKS, findings=[{**open_finding, "column": None}])
    assert says(of_all_rows, "data_collected_and_validated") == (FAIL, "Units rows: jumped.")


@pytest.mark.parametrize(("extra", "verdict"), [(timedelta(0), PASS), (timedelta(seconds=1), FAIL)])
def test_rows_of_just_the_oldest_age_pass(extra, verdict):
    newest = datetime(2013, 7, 1, tzinfo=UTC)
    policy = QualityPolicy(
        readiness=Readiness(data_collected_and_validated=DataRule(max_data_age=timedelta(days=3)))
    )
    late = facts(policy=policy, at=newest + timedelta(days=3) + extra)
    assert says(late, "data_collected_and_validated")[0] is verdict


def test_rows_that_are_too_old_are_told_with_their_age():
    late = facts(at=datetime(2013, 7, 21, 12, tzinfo=UTC))
    assert says(late, "data_collected_and_validated") == (
        FAIL,
        "The newest rows end 2013-07-01, 20 days before 2013-07-21.",
    )


# ---------------------------------------------------------------- features


def test_a_fit_on_the_training_rows_alone_passes():
    assert says(facts(), "features_ready") == (
        PASS,
        "Fitted on 100,139 rows; the 8,847 of the holdout are apart (time split).",
    )
    assert says(facts(package=None), "features_ready")[0] is PASS


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
    unproven = (FAIL, "dvc.lock is missing: run the pipeline to its end.")
    assert says(facts(lock=None), "features_ready") == unproven
    assert says(facts(lock=LockFacts({}, {})), "features_ready")[0] is FAIL


def test_a_holdout_that_begins_before_the_training_rows_end_fails():
    split = runs.documents()[SPLIT]
    early = {**split["holdout"], "start": split["train"]["end"]}
    answer = (FAIL, "The holdout begins before the training rows end.")
    assert says(with_document(SPLIT, holdout=early), "features_ready") == answer
    by_chance = with_document(SPLIT, holdout=early, method="random")
    assert says(by_chance, "features_ready")[0] is PASS


@pytest.mark.parametrize("part", ["train", "holdout"])
def test_a_split_that_leaves_a_side_without_rows_fails(part):
    split = runs.documents()[SPLIT]
    empty = with_document(SPLIT, **{part: {**split[part], "rows": 0}})
    verdict, said = says(empty, "features_ready")
    assert verdict is FAIL
    rows = {"train": "0 rows train and 8,847 judge", "holdout": "100,139 rows train and 0 judge"}
    assert rows[part] in said


@pytest.mark.parametrize("part", ["train", "holdout"])
def test_one_row_is_a_side(part):
    split = runs.documents()[SPLIT]
    single = with_document(SPLIT, **{part: {**split[part], "rows": 1}})
    assert says(replace(single, package=None), "features_ready")[0] is PASS


def test_a_package_that_was_fitted_on_other_rows_fails():
    package = replace(facts().package, train_rows=5)
    answer = (FAIL, "The package was fitted on 5 rows.")
    assert says(facts(package=package), "features_ready") == answer


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
    answer = (INCONCLUSIVE, "2 jobs shared 1 core: the search saw less than it should.")
    assert says(with_costs(one_core), "compute_present") == answer


@pytest.mark.parametrize(("n_jobs", "told"), [(1, "its 1 job had"), (-1, "its jobs had")])
def test_as_many_jobs_as_there_are_cores_is_no_number(n_jobs, told):
    params = facts().params
    train = params.train.model_copy(update={"n_jobs": n_jobs})
    run = facts(params=params.model_copy(update={"train": train}))
    assert told in item(run, "compute_present").rule
    assert says(run, "compute_present")[0] is PASS


def test_a_dask_cluster_has_cores_of_its_own():
    one_core = {name: {**cost, "cores": 1} for name, cost in costs().items()}
    params = facts().params
    train = params.train.model_copy(update={"joblib_backend": "dask"})
    on_dask = replace(with_costs(one_core), params=params.model_copy(update={"train": train}))
    assert says(on_dask, "compute_present")[0] is PASS


@pytest.mark.parametrize(("extra", "verdict"), [(0, PASS), (1, FAIL)])
def test_a_run_may_take_just_its_limit(extra, verdict):
    others = sum(cost["seconds"] for name, cost in costs().items() if name != "train")
    seconds = 330 * 60 - others + extra
    found = says(
        with_costs({**costs(), "train": {**costs()["train"], "seconds": seconds}}),
        "compute_present",
    )
    assert found[0] is verdict


def test_a_search_within_its_budget_says_the_limits():
    assert says(facts(), "compute_present") == (
        PASS,
        "The search ended within its 10 minutes, and the run within 330.",
    )


def test_a_run_that_took_longer_than_its_limit_fails():
    too_long = {**costs(), "train": {**costs()["train"], "seconds": 330 * 60}}
    answer = (FAIL, "All stages together took more than 330 minutes.")
    assert says(with_costs(too_long), "compute_present") == answer


def test_costs_that_are_nan_do_not_pass():
    unknown = {**costs(), "train": {**costs()["train"], "seconds": float("nan")}}
    assert says(with_costs(unknown), "compute_present")[0] is FAIL


def test_costs_that_are_not_in_this_checkout_are_elsewhere():
    found = item(without_document(TIMINGS), "compute_present")
    assert (found.verdict, found.is_elsewhere) == (INCONCLUSIVE, True)
    assert found.reason == "The costs of the run are not kept in git, and not in this checkout."


def test_a_run_that_is_tracked_names_the_server():
    assert says(facts(), "tracking_reachable") == (PASS, "Run run-1 at https://mlflow.example.")


def test_a_run_that_was_not_registered_waits():
    found = item(without_document(REGISTRATION), "tracking_reachable")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)
    assert found.reason.endswith("run python -m scripts.register_challenger --apply.")


def test_the_tracked_run_of_another_package_fails():
    other = with_document(REGISTRATION, digest=runs.OTHER)
    answer = (FAIL, "The tracking server was told of another package.")
    assert says(other, "tracking_reachable") == answer
    assert says(replace(other, package=None), "tracking_reachable")[0] is PASS


def test_a_record_without_its_run_fails():
    nameless = with_document(REGISTRATION, run_id="")
    assert says(nameless, "tracking_reachable") == (FAIL, "The record names no run.")


def costs():
    return runs.documents()[TIMINGS]


def with_costs(found):
    return facts(documents={**runs.documents(), TIMINGS: found})
