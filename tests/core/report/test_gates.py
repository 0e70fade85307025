import dataclasses
import json

import numpy as np

from pipeline.core.comparison.compare import compare
from pipeline.core.comparison.holdout import Holdout
from pipeline.core.comparison.scoring import METRICS
from pipeline.core.report import fairness as report_fairness
from pipeline.core.report import gates as report_gates
from pipeline.domain import Verdict
from pipeline.jsonio import render_json
from tests.core import reports


def names(gates):
    return [gate["name"] for gate in gates]


def test_failures_come_first_and_keep_their_order_within_a_verdict():
    gates = report_gates.all_gates(reports.failing().comparison)
    assert [gate["verdict"] for gate in gates] == sorted(
        (gate["verdict"] for gate in gates), key=lambda verdict: -Verdict(verdict).severity
    )
    assert names(gates)[:3] == ["primary", "non-inferiority: roc_auc", "non-inferiority: accuracy"]


def test_a_gate_that_fails_its_own_test_is_a_gate_like_the_others():
    broken = reports.gate("self-test: shuffled labels do not pass", Verdict.FAIL)
    found = reports.comparison(
        [reports.gate("primary", Verdict.PASS)], reports.JUNE, [], "", self_test=[broken]
    )
    assert names(report_gates.open_gates(found)) == [broken.name]
    assert report_gates.gate_count(found) == "1 of 2 gates pass"


def test_a_self_test_that_passes_is_not_counted_among_the_gates():
    assert report_gates.gate_count(reports.passing().comparison) == "13 of 13 gates pass"


def test_open_gates_are_counted_by_verdict():
    assert report_gates.verdict_counts(reports.failing().comparison) == "2 FAIL, 4 INCONCLUSIVE"
    assert report_gates.verdict_counts(reports.passing().comparison) == "every one passes"


def test_a_metric_has_the_worst_verdict_of_the_gates_about_it():
    inputs = reports.failing()
    assert report_gates.verdict_of("roc_auc", inputs) is Verdict.FAIL
    assert report_gates.verdict_of("f1_weighted", inputs) is Verdict.FAIL
    assert report_gates.verdict_of("log_loss", inputs) is Verdict.INCONCLUSIVE
    assert report_gates.verdict_of("calibration_error", inputs) is Verdict.PASS
    assert report_gates.verdict_of("pr_auc", inputs) is None


def test_the_metric_table_starts_with_failures_and_the_primary_metric_before_its_equals():
    found = report_gates.ordered_metrics(reports.failing())
    assert [row["metric"] for row in found][:2] == ["f1_weighted", "roc_auc"]
    found = report_gates.ordered_metrics(reports.inconclusive())
    assert [row["metric"] for row in found][:2] == ["roc_auc", "f1_weighted"]


def test_each_metric_says_what_it_was_asked():
    policy = reports.policy()
    rules = {
        metric: (cell.text.replace("\N{NO-BREAK SPACE}", " "), cell.note)
        for metric in (
            *("f1_weighted", "accuracy", "f1", "recall"),
            *("roc_auc", "calibration_error", "pr_auc"),
        )
        for cell in [report_gates.rule_cell(metric, policy)]
    }
    assert rules == {
        "f1_weighted": ("gain > 0.01", "and interval above 0"),
        "accuracy": ("loss < 0.02", ""),
        "f1": ("loss < 0.05", ""),
        "recall": ("≥ 0.01", ""),
        "roc_auc": ("loss < 0.01", "and ≥ 0.58"),
        "calibration_error": ("≤ 0.15", ""),
        "pr_auc": ("none", ""),
    }


def test_a_metric_where_lower_is_better_says_so_and_its_fall_reads_as_better():
    rows = report_gates.metric_table(reports.passing()).rows
    row = next(row for row in rows if row[0].text.startswith("Log"))
    assert row[0].note == "lower is better"
    assert row[3].text == "−0.0749"
    assert row[4].note == "better"


def test_a_first_model_stands_alone_and_is_asked_for_its_limits():
    found = report_gates.metric_table(reports.first())
    assert [column.heading for column in found.columns][1] == "First model"
    rules = {row[0].text: row[3].text for row in found.rows}
    assert rules["ROC-AUC"] == "≥\N{NO-BREAK SPACE}0.58"
    assert rules["F1,\N{NO-BREAK SPACE}weighted"] == "none"
    assert "unknown" not in {cell.text for row in found.rows for cell in row}


def test_unknown_figures_are_said_to_be_unknown():
    nan = float("nan")
    found = reports.comparison([], [("roc_auc", nan, 0.7, nan, nan)], [], "")
    inputs = dataclasses.replace(reports.passing(), comparison=found)
    row = report_gates.metric_table(inputs).rows[0]
    assert [cell.text for cell in row[1:4]] == ["unknown", "0.700", "unknown"]
    assert (row[4].text, row[4].note) == ("", "unclear")


def test_real_gates_have_the_names_that_the_report_looks_for():
    rng = np.random.default_rng(5)
    y = rng.random(3000) < 0.4
    champion, challenger = (
        np.clip(0.3 + k * y + rng.normal(0, 0.2, 3000), 0, 1) for k in (0.1, 0.3)
    )
    columns = {name: rng.choice(["A", "B"], 3000) for name in ("carrier", "origin")}
    holdout = Holdout(y.astype(int), champion, challenger, 0.5, columns)
    real = json.loads(render_json(compare(holdout, reports.policy(), draws=100, seed=1)))
    inputs = reports.passing(comparison={**reports.passing().comparison, **real})
    judged = {metric: report_gates.verdict_of(metric, inputs) for metric in METRICS}
    assert [metric for metric, verdict in judged.items() if verdict is None] == [
        "precision_weighted",
        "recall_weighted",
        "precision",
        "pr_auc",
    ]
    gaps = report_fairness.fairness_table(inputs).rows
    assert len(gaps) == 2
    assert None not in [row[-1].verdict for row in gaps]
