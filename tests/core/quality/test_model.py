import math
from dataclasses import replace

import pytest

from pipeline.core.comparison.selftest import ONLY_NEGATIVE
from pipeline.core.quality.facts import COMPARISON, METRICS, REGISTRATION
from pipeline.core.quality.model import PACKAGE
from pipeline.domain import Verdict
from tests.core import quality_runs as runs
from tests.core import reports
from tests.core.quality_runs import facts, item, says, with_document, without_document

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
ERROR = Verdict.ERROR


def judged(name, verdict, reason="As measured."):
    """The run with one gate of its comparison changed, and the verdict with it."""
    found = runs.comparison()
    for gate in found["gates"]:
        if gate["name"] == name:
            gate |= {"verdict": verdict, "reason": reason}
    found["verdict"] = verdict
    return facts(documents={**runs.documents(), COMPARISON: found})


def without_gate(name):
    found = runs.comparison()
    found["gates"] = [gate for gate in found["gates"] if gate["name"] != name]
    return facts(documents={**runs.documents(), COMPARISON: found})


# ---------------------------------------------------------------- beats the champion


def test_a_challenger_that_passed_beats_the_champion():
    assert says(facts(), "beats_champion") == (PASS, "It holds.")


@pytest.mark.parametrize("verdict", [INCONCLUSIVE, FAIL, ERROR])
def test_the_verdict_of_the_primary_gate_is_the_items(verdict):
    assert says(judged("primary", verdict), "beats_champion")[0] is verdict


def test_too_few_rows_are_inconclusive_whatever_they_say():
    assert says(judged("sample size", INCONCLUSIVE), "beats_champion")[0] is INCONCLUSIVE


def test_a_comparison_with_another_champion_fails():
    for was, serving, told in (
        (runs.OTHER, runs.CHAMPION, (runs.OTHER, runs.CHAMPION)),
        (None, runs.CHAMPION, ("no champion", runs.CHAMPION)),
        (runs.OTHER, None, (runs.OTHER, "none")),
    ):
        run = replace(with_document(COMPARISON, champion=was), champion=serving)
        reason = f"It was compared with {told[0]}, and {told[1]} serves."
        assert says(run, "beats_champion") == (FAIL, reason)


def test_a_verdict_that_its_gates_do_not_give_fails():
    found = runs.comparison()
    found["gates"][1]["verdict"] = "FAIL"
    edited = facts(documents={**runs.documents(), COMPARISON: found})
    assert says(edited, "beats_champion") == (FAIL, "It says PASS, and its gates FAIL.")


@pytest.mark.parametrize("left", [0, 5])
def test_gates_that_were_not_all_tried_are_an_error(left):
    some = runs.comparison()["self_test"][:left]
    assert says(with_document(COMPARISON, self_test=some), "beats_champion")[0] is ERROR


def test_gates_that_failed_their_trial_are_an_error():
    found = runs.comparison()
    found["self_test"][2]["verdict"] = "FAIL"
    found["verdict"] = "ERROR"
    broken = facts(documents={**runs.documents(), COMPARISON: found})
    verdict, said = says(broken, "beats_champion")
    assert verdict is ERROR
    assert "scores that are not numbers do not pass" in said


def test_a_first_model_is_for_a_person_to_decide():
    first = facts(champion=None, documents={**runs.documents(), COMPARISON: first_comparison()})
    assert says(first, "beats_champion")[0] is INCONCLUSIVE
    assert says(first, "fairness") == (
        INCONCLUSIVE,
        "No champion to compare the gaps with; a person must look at them.",
    )


# ---------------------------------------------------------------- thresholds and fairness


def test_thresholds_count_their_gates():
    assert says(facts(), "thresholds_met") == (PASS, "9 of 9 gates pass.")


@pytest.mark.parametrize("verdict", [INCONCLUSIVE, FAIL])
@pytest.mark.parametrize(
    ("gate", "name", "others"),
    [
        ("non-inferiority: roc_auc", "thresholds_met", "8 of 9"),
        ("limit: calibration_error", "thresholds_met", "8 of 9"),
        ("slices: origin", "thresholds_met", "8 of 9"),
        ("fairness: origin, fpr", "fairness", "1 of 2"),
    ],
)
def test_the_worst_gate_of_its_kind_decides(gate, name, others, verdict):
    found, said = says(judged(gate, verdict), name)
    assert found is verdict
    assert said == f"{gate}: As measured. ({others} gates pass.)"


def test_of_several_bad_gates_the_worst_is_told_and_not_the_first():
    found = runs.comparison()
    bad = {"non-inferiority: roc_auc": "INCONCLUSIVE", "slices: origin": "FAIL"}
    for gate in found["gates"]:
        gate |= {"verdict": bad.get(gate["name"], "PASS"), "reason": "As measured."}
    run = facts(documents={**runs.documents(), COMPARISON: found})
    answer = (FAIL, "slices: origin: As measured. (7 of 9 gates pass.)")
    assert says(run, "thresholds_met") == answer


@pytest.mark.parametrize(
    ("gate", "name"),
    [
        ("non-inferiority: accuracy", "thresholds_met"),
        ("limit: roc_auc", "thresholds_met"),
        ("slices: carrier", "thresholds_met"),
        ("fairness: origin, selection_rate", "fairness"),
        ("primary", "beats_champion"),
        ("inputs", "beats_champion"),
    ],
)
def test_a_gate_that_the_policy_asks_for_and_nobody_judged_fails(gate, name):
    assert says(without_gate(gate), name) == (FAIL, f"Not judged: {gate}.")


@pytest.mark.parametrize("value", [None, math.nan, math.inf, True, "0.9"])
def test_a_figure_that_is_not_a_number_fails(value):
    found = says(with_document(METRICS, accuracy=value), "thresholds_met")
    assert found == (FAIL, "Accuracy is not a number.")


def test_a_figure_that_is_missing_fails():
    metrics = {k: v for k, v in runs.documents()[METRICS].items() if k != "log_loss"}
    fewer = facts(documents={**runs.documents(), METRICS: metrics})
    assert says(fewer, "thresholds_met") == (FAIL, "Log_loss is not a number.")


def test_figures_of_another_evaluation_fail():
    verdict, said = says(with_document(METRICS, accuracy=0.99), "thresholds_met")
    assert (verdict, said) == (FAIL, "Accuracy was 0.99 when evaluated, 0.7292 when compared.")


def test_a_run_from_before_the_positive_class_was_judged_is_told_what_is_missing():
    older = runs.documents()
    for metric in ("recall", "f1"):
        del older[METRICS][metric]
    found = older[COMPARISON]
    found["metrics"] = [row for row in found["metrics"] if row["metric"] in older[METRICS]]
    found["gates"] = [g for g in found["gates"] if not g["name"].endswith((" f1", " recall"))]
    found["self_test"] = [t for t in found["self_test"] if not t["name"].endswith(ONLY_NEGATIVE)]
    run = facts(documents=older)
    assert says(run, "thresholds_met") == (FAIL, "Not judged: non-inferiority: f1, limit: recall.")
    assert says(run, "beats_champion") == (
        ERROR,
        f"The gates' own trial did not show that {ONLY_NEGATIVE}.",
    )


def test_a_comparison_of_nothing_is_no_pass():
    found = runs.comparison()
    found["metrics"] = []
    empty = facts(documents={**runs.documents(), COMPARISON: found, METRICS: {}})
    assert says(empty, "thresholds_met") == (FAIL, "Nothing was measured.")


def test_a_policy_without_groups_asks_for_no_fairness():
    policy = facts().comparison_policy.model_copy(update={"fairness": ()})
    found = says(facts(comparison_policy=policy), "fairness")
    assert found == (PASS, "configs/gates.yaml names no groups to compare.")


# ---------------------------------------------------------------- registered and whole


def test_a_registered_challenger_names_its_version():
    assert says(facts(), "registered") == (PASS, "Version 7 of flight-delay.")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"version": None},
            "The registry got a run and no version, as of a challenger that lost.",
        ),
        ({"digest": runs.OTHER}, "The registered package is another one."),
        ({"model": "another"}, "The record is of another."),
    ],
)
def test_a_record_of_anything_else_fails(changes, reason):
    assert says(with_document(REGISTRATION, **changes), "registered") == (FAIL, reason)


def test_what_is_not_registered_yet_waits():
    found = item(without_document(REGISTRATION), "registered")
    assert (found.verdict, found.waits) == (INCONCLUSIVE, True)
    assert found.reason.endswith("run python -m scripts.register_challenger --apply.")


def test_a_record_without_its_keys_is_an_error_and_no_pass():
    documents = {**runs.documents(), REGISTRATION: {"model": "flight-delay"}}
    verdict, said = says(facts(documents=documents), "registered")
    assert verdict is ERROR
    assert said == "The check itself broke: KeyError: 'digest'."


def test_a_whole_package_passes_by_its_digest():
    verdict, said = says(facts(), "artifacts_complete")
    assert verdict is PASS
    assert said.startswith(runs.CHALLENGER)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"package": None}, "There is no package in artifacts/package."),
        ({"lock": None}, "There is no dvc.lock."),
        (
            {"package": replace(facts().package, faults=("params.json is missing",))},
            "Params.json is missing.",
        ),
        (
            {"lock": replace(facts().lock, found={COMPARISON: "c" * 32})},
            f"{COMPARISON.capitalize()} is not what dvc.lock recorded.",
        ),
        (
            {"lock": replace(facts().lock, outs={}, found={})},
            f"Dvc.lock does not name {PACKAGE}.",
        ),
    ],
)
def test_a_package_that_is_not_whole_fails(changes, reason):
    assert says(facts(**changes), "artifacts_complete") == (FAIL, reason)


def test_a_package_that_is_not_in_this_checkout_is_elsewhere():
    away = facts(package=replace(facts().package, is_here=False))
    found = item(away, "artifacts_complete")
    assert (found.verdict, found.is_elsewhere) == (INCONCLUSIVE, True)
    assert found.reason == "The package is in DVC's remote, not in this checkout."


def first_comparison():
    found = reports.first().comparison
    inputs = {"name": "inputs", "verdict": "PASS", "reason": "As expected."}
    return {**found, "gates": [inputs, *found["gates"]]}
