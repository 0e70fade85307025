import pytest

from pipeline.core.report.table import (
    Cell,
    difference_cells,
    interval_bars,
    meter,
    table,
    verdict_cell,
)
from pipeline.domain import Verdict


@pytest.mark.parametrize(
    ("low", "high", "direction", "word", "tone"),
    [
        (0.01, 0.2, 1, "better", "good"),
        (-0.2, -0.01, 1, "worse", "bad"),
        (0.01, 0.2, -1, "worse", "bad"),
        (-0.2, -0.01, -1, "better", "good"),
        (-0.1, 0.1, 1, "unclear", ""),
        (0.0, 0.2, 1, "unclear", ""),
        (None, None, 1, "unclear", ""),
        (0.1, None, 1, "unclear", ""),
    ],
)
def test_the_interval_says_in_a_word_what_the_difference_means(low, high, direction, word, tone):
    difference, interval = difference_cells(0.1, low, high, direction)
    assert difference.text == "+0.100"
    assert (interval.note, interval.tone) == (word, tone)


def test_bars_share_one_scale_that_holds_zero_and_the_limits():
    first, second = interval_bars([(0.1, 0.0, 0.2), (-0.1, -0.2, 0.0)], [-0.3, None])
    assert first.bar.zero == second.bar.zero
    assert first.bar.limit < second.bar.low < second.bar.value < second.bar.zero
    assert first.bar.zero == first.bar.low < first.bar.value < first.bar.high < 100
    assert second.bar.limit is None
    assert first.bar.high - first.bar.low == pytest.approx(
        second.bar.high - second.bar.low, abs=0.2
    )


def test_an_unknown_interval_draws_nothing():
    cells = interval_bars([(None, None, None), (0.1, 0.0, 0.2)], [None, None])
    assert cells[0].bar is None
    assert cells[1].bar is not None


def test_a_scale_without_any_width_is_no_division_by_zero():
    assert interval_bars([(0.0, 0.0, 0.0)], [0.0])[0].bar.value == 50.0


def test_a_meter_runs_from_the_left_to_its_share_of_the_top():
    assert meter(1.0, 4.0, 2.0).bar == meter(0.5, 2.0, 1.0).bar
    assert meter(1.0, 4.0, 2.0).bar.high == 25.0
    assert meter(1.0, 4.0, 2.0).bar.limit == 50.0
    assert meter(None, 4.0) == Cell()


def test_in_text_a_table_has_intervals_as_notes_and_no_pictures():
    whole = table(
        "t",
        [("Name", "text"), ("Δ", "number"), ("95 % interval", "interval"), ("", "bar")],
        [["a", *difference_cells(0.1, 0.05, 0.15, 1), meter(1.0, 2.0)]],
    )
    plain = whole.in_text
    assert [column.heading for column in plain.columns] == ["Name", "Δ, 95 % interval"]
    note = plain.rows[0][1].note.replace("\N{NO-BREAK SPACE}", " ")
    assert note == "[+0.0500, +0.150] better"


def test_a_part_of_a_table_keeps_title_and_columns():
    whole = table("t", [("Name", "text")], [["a"], ["b"], ["c"]])
    assert [row[0].text for row in whole.part(1).rows] == ["b", "c"]
    assert whole.part(0, 1).columns == whole.columns


def test_what_is_not_judged_says_so():
    assert verdict_cell(None) == Cell("not judged")
    assert verdict_cell("FAIL").verdict is Verdict.FAIL
