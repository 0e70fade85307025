import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.ml.plots.abtest import Sequenced, draw_ab_test
from pipeline.ml.plots.style import as_png

START = datetime(2026, 3, 2, tzinfo=UTC)
WIDTHS = [None, 0.08, 0.05, 0.03, 0.02, 0.018]
SHOWN = Sequenced(
    metric="accuracy",
    confidence=0.95,
    sign=1,
    moments=[START + timedelta(days=day) for day in range(6)],
    estimates=[None, 0.04, 0.03, 0.028, 0.027, 0.026],
    lows=[None if w is None else 0.03 - w for w in WIDTHS],
    highs=[None if w is None else 0.03 + w for w in WIDTHS],
    changes=[(START + timedelta(days=2), 50.0)],
    margin=0.01,
)


def texts(shown: Sequenced) -> list[str]:
    figure = draw_ab_test(shown)
    found = [text.get_text() for text in figure.axes[0].texts]
    return found + [text.get_text() for text in figure.legends[0].get_texts()]


def test_equal_tests_give_equal_bytes():
    digests = {hashlib.sha256(as_png(draw_ab_test(SHOWN))).hexdigest() for _ in range(2)}
    assert len(digests) == 1


def test_it_says_which_side_is_whose_and_where_zero_was_left():
    found = texts(SHOWN)
    assert {"challenger better", "champion better", "challenger 50 %"} <= set(found)
    assert "first look without 0" in found
    assert "95 % confidence sequence" in found
    upside_down = draw_ab_test(replace(SHOWN, sign=-1)).axes[0].texts
    places = {text.get_text(): text.get_position()[1] for text in upside_down}
    assert places["champion better"] > places["challenger better"]


def test_the_last_interval_is_whole_in_the_picture():
    low, high = draw_ab_test(SHOWN).axes[0].get_ylim()
    assert low < min(0, SHOWN.lows[-1])
    assert high > SHOWN.highs[-1]


@pytest.mark.parametrize("estimate", [None, 0.0, 0.01])
def test_a_test_without_an_interval_can_be_drawn(estimate):
    one = Sequenced("x", 0.95, 1, [START], [estimate], [None], [None])
    assert len(as_png(draw_ab_test(one))) > 1_000
    assert "first look without 0" not in texts(one)


def test_a_single_look_has_a_bar():
    one = Sequenced("x", 0.95, 1, [START], [0.02], [0.01], [0.03])
    assert draw_ab_test(one).axes[0].collections
