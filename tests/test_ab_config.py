from pathlib import Path

import pytest

from pipeline.ab_config import ABTest, load_ab_test
from pipeline.config import parse_section
from pipeline.core.abtest.power import min_detectable_effect, plan_sample
from pipeline.errors import ConfigurationError
from tests.core.ab_tests import ACCURACY, LATENCY, PLAIN, SPENT, config

ROOT = Path(__file__).parent.parent
FAILURES = {**LATENCY, "kind": "proportion", "max_ratio": 2}
FLIGHTS_A_DAY = 920  # 336,776 in 2013


def faults_of(**changes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        config(**changes)
    return "\n".join(caught.value.faults)


def test_the_shipped_test_can_see_what_it_looks_for_in_the_time_that_it_has():
    test = load_ab_test(ROOT)
    units = FLIGHTS_A_DAY * (test.duration - test.maturity).days
    assert plan_sample(test).sequential < units
    assert min_detectable_effect(test, units) < test.primary.min_effect


def test_every_number_of_the_shipped_test_has_its_reason():
    lines = (ROOT / "configs/ab-test.yaml").read_text().splitlines()
    numbers = [line for line in lines if any(c.isdigit() for c in line.partition("#")[0])]
    assert [line for line in numbers if "#" not in line] == []


def test_all_faults_are_told_at_once_each_with_its_place():
    found = faults_of(alpha=0.9, power="high", units="user", split={"model_a": 60, "model_b": 60})
    assert "alpha" in found
    assert "power" in found
    assert "units: unknown key; did you mean 'unit'?" in found
    assert "split: " in found
    assert "100" in found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"split": {"model_a": 100, "model_b": 0}}, "each variant needs a share above 0"),
        ({"split": {"model_a": 66.667, "model_b": 33.333}}, "steps of 0.01"),
        ({"primary": {**SPENT, "standard_deviation": None}}, "a mean needs standard_deviation"),
        ({"primary": {**ACCURACY, "standard_deviation": 1.0}}, "its mean tells it"),
        ({"primary": {**ACCURACY, "expected": 1.0}}, "between 0 and 1"),
        ({"primary": {**ACCURACY, "min_effect": float("inf")}}, "primary.min_effect"),
        ({"guardrails": [LATENCY, LATENCY]}, "latency measured twice"),
        ({"guardrails": [{**LATENCY, "margin": 0}]}, "guardrails.0.margin"),
        ({"guardrails": [{**LATENCY, "max_ratio": 2}]}, "lower is better: failures"),
        ({"guardrails": [{**FAILURES, "max_ratio": 0.5}]}, "guardrails.0.max_ratio"),
        ({"guardrails": [{**FAILURES, "direction": "higher_is_better"}]}, "failures"),
        ({"burn_in": 500}, "min_samples 200 is below burn_in 500"),
        ({"maturity": "28d"}, "no outcome would ever count"),
        ({"burn_in": 1}, "burn_in"),
    ],
)
def test_what_contradicts_itself_is_refused(changes, told):
    assert told in faults_of(**changes)


def test_a_split_in_basis_points_is_exact():
    assert config(split={"model_a": 99.93, "model_b": 0.07}).split.challenger_basis_points == 7
    assert config(split={"model_a": 71, "model_b": 29}).split.challenger_basis_points == 2_900


def test_metrics_come_with_the_primary_first_and_know_their_sign():
    test = config(guardrails=[LATENCY])
    assert [(m.metric, m.sign) for m in test.metrics] == [("accuracy", 1), ("latency", -1)]
    assert config().primary.variance == pytest.approx(0.16)
    assert config(primary=SPENT).primary.variance == 1.0


def test_a_missing_key_is_named():
    values = {key: value for key, value in PLAIN.items() if key != "alpha"}
    with pytest.raises(ConfigurationError, match="alpha: missing"):
        parse_section(ABTest, values, "here")
