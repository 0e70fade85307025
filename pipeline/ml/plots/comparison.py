"""The plots of the report: champion and challenger together, drawn the same on every machine.

Champion is dashed and challenger solid, so that nothing hangs on colour. A figure becomes a PNG
file for Markdown, or an SVG document whose colours the page then makes its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.domain import Verdict
from pipeline.ml.curves import (
    SCORE_BINS,
    calibration_points,
    precision_recall_points,
    roc_points,
    score_histogram,
)
from pipeline.ml.plots.style import COLOURS, new_figure

CURVE_POINTS = 200
SMALL_BIN_ROWS = 30  # below this the observed share of a bin says little: drawn hollow
_LINES = {"champion": (0, (4, 2)), "challenger": "solid"}
_WIDTHS = {"champion": 1.6, "challenger": 2.2}
_MARKS = {"champion": "s", "challenger": "o"}
_VERDICT_MARKS = {"PASS": "o", "INCONCLUSIVE": "D", "FAIL": "X", "ERROR": "s"}
Models = Mapping[str, np.ndarray]  # "champion" (where there is one) and "challenger" -> (n,)
Legend = Mapping[str, str]  # what the legend says of each


@dataclass(frozen=True)
class Effect:
    """A row of the forest plot; see pipeline/core/report/plots.py, which makes them."""

    label: str
    improvement: float
    low: float | None
    high: float | None
    least: float | None
    verdict: Verdict | None


def draw_roc(y: np.ndarray, models: Models, legend: Legend) -> Figure:
    """ROC curves of labels y (n,) of 0 and 1, with the line of a coin."""
    with new_figure() as (figure, axes):
        axes.plot([0, 1], [0, 1], color=COLOURS["baseline"], linewidth=1.2)
        for name, probability in models.items():
            points = roc_points(y, probability, CURVE_POINTS)
            _line(axes, name, points["false_positive_rate"], points["true_positive_rate"], legend)
        _unit_square(axes, "False positive rate", "True positive rate")
        axes.legend(loc="lower right")
    return figure


def draw_precision_recall(y: np.ndarray, models: Models, legend: Legend) -> Figure:
    """Precision-recall curves, with the line of a model that knows nothing: the positive rate."""
    with new_figure() as (figure, axes):
        axes.axhline(float(y.mean()), color=COLOURS["baseline"], linewidth=1.2)
        for name, probability in models.items():
            points = precision_recall_points(y, probability, CURVE_POINTS)
            _line(axes, name, points["recall"], points["precision"], legend, drawstyle="steps-pre")
        _unit_square(axes, "Recall", "Precision")
        axes.legend(loc="best")  # a good model's curve fills one corner, a poor one's another
    return figure


def draw_calibration(y: np.ndarray, models: Models, legend: Legend) -> Figure:
    """Observed share against mean score in ten bins; the larger the mark, the more rows."""
    with new_figure() as (figure, axes):
        axes.plot([0, 1], [0, 1], color=COLOURS["baseline"], linewidth=1.2)
        for name, probability in models.items():
            points = calibration_points(y, probability)
            _line(axes, name, points["predicted"], points["observed"], legend, marker=_MARKS[name])
            axes.lines[-1].set_markersize(0)
            enough = (points["rows"] >= SMALL_BIN_ROWS).to_numpy()
            axes.scatter(
                points["predicted"],
                points["observed"],
                s=12 + 140 * points["rows"] / len(y),
                marker=_MARKS[name],
                color=np.where(enough, COLOURS[name], COLOURS["ground"]),
                edgecolors=COLOURS[name],
                linewidths=1.2,
                zorder=3,
            )
        _unit_square(axes, "Mean score in the bin", "Observed share")
        axes.legend(loc="best")
    return figure


def draw_scores(
    y: np.ndarray, models: Models, legend: Legend, *, threshold: float, names: tuple[str, str]
) -> Figure:
    """How often each score is given, to rows of each label; `names` are of labels 0 and 1."""
    with new_figure(rows=2) as (figure, panels):
        tables = {name: score_histogram(y, probability) for name, probability in models.items()}
        for axes, column, name in zip(panels, ("positives", "negatives"), names[::-1], strict=True):
            for model, table in tables.items():
                _steps(axes, model, table[column].to_numpy(), legend)
            axes.axvline(threshold, color=COLOURS["muted"], linewidth=1, linestyle=":")
            axes.set_title(f"rows that are {name}", loc="left", fontsize=9.5)
            axes.set(xlim=(0, 1), ylim=(0, None))
            axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
            axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(3))
            axes.grid(axis="y")
        handles, texts = panels[0].get_legend_handles_labels()
        # Above both panels: bars may stand in every corner.
        figure.legend(handles, texts, loc="outside upper right", ncols=len(handles))
        panels[1].set_xlabel(f"Score; dotted line: answered {names[1]} from {threshold:g} on")
    return figure


def draw_differences(effects: Sequence[Effect]) -> Figure:
    """A forest plot of improvements with intervals: right of 0 is better.

    The tick beside a row is what its interval must stay right of (for the primary metric: what
    its dot must be right of). Marks show the verdict: disc, diamond, cross.
    """
    with new_figure(height=0.9 + 0.33 * len(effects)) as (figure, axes):
        axes.axvline(0, color=COLOURS["muted"], linewidth=1)
        for row, effect in enumerate(effects):
            _effect(axes, row, effect)
        axes.set_yticks(range(len(effects)), [effect.label for effect in effects])
        axes.tick_params(axis="y", length=0, labelcolor=COLOURS["text"])
        axes.set_ylim(len(effects) - 0.4, -0.6)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.margins(x=0.06)
        axes.set_xlabel("← worse · improvement · better →")
    return figure


def _line(
    axes: Axes, name: str, x: Sequence[float], y: Sequence[float], legend: Legend, **style: object
) -> None:
    axes.plot(
        x,
        y,
        color=COLOURS[name],
        linestyle=_LINES[name],
        linewidth=_WIDTHS[name],
        label=legend[name],
        **style,
    )


def _steps(axes: Axes, name: str, counts: np.ndarray, legend: Legend) -> None:
    """An outline of the shares of `counts`; the challenger's is filled."""
    shares = counts / max(counts.sum(), 1)
    axes.stairs(
        shares,
        np.linspace(0, 1, SCORE_BINS + 1),
        color=COLOURS[name],
        linestyle=_LINES[name],
        linewidth=_WIDTHS[name],
        label=legend[name],
        zorder=3 if name == "champion" else 2,
    )
    if name == "challenger":
        axes.stairs(
            shares, np.linspace(0, 1, SCORE_BINS + 1), fill=True, color=COLOURS[name], alpha=0.16
        )


def _effect(axes: Axes, row: int, effect: Effect) -> None:
    colour = COLOURS[str(effect.verdict or "muted").lower()]
    if effect.low is not None and effect.high is not None:
        axes.plot([effect.low, effect.high], [row, row], color=colour, linewidth=2)
    mark = _VERDICT_MARKS[effect.verdict] if effect.verdict else "o"
    face, edge = (colour, COLOURS["ground"]) if effect.verdict else (COLOURS["ground"], colour)
    axes.plot(
        [effect.improvement],
        [row],
        mark,
        markersize=9,
        markerfacecolor=face,
        markeredgecolor=edge,
        markeredgewidth=1.2,
        zorder=3,
    )
    if effect.least is not None:
        axes.plot(
            [effect.least] * 2, [row - 0.32, row + 0.32], color=COLOURS["text"], linewidth=1.4
        )


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=x, ylabel=y, xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    axes.grid()
    axes.set_axisbelow(True)
