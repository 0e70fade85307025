"""Where positives are few, the positive class must be looked at by itself."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import ComparisonPolicy, load_gates
from pipeline.core.comparison.compare import Comparison, assess_first_model, compare
from pipeline.core.comparison.holdout import Holdout
from pipeline.core.comparison.selftest import ONLY_NEGATIVE, self_test
from pipeline.domain import Verdict
from tests.core.simulated import few_positives

SHIPPED = load_gates(Path(__file__).parents[3]).comparison
POSITIVE = {"precision", "recall", "f1"}


def blind(policy: ComparisonPolicy) -> ComparisonPolicy:
    """`policy` without what it asks of the positive class."""

    def kept(rules):
        return {metric: rule for metric, rule in rules.items() if metric not in POSITIVE}

    return policy.model_copy(
        update={"non_inferiority": kept(policy.non_inferiority), "limits": kept(policy.limits)}
    )


def that_flags_nobody(holdout: Holdout) -> Holdout:
    return dataclasses.replace(holdout, challenger=np.minimum(holdout.challenger, 0.49))


def not_passing(found: Comparison) -> dict[str, Verdict]:
    return {gate.name: gate.verdict for gate in found.gates if gate.verdict is not Verdict.PASS}


@pytest.mark.parametrize("seed", range(5))
def test_a_challenger_that_flags_nobody_fails_where_one_row_in_twenty_is_positive(seed):
    holdout = that_flags_nobody(few_positives(seed=seed))
    found = compare(holdout, SHIPPED, draws=200, seed=seed)
    assert not_passing(found) == {
        "non-inferiority: f1": Verdict.FAIL,
        "limit: recall": Verdict.FAIL,
    }


def test_weighted_figures_alone_would_have_let_it_through():
    found = compare(that_flags_nobody(few_positives()), blind(SHIPPED), draws=200, seed=0)
    assert found.verdict is Verdict.PASS


def test_a_first_model_that_flags_nobody_fails_too():
    found = assess_first_model(that_flags_nobody(few_positives()), SHIPPED, draws=100, seed=0)
    assert found.verdict is Verdict.FAIL
    assert not_passing(found)["limit: recall"] is Verdict.FAIL


@pytest.mark.parametrize(("policy", "verdict"), [(SHIPPED, "PASS"), (blind(SHIPPED), "FAIL")])
def test_the_trial_of_the_gates_tells_a_policy_that_sees_the_positives_from_a_blind_one(
    policy, verdict
):
    gates = self_test(few_positives(), policy, seed=0, draws=100)
    assert {gate.name: gate.verdict for gate in gates}[f"self-test: {ONLY_NEGATIVE}"] == verdict
