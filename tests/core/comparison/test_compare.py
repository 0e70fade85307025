import dataclasses
import json
import math

import numpy as np
import pytest

from pipeline.core.comparison import compare as comparison
from pipeline.core.comparison.compare import Comparison, assess_first_model, compare
from pipeline.core.comparison.delong import delong
from pipeline.core.comparison.improvement import compare_metrics
from pipeline.core.comparison.mcnemar import mcnemar
from pipeline.core.comparison.resampling import DrawPlan
from pipeline.core.comparison.scoring import METRICS
from pipeline.core.comparison.slices import measure_slices
from pipeline.domain import Gate, Verdict
from tests.core.simulated import POLICY, holdout, policy

WINNER = holdout(3_000, champion_noise=2.5, challenger_noise=0.5)
LEAN = {"slices": POLICY["slices"] | {"columns": []}, "fairness": []}


def verdicts(found: Comparison) -> dict[str, Verdict]:
    return {gate.name: gate.verdict for gate in found.gates}


def judged(data, rules=None, draws=100, seed=1, **kwargs) -> Comparison:
    return compare(data, rules or policy(), draws=draws, seed=seed, **kwargs)


def with_harm(data, airport="JFK", share=1.0):
    """The challenger's scores turned round on this share of one airport's rows."""
    hurt = (data.columns["airport"] == airport) & (np.arange(data.n) % 100 < 100 * share)
    scores = np.asarray(data.challenger)
    return dataclasses.replace(data, challenger=np.where(hurt, 1 - scores, scores))


# ---------------------------------------------------------------- verdicts


def test_a_clear_winner_passes_every_gate():
    found = judged(WINNER)
    assert verdicts(found) == dict.fromkeys(
        [
            "inputs",
            "sample size",
            "primary",
            "non-inferiority: roc_auc",
            "non-inferiority: log_loss",
            "limit: roc_auc",
            "limit: calibration_error",
            "slices: airport",
            "fairness: airport, selection_rate",
            "fairness: airport, tpr",
            "fairness: airport, fpr",
        ],
        Verdict.PASS,
    )
    assert found.verdict is Verdict.PASS


def test_the_champion_against_itself_never_wins_not_even_with_nothing_to_gain():
    same = dataclasses.replace(WINNER, challenger=WINNER.champion)
    found = judged(same, policy(min_improvement=0.0))
    assert verdicts(found)["primary"] is Verdict.FAIL
    assert found.verdict is Verdict.FAIL


def test_none_of_two_hundred_equally_good_challengers_passes():
    found = [
        judged(
            holdout(2_000, seed=seed, champion_noise=0.07, challenger_noise=0.07), policy(**LEAN)
        )
        for seed in range(200)
    ]
    assert sum(one.verdict is Verdict.PASS for one in found) == 0
    # and the interval alone errs about as often as it says: once in 40, with room for luck
    above = [f.metrics[METRICS.index("f1_weighted")].improvement_interval.low > 0 for f in found]
    assert 0 < np.mean(above) < 0.06


def test_a_challenger_that_is_three_points_better_passes_nearly_always():
    rules = policy(**LEAN)
    passed, gains = [], []
    for seed in range(30):
        data = holdout(10_000, seed=seed, champion_noise=1.5, challenger_noise=1.0)
        found = judged(data, rules, draws=100)
        passed.append(found.verdict is Verdict.PASS)
        gains += [one.improvement for one in found.metrics if one.metric == "f1_weighted"]
    assert np.mean(gains) == pytest.approx(0.03, abs=0.005)
    assert sum(passed) >= 29


def test_a_worse_challenger_fails():
    swapped = dataclasses.replace(WINNER, champion=WINNER.challenger, challenger=WINNER.champion)
    found = verdicts(judged(swapped))
    assert found["primary"] is Verdict.FAIL
    assert found["non-inferiority: roc_auc"] is Verdict.FAIL


def test_too_few_rows_are_inconclusive_whatever_they_say():
    found = judged(WINNER, policy(min_rows=3_001))
    assert verdicts(found)["primary"] is Verdict.PASS
    assert found.verdict is Verdict.INCONCLUSIVE


def test_too_few_days_are_inconclusive_and_the_reason_is_told():
    found = judged(dataclasses.replace(WINNER, blocks=np.arange(3_000) % 6))
    assert verdicts(found)["primary"] is Verdict.INCONCLUSIVE
    assert verdicts(found)["sample size"] is Verdict.INCONCLUSIVE
    assert found.blocks == 6


def test_a_slice_that_pays_for_the_rest_fails():
    found = judged(with_harm(WINNER, share=0.5))
    assert verdicts(found)["slices: airport"] is Verdict.FAIL
    assert (found.slices[0].value, found.slices[0].verdict) == ("JFK", Verdict.FAIL)
    assert len(found.slices) == 3


def test_a_gap_that_opens_fails_and_names_its_groups():
    data = holdout(6_000, champion_noise=2.5, challenger_noise=0.5)
    jfk = data.columns["airport"] == "JFK"
    lenient = np.where(jfk, np.asarray(data.challenger) ** 0.4, data.challenger)
    found = judged(dataclasses.replace(data, challenger=lenient))
    assert verdicts(found)["fairness: airport, fpr"] is Verdict.FAIL
    fpr = next(one for one in found.fairness if one.rate == "fpr")
    assert [group.group for group in fpr.groups] == ["EWR", "JFK", "LGA"]
    assert fpr.p_value <= fpr.p_adjusted < 0.05


# ---------------------------------------------------------------- never PASS by accident


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.5])
@pytest.mark.parametrize(
    ("side", "verdict"), [("challenger", Verdict.FAIL), ("champion", Verdict.ERROR)]
)
def test_one_bad_score_never_passes(side, verdict, value):
    scores = np.array(getattr(WINNER, side))
    scores[5] = value
    found = judged(dataclasses.replace(WINNER, **{side: scores}))
    assert found.verdict is verdict
    assert list(verdicts(found)) == ["inputs"]


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone_is_an_error_not_a_pass(label):
    assert judged(dataclasses.replace(WINNER, y=np.full(3_000, label))).verdict is Verdict.ERROR


def test_an_empty_holdout_is_an_error():
    nothing = np.array([])
    data = dataclasses.replace(
        WINNER, y=nothing, champion=nothing, challenger=nothing, columns={"airport": nothing}
    )
    assert judged(data).verdict is Verdict.ERROR


def test_a_slice_column_that_is_missing_is_an_error_beside_the_other_gates():
    rules = policy(slices=POLICY["slices"] | {"columns": ["airport", "carrier"]})
    found = judged(WINNER, rules)
    assert verdicts(found)["slices: carrier"] is Verdict.ERROR
    assert verdicts(found)["slices: airport"] is Verdict.PASS
    assert found.verdict is Verdict.ERROR
    assert "'carrier': not in the holdout" in found.gates[-1].reason


def test_a_fairness_column_that_is_missing_is_an_error_beside_the_other_gates():
    rules = policy(fairness=[POLICY["fairness"][0] | {"column": "sex"}])
    found = judged(WINNER, rules)
    assert verdicts(found)["fairness: sex"] is Verdict.ERROR
    assert verdicts(found)["primary"] is Verdict.PASS


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("compare_metrics", "metrics"),
        ("measure_slices", "slices: airport"),
        ("measure_fairness", "fairness: airport"),
    ],
)
def test_a_check_that_breaks_is_a_gate_with_error_not_a_crash(monkeypatch, part, name):
    def broken(*_):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(comparison, part, broken)
    found = judged(WINNER)
    assert verdicts(found)[name] is Verdict.ERROR
    assert found.verdict is Verdict.ERROR
    assert found.gates[-1].reason == "ZeroDivisionError: by nothing."
    assert found.gates[-1].rule == f"The check of {name} runs."


def test_a_slice_whose_metric_does_not_exist_fails():
    data = dataclasses.replace(WINNER, columns={"airport": np.where(WINNER.y == 1, "A", "B")})
    rules = policy(slices=POLICY["slices"] | {"metric": "roc_auc"}, fairness=[])
    found = judged(data, rules)
    assert verdicts(found)["slices: airport"] is Verdict.FAIL
    assert "cannot be computed" in found.slices[0].reason


def test_no_gate_at_all_is_an_error():
    assert Comparison(n=0, draws=1, seed=0, blocks=None, gates=()).verdict is Verdict.ERROR


def test_the_verdict_is_the_worst_gate():
    gates = tuple(Gate(v, v, "", "") for v in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE))
    found = Comparison(n=0, draws=1, seed=0, blocks=None, gates=gates)
    assert found.verdict is Verdict.FAIL


# ---------------------------------------------------------------- what a report gets


@pytest.mark.parametrize("scores", [WINNER.challenger, np.full(3_000, np.nan)])
def test_a_comparison_says_of_what_and_how_it_was_judged_refused_or_not(scores):
    found = judged(dataclasses.replace(WINNER, challenger=scores), seed=7)
    assert (found.n, found.draws, found.seed, found.blocks) == (3_000, 100, 7, None)


def test_a_comparisons_figures_rest_on_its_draws_seed_days_and_confidence():
    days = dataclasses.replace(WINNER, blocks=np.arange(3_000) % 40)
    found = judged(days, policy(confidence=0.9), seed=7)
    plan = DrawPlan(100, 7, 0.9)
    assert found.blocks == 40
    assert found.metrics == compare_metrics(days, plan)
    rules = policy().slices
    assert {part.value: part.interval for part in found.slices} == {
        part.value: part.interval for part in measure_slices(days, "airport", rules, plan)
    }
    assert {part.interval.confidence for part in found.fairness} == {0.9}
    assert found.delong == delong(WINNER.y, WINNER.champion, WINNER.challenger, confidence=0.9)


def test_every_gate_of_the_metrics_rests_on_all_rows():
    gates = {gate.name: gate.n for gate in judged(WINNER).gates}
    names = ["sample size", "primary", "non-inferiority: roc_auc", "limit: roc_auc"]
    assert [gates[name] for name in names] == [3_000] * 4


def test_the_second_readers_are_told_and_never_gate():
    found = judged(WINNER)
    models = (WINNER.y, WINNER.champion, WINNER.challenger)
    assert found.mcnemar == mcnemar(*models, 0.5)
    assert found.delong == delong(*models, confidence=0.95)
    assert not any("mcnemar" in name or "delong" in name for name in verdicts(found))


def test_a_comparison_is_plain_values_for_json():
    found = judged(WINNER)
    again = json.loads(json.dumps(dataclasses.asdict(found)))
    assert again["verdict"] == "PASS"
    assert again["gates"][2]["difference"] == found.gates[2].difference
    assert again["slices"][0]["interval"]["low"] == found.slices[0].interval.low
    assert again["fairness"][0]["groups"][0]["is_judged"] is True
    assert again["delong"]["p_value"] == found.delong.p_value


def test_the_same_seed_gives_the_same_comparison_and_another_seed_another_interval():
    assert judged(WINNER) == judged(WINNER)
    assert judged(WINNER).metrics[0].interval != judged(WINNER, seed=2).metrics[0].interval


def test_swapping_the_models_negates_every_difference_of_every_gate():
    swapped = dataclasses.replace(WINNER, champion=WINNER.challenger, challenger=WINNER.champion)
    one, other = judged(WINNER), judged(swapped)
    theirs = {gate.name: gate for gate in other.gates}
    names = ["primary", "non-inferiority: roc_auc", "fairness: airport, tpr"]
    for gate in (gate for gate in one.gates if gate.name in names):
        assert theirs[gate.name].difference == pytest.approx(-gate.difference, abs=1e-12)
    of_value = {part.value: part.difference for part in other.slices}
    for part in one.slices:
        assert of_value[part.value] == pytest.approx(-part.difference, abs=1e-12)


def test_resampling_days_is_wider_where_days_share_their_luck():
    rng = np.random.default_rng(0)
    day = np.repeat(np.arange(30), 100)
    weather = rng.normal(0, 2, 30)[day]
    truth = rng.normal(0, 1, 3_000)
    logit = truth + weather
    y = (rng.random(3_000) < 1 / (1 + np.exp(-logit))).astype(int)
    data = dataclasses.replace(
        WINNER, y=y, champion=1 / (1 + np.exp(-truth)), challenger=1 / (1 + np.exp(-logit))
    )
    widths = []
    for blocks in (None, day):
        found = judged(dataclasses.replace(data, blocks=blocks), policy(**LEAN), draws=400)
        interval = found.metrics[METRICS.index("f1_weighted")].interval
        widths.append(interval.high - interval.low)
    assert widths[1] > 1.5 * widths[0]


def test_progress_rises_to_the_end_over_all_parts():
    heard = []
    judged(WINNER, on_progress=lambda done, total: heard.append((done, total)))
    assert heard == sorted(heard)
    assert heard[-1] == (300, 300)  # metrics, one slice column, one fairness column
    assert {type(number) for each in heard for number in each} == {int}


# ---------------------------------------------------------------- the first model


def test_the_first_model_is_never_blessed_without_a_person():
    found = assess_first_model(WINNER, policy(), draws=100, seed=1)
    assert verdicts(found) == {
        "inputs": Verdict.PASS,
        "sample size": Verdict.PASS,
        "champion": Verdict.INCONCLUSIVE,
        "limit: roc_auc": Verdict.PASS,
        "limit: calibration_error": Verdict.PASS,
    }
    assert found.verdict is Verdict.INCONCLUSIVE
    assert all(math.isnan(one.champion) for one in found.metrics)
    assert {gate.n for gate in found.gates if gate.name.startswith("limit")} == {3_000}


@pytest.mark.parametrize("scores", [WINNER.challenger, np.full(3_000, np.nan)])
def test_a_first_model_says_of_what_and_how_it_was_judged_refused_or_not(scores):
    data = dataclasses.replace(WINNER, challenger=scores)
    found = assess_first_model(data, policy(), draws=100, seed=7)
    assert (found.n, found.draws, found.seed, found.blocks) == (3_000, 100, 7, None)
    assert "champion" in verdicts(found)


def test_a_first_models_figures_rest_on_its_own_draws_seed_and_days():
    days = dataclasses.replace(WINNER, blocks=np.arange(3_000) % 40)
    rules = policy(confidence=0.9)
    found = assess_first_model(days, rules, draws=100, seed=7)
    assert found.blocks == 40
    plan = DrawPlan(100, 7, 0.9)
    alone = compare_metrics(dataclasses.replace(days, champion=None), plan)
    challengers = [(one.metric, one.challenger, one.challenger_interval) for one in found.metrics]
    assert challengers == [(one.metric, one.challenger, one.challenger_interval) for one in alone]


def test_too_few_days_of_a_first_model_are_told():
    few = dataclasses.replace(WINNER, blocks=np.arange(3_000) % 6)
    found = assess_first_model(few, policy(), draws=100, seed=1)
    assert verdicts(found)["sample size"] is Verdict.INCONCLUSIVE


def test_a_first_models_draws_are_heard_to_the_end():
    heard = []
    told = {"on_progress": lambda done, total: heard.append((done, total))}
    assess_first_model(WINNER, policy(), draws=100, seed=1, **told)
    assert heard == sorted(heard)
    assert heard[-1] == (100, 100)


def test_a_first_model_whose_metrics_break_is_an_error(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(comparison, "compare_metrics", broken)
    found = assess_first_model(WINNER, policy(), draws=100, seed=1)
    assert verdicts(found)["metrics"] is Verdict.ERROR
    assert found.gates[-1].reason == "ZeroDivisionError: by nothing."
    assert "limit: roc_auc" not in verdicts(found)


def test_the_first_model_still_has_limits_to_keep():
    found = assess_first_model(WINNER, policy(limits={"roc_auc": {"min": 0.99}}), draws=100, seed=1)
    assert found.verdict is Verdict.FAIL


def test_a_first_model_with_bad_scores_fails():
    data = dataclasses.replace(WINNER, champion=None, challenger=np.full(3_000, np.nan))
    assert assess_first_model(data, policy(), draws=100, seed=1).verdict is Verdict.FAIL


def test_comparing_without_a_champion_is_an_error():
    assert judged(dataclasses.replace(WINNER, champion=None)).verdict is Verdict.ERROR
