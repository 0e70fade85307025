import dataclasses

import numpy as np
import pytest

from pipeline.core.comparison import compare as comparison
from pipeline.core.comparison import harms
from pipeline.core.comparison.selftest import self_test
from pipeline.domain import Verdict
from tests.core.simulated import holdout, policy

WINNER = holdout(3_000, champion_noise=3, challenger_noise=0.5)


def test_every_known_answer_is_given_for_a_clear_winner():
    gates = self_test(WINNER, policy(), seed=0, draws=100)
    assert [gate.name for gate in gates] == [
        "self-test: the champion against itself does not win",
        "self-test: two models do not both win",
        "self-test: scores that are not numbers do not pass",
        "self-test: metrics that are not numbers fail",
        "self-test: shuffled labels do not pass",
        "self-test: a challenger that answers only negative does not ship",
    ]
    assert {gate.verdict for gate in gates} == {Verdict.PASS}


def test_a_policy_that_a_model_without_skill_passes_is_found_out():
    # Where almost all labels are 0, answering 0 beats answering 1 whatever the labels mean.
    rng = np.random.default_rng(0)
    y = (rng.random(3_000) < 0.1).astype(int)
    sloppy = dataclasses.replace(
        WINNER, y=y, champion=rng.uniform(0.3, 0.7, 3_000), challenger=np.full(3_000, 0.1)
    )
    lax = policy(limits={}, non_inferiority={}, fairness=[])
    gates = {gate.name: gate.verdict for gate in self_test(sloppy, lax, seed=0, draws=100)}
    assert gates["self-test: shuffled labels do not pass"] is Verdict.FAIL


def test_a_comparison_that_lets_everybody_win_is_found_out(monkeypatch):
    def generous(found, policy, n):
        gate = original(found, policy, n)
        return dataclasses.replace(gate, verdict=Verdict.PASS)

    original = comparison.assess_primary
    monkeypatch.setattr(comparison, "assess_primary", generous)
    verdicts = [gate.verdict for gate in self_test(WINNER, policy(), seed=0, draws=100)]
    assert verdicts[:2] == [Verdict.FAIL, Verdict.FAIL]


@pytest.mark.parametrize("changes", [{"champion": None}, {"y": 3}])
def test_what_cannot_be_tried_is_never_a_pass(changes):
    gates = self_test(dataclasses.replace(WINNER, **changes), policy(), seed=0, draws=100)
    assert Verdict.ERROR in {gate.verdict for gate in gates}


@pytest.mark.parametrize("name", ["assess_primary", "assess_non_inferiority", "assess_limit"])
@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.INCONCLUSIVE])
def test_a_gate_that_is_not_strict_with_nan_is_found_out(monkeypatch, name, verdict):
    def lenient(*arguments):
        gate = original(*arguments)
        is_nan = gate.challenger is not None and np.isnan(gate.challenger)
        return dataclasses.replace(gate, verdict=verdict) if is_nan else gate

    original = getattr(comparison, name)
    monkeypatch.setattr(comparison, name, lenient)
    verdicts = verdicts_of(WINNER)
    assert verdicts.pop("self-test: metrics that are not numbers fail") is Verdict.FAIL
    assert set(verdicts.values()) == {Verdict.PASS}


@pytest.mark.parametrize("name", ["assess_slices", "assess_fairness"])
def test_a_harm_gate_that_passes_nan_is_found_out(monkeypatch, name):
    def lenient(*arguments, **options):
        gate = original(*arguments, **options)
        is_nan = gate.difference is not None and np.isnan(gate.difference)
        return dataclasses.replace(gate, verdict=Verdict.PASS) if is_nan else gate

    original = getattr(harms, name)
    monkeypatch.setattr(harms, name, lenient)
    assert verdicts_of(WINNER)["self-test: metrics that are not numbers fail"] is Verdict.FAIL


def test_roles_that_are_not_each_others_mirror_are_found_out(monkeypatch):
    def partial(found, policy, n):
        gate = original(found, policy, n)
        return dataclasses.replace(gate, difference=abs(gate.difference))

    original = comparison.assess_primary
    monkeypatch.setattr(comparison, "assess_primary", partial)
    assert verdicts_of(WINNER)["self-test: two models do not both win"] is Verdict.FAIL


def test_a_tie_that_is_merely_inconclusive_is_found_out(monkeypatch):
    def undecided(found, policy, n):
        gate = original(found, policy, n)
        is_fail = gate.verdict is Verdict.FAIL
        return dataclasses.replace(gate, verdict=Verdict.INCONCLUSIVE) if is_fail else gate

    original = comparison.assess_primary
    monkeypatch.setattr(comparison, "assess_primary", undecided)
    name = "self-test: the champion against itself does not win"
    assert verdicts_of(WINNER)[name] is Verdict.FAIL


def verdicts_of(found):
    return {gate.name: gate.verdict for gate in self_test(found, policy(), seed=0, draws=50)}
