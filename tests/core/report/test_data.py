import dataclasses

import pytest

from pipeline.core.report import data as report_data
from pipeline.domain import Verdict
from tests.core import reports


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_most_drifted_features_come_first_and_the_unknown_is_said():
    found = report_data.drift_table(reports.passing())
    assert [row[0].text for row in found.rows] == ["temp", "dewp", "gust", "seats"]
    assert [row[-1].text for row in found.rows] == [
        "drifted",
        "drifted",
        "too few rows to say",
        "stable",
    ]


def test_a_huge_drift_does_not_flatten_the_drawing_of_the_others():
    bars = [row[2].bar for row in report_data.drift_table(reports.passing()).rows]
    assert bars[0].high == bars[1].high == 100.0
    assert bars[2].high == 75.0
    assert {bar.limit for bar in bars} == {25.0}


def test_at_most_ten_features_are_shown():
    found = reports.passing().comparison
    found["drift"] = [{**found["drift"][0], "column": f"c{i}", "psi": i / 100} for i in range(30)]
    inputs = dataclasses.replace(reports.passing(), comparison=found)
    assert [row[0].text for row in report_data.drift_table(inputs).rows][:2] == ["c29", "c28"]
    assert len(report_data.drift_table(inputs).rows) == report_data.SHOWN_FEATURES


def test_lines_say_how_much_data_and_how_much_drift():
    inputs = reports.passing()
    assert plain(report_data.data_line(inputs)) == (
        "112,479 rows collected, 96.9 % with a label; trained on 100,139, "
        "judged on 8,847 newer ones."
    )
    assert report_data.drift_line(inputs) == (
        "2 of 4 features drifted, most of all temp, dewp; 1 has too few rows."
    )
    assert report_data.drift_line(reports.first()) == ""


def drifts_of(**changes):
    """The run with these changes in every feature's drift."""
    found = reports.passing().comparison
    found["drift"] = [{**row, **changes} for row in found["drift"]]
    return dataclasses.replace(reports.passing(), comparison=found)


def test_features_that_all_kept_still_are_said_to_be_so():
    assert report_data.drift_line(drifts_of(is_drifted=False)) == "None of 4 features drifted."


def drift_line_of(*found):
    """The line of features of which these are the findings."""
    row = reports.passing().comparison["drift"][0]
    drift = [{**row, "column": f"c{n}", "is_drifted": one} for n, one in enumerate(found)]
    comparison = {**reports.passing().comparison, "drift": drift}
    return report_data.drift_line(dataclasses.replace(reports.passing(), comparison=comparison))


def test_a_feature_that_nobody_could_judge_did_not_keep_still():
    assert drift_line_of(None, None, None) == "Too few rows to say of 3 of 3 features."
    assert drift_line_of(None, False, None) == "None of 1 features drifted; 2 have too few rows."
    assert drift_line_of(None, True, None) == (
        "1 of 3 features drifted, most of all c1; 2 have too few rows."
    )
    assert drift_line_of(True, False) == "1 of 2 features drifted, most of all c0."


@pytest.mark.parametrize("changes", [{"psi": None}, {"limit": None}, {"limit": 0.0}])
def test_a_drift_without_a_figure_or_a_limit_is_not_drawn(changes):
    rows = report_data.drift_table(drifts_of(**changes)).rows
    assert {row[2].bar for row in rows} == {None}


def test_rows_that_were_set_aside_are_counted_aloud():
    split = {**reports.passing().split, "method": "stratified", "set_aside_rows": 1200}
    line = plain(report_data.data_line(reports.passing(split=split)))
    assert line.endswith("judged on 8,847, 1,200 set aside since a champion saw them.")


def test_windows_and_split_stand_below_one_another():
    rows = report_data.window_table(reports.passing()).rows
    assert [row[0].text for row in rows] == [
        "Collected: history",
        "Collected: recent",
        "Trained on",
        "Judged on (holdout)",
    ]
    assert rows[0][2].text == "before 2013-06-01"
    assert plain(rows[3][5].text) == "36.2 %"


def test_data_checks_are_listed_worst_first():
    findings = [
        {"check": "a", "column": None, "severity": "PASS", "found": "", "expected": ""},
        {"check": "b", "column": "temp", "severity": "ERROR", "found": "", "expected": ""},
    ]
    rows = report_data.check_table(reports.passing(checks={"findings": findings})).rows
    assert [row[0].verdict for row in rows] == [Verdict.ERROR, Verdict.PASS]
    assert rows[0][1].note == "temp"
