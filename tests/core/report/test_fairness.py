import dataclasses

from pipeline.core.report import fairness as report_fairness
from pipeline.domain import Verdict
from tests.core import reports


def test_each_gap_has_the_verdict_of_its_gate_and_a_wider_gap_is_worse():
    found = reports.comparison(
        [reports.gate("fairness: origin, selection_rate", Verdict.FAIL)], reports.JUNE, [], ""
    )
    wide, narrow = found["fairness"]
    wide["interval"] = {"low": 0.01, "high": 0.09, "confidence": 0.95}
    narrow["interval"] = {"low": -0.09, "high": -0.01, "confidence": 0.95}
    inputs = dataclasses.replace(reports.passing(), comparison=found)
    rows = report_fairness.fairness_table(inputs).rows
    assert [row[4].note for row in rows] == ["worse", "better"]
    assert [row[-1].verdict for row in rows] == [Verdict.FAIL, None]
    assert rows[0][5].bar.low > rows[0][5].bar.zero > rows[1][5].bar.high


def test_groups_show_both_models_and_which_are_too_small():
    found = report_fairness.group_table(reports.passing())
    assert [column.heading for column in found.columns][:3] == [
        "Group",
        "Rows",
        "Selection\N{NO-BREAK SPACE}rate",
    ]
    assert found.rows[0][2].text == "0.0610 → 0.0710"
    assert [row[2].note for row in found.rows] == ["", "", "too few rows to judge"]


def test_a_rate_that_is_not_judged_for_a_column_leaves_its_cells_empty():
    found = reports.passing().comparison
    first, *others = found["fairness"]
    found["fairness"] = [{**first, "column": "carrier"}, *others]
    rows = report_fairness.group_table(
        dataclasses.replace(reports.passing(), comparison=found)
    ).rows
    assert [cell.text for cell in rows[0][2:]].count("") == 1
    assert [cell.text for cell in rows[-1][2:]].count("") == 1


def test_the_line_is_about_the_gap_closest_to_its_limit():
    line = report_fairness.fairness_line(reports.passing()).replace("\N{NO-BREAK SPACE}", " ")
    assert line == (
        "Closest to its limit is the gap of selection rate between groups of origin: "
        "it widens by 0.0224 and may widen by 0.05."
    )


def test_a_gap_that_could_not_be_measured_is_no_reason_to_fall():
    found = reports.passing().comparison
    for gap in found["fairness"]:
        gap["worsening"] = gap["champion_gap"] = gap["challenger_gap"] = None
        gap["interval"] = {"low": None, "high": None, "confidence": 0.95}
    inputs = dataclasses.replace(reports.passing(), comparison=found)
    assert report_fairness.fairness_line(inputs) == "No gap between groups was measured."
    assert report_fairness.fairness_table(inputs).rows[0][3].text == "unknown"
