import dataclasses

from pipeline.core.report import slices as report_slices
from pipeline.domain import Verdict
from tests.core import reports


def first_column(table):
    return [row[0].text.replace("\N{NO-BREAK SPACE}", " ") for row in table.rows]


def with_slices(slices, **changes):
    found = reports.comparison([], reports.JUNE, slices, "")
    return dataclasses.replace(reports.passing(), comparison=found, **changes)


def test_the_worst_verdict_comes_first_then_the_greatest_loss_then_what_is_not_judged():
    found = report_slices.slice_table(reports.failing())
    assert first_column(found) == [
        "carrier = B6",
        "origin = JFK",
        "carrier = UA",
        "carrier = other",
    ]
    assert found.rows[-1][-1].text == "not judged"
    assert found.rows[-1][0].note == "AS, HA"


def test_where_lower_is_better_the_greatest_rise_is_the_worst_and_is_drawn_to_the_left():
    rules = reports.policy().slices.model_copy(update={"metric": "log_loss"})
    policy = reports.policy().model_copy(update={"slices": rules})
    slices = [
        reports.part("origin", "up", 0.5, 0.6, Verdict.PASS, metric="log_loss"),
        reports.part("origin", "down", 0.5, 0.3, Verdict.PASS, metric="log_loss"),
        reports.part("origin", "far up", 0.5, 0.9, Verdict.PASS, metric="log_loss"),
    ]
    found = report_slices.slice_table(with_slices(slices, policy=policy))
    assert first_column(found) == ["origin = far up", "origin = up", "origin = down"]
    bars = [row[6].bar for row in found.rows]
    assert bars[0].value < bars[1].value < bars[1].zero < bars[2].value
    assert all(bar.low < bar.value < bar.high for bar in bars)
    assert [row[5].note for row in found.rows] == ["worse", "worse", "better"]


def test_a_slice_whose_figure_is_unknown_is_worse_than_any_loss():
    slices = [
        reports.part("origin", "lost", 0.9, 0.1, Verdict.FAIL),
        reports.part("origin", "unknown", float("nan"), 0.5, Verdict.FAIL),
    ]
    found = report_slices.slice_table(with_slices(slices))
    assert first_column(found) == ["origin = unknown", "origin = lost"]


def test_the_line_names_the_worst_slice_with_its_figures():
    line = report_slices.slice_line(reports.failing()).replace("\N{NO-BREAK SPACE}", " ")
    assert line == (
        "carrier = B6: F1, weighted −0.106 [−0.156, −0.0560] on 1,562 rows; 4 slices in all."
    )
    assert report_slices.slice_line(with_slices([])) == "No slices were measured."


def test_a_first_model_shows_its_own_slices_the_lowest_first():
    found = report_slices.slice_table(reports.first())
    assert first_column(found) == ["origin = JFK", "origin = EWR"]
    assert [cell.text for cell in found.rows[0][1:3]] == ["3,000", "0.640"]
