import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.domain import Verdict
from pipeline.ml.plots import comparison, style

RNG = np.random.default_rng(3)
Y = (RNG.random(800) < 0.3).astype(int)
MODELS = {
    "champion": np.clip(0.25 + 0.15 * Y + RNG.normal(0, 0.15, 800), 0, 1),
    "challenger": np.clip(0.20 + 0.25 * Y + RNG.normal(0, 0.15, 800), 0, 1),
}
LEGEND = {"champion": "champion, AUC 0.7", "challenger": "challenger, AUC 0.8"}
EFFECTS = [
    comparison.Effect("F1", 0.1, 0.05, 0.15, 0.01, Verdict.PASS),
    comparison.Effect("ROC-AUC", -0.1, -0.15, -0.05, -0.01, Verdict.FAIL),
    comparison.Effect("Log loss", 0.0, -0.05, 0.05, -0.02, Verdict.INCONCLUSIVE),
    comparison.Effect("Recall", 0.02, None, None, None, None),
]


def scores(y, models, legend):
    return comparison.draw_scores(y, models, legend, threshold=0.5, names=("on time", "late"))


DRAWERS = [
    comparison.draw_roc,
    comparison.draw_precision_recall,
    comparison.draw_calibration,
    scores,
]


def lines_of(figure, label):
    return [line for axes in figure.axes for line in axes.lines if line.get_label() == label]


@pytest.mark.parametrize("draw", DRAWERS)
def test_the_same_scores_give_the_same_bytes(draw):
    first, second = (draw(Y, MODELS, LEGEND) for _ in range(2))
    assert style.as_png(first) == style.as_png(second)
    assert style.as_svg(first) == style.as_svg(second)


def test_the_forest_plot_gives_the_same_bytes_too():
    first, second = (comparison.draw_differences(EFFECTS) for _ in range(2))
    assert style.as_png(first) == style.as_png(second)
    assert style.as_svg(first) == style.as_svg(second)


@pytest.mark.parametrize("draw", DRAWERS)
def test_a_first_model_is_drawn_alone(draw):
    svg = style.as_svg(draw(Y, {"challenger": MODELS["challenger"]}, LEGEND))
    assert LEGEND["challenger"] in svg
    assert "champion," not in svg


@pytest.mark.parametrize("draw", DRAWERS)
def test_both_models_are_named_in_the_picture(draw):
    svg = style.as_svg(draw(Y, MODELS, LEGEND))
    assert all(text in svg for text in LEGEND.values())


@pytest.mark.parametrize("draw", DRAWERS[:3])
def test_champion_and_challenger_differ_without_colour(draw):
    figure = draw(Y, MODELS, LEGEND)
    (champion,), (challenger,) = (lines_of(figure, text) for text in LEGEND.values())
    assert champion.is_dashed()
    assert not challenger.is_dashed()


@pytest.mark.parametrize("draw", DRAWERS)
@pytest.mark.parametrize(("share", "distance"), [(0.5, 0.6), (0.05, 0.1), (0.3, 0.0)])
def test_no_legend_hides_what_is_drawn(draw, share, distance):
    y = (np.random.default_rng(5).random(800) < share).astype(int)
    score = np.clip(0.2 + distance * y + np.random.default_rng(6).normal(0, 0.15, 800), 0, 1)
    figure = draw(y, {"champion": score, "challenger": score**1.1}, LEGEND)
    style.as_png(figure)  # lays it out
    legend = next(iter(figure.legends), None) or figure.axes[0].get_legend()
    box = legend.get_window_extent()
    drawn = [
        (axes.transData, path)
        for axes in figure.axes
        for path in (
            *(line.get_path() for line in axes.lines if line.get_label() in LEGEND.values()),
            *(steps.get_path() for steps in axes.patches),
        )
    ]
    assert drawn
    hidden = [path for data, path in drawn if path.transformed(data).intersects_bbox(box, False)]
    assert hidden == []


def test_a_png_is_a_picture_on_a_white_ground_without_a_date():
    content = style.as_png(comparison.draw_roc(Y, MODELS, LEGEND))
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "PNG"
    assert picture.width == round(style.SIZE[0] * style.PNG_DPI)
    assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert set(picture.info) <= {"dpi"}
    assert len(content) < 100_000


def test_an_svg_has_no_date_and_no_ground_and_real_text():
    svg = style.as_svg(comparison.draw_roc(Y, MODELS, LEGEND))
    assert "<dc:date" not in svg
    assert "Matplotlib" not in svg
    assert re.search(r"<text [^>]*>False positive rate</text>", svg)
    assert "fill: #ffffff" not in svg


def test_every_colour_of_a_drawing_can_be_the_pages():
    figures = [draw(Y, MODELS, LEGEND) for draw in DRAWERS] + [comparison.draw_differences(EFFECTS)]
    used = {c for figure in figures for c in re.findall(r"#[0-9a-f]{6}", style.as_svg(figure))}
    assert used <= set(style.CSS_VARIABLES)


def test_the_roc_curve_is_that_of_the_scores():
    line = lines_of(comparison.draw_roc(Y, MODELS, LEGEND), LEGEND["challenger"])[0]
    area = np.trapezoid(line.get_ydata(), line.get_xdata())
    positive, negative = (MODELS["challenger"][label == Y] for label in (1, 0))
    wins = (positive[:, None] > negative).mean() + (positive[:, None] == negative).mean() / 2
    assert area == pytest.approx(wins, abs=0.005)


def test_bins_with_few_rows_are_drawn_hollow():
    y, probability = np.r_[Y, 1, 1], np.r_[np.clip(MODELS["challenger"], 0.05, 0.35), 0.95, 0.97]
    figure = comparison.draw_calibration(y, {"challenger": probability}, LEGEND)
    faces = figure.axes[0].collections[0].get_facecolors()
    assert tuple(faces[-1][:3]) == (1, 1, 1)
    assert tuple(faces[0][:3]) != (1, 1, 1)


def test_score_bars_are_shares_of_the_rows_of_a_label():
    figure = scores(Y, MODELS, LEGEND)
    for axes in figure.axes:
        outline = next(p for p in axes.patches if p.get_label() == LEGEND["champion"])
        assert outline.get_data().values.sum() == pytest.approx(1)


def test_the_forest_plot_keeps_the_order_and_marks_each_verdict_by_its_shape():
    axes = comparison.draw_differences(EFFECTS).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [e.label for e in EFFECTS]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    marks = {
        int(line.get_ydata()[0]): line.get_marker()
        for line in axes.lines
        if line.get_marker() not in ("None", None)
    }
    assert marks == {0: "o", 1: "X", 2: "D", 3: "o"}


def test_an_effect_without_an_interval_is_a_dot_alone():
    axes = comparison.draw_differences(EFFECTS[3:]).axes[0]
    assert [list(line.get_xdata()) for line in axes.lines[1:]] == [[0.02]]


def test_names_are_shown_as_they_are():
    legend = {"challenger": "$x_2$ <b> & _y_"}
    figure = comparison.draw_scores(
        Y,
        {"challenger": MODELS["challenger"]},
        legend,
        threshold=0.5,
        names=("$on$", "late < 15"),
    )
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", style.as_svg(figure))
    assert "$x_2$ &lt;b&gt; &amp; _y_" in texts
    assert "rows that are $on$" in texts
    assert style.as_png(figure)


def test_the_page_has_every_colour_that_a_drawing_asks_for():
    page = Path(__file__).parents[3] / "pipeline" / "templates" / "report.html.j2"
    css = page.read_text(encoding="utf-8")
    assert all(f"{name}: #" in css for name in style.CSS_VARIABLES.values())
