"""The confidence sequence of an A/B test over time, and where it leaves 0.

Equal tests give equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import matplotlib as mpl
import numpy as np
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipeline.ml.plots.style import COLOURS, STYLE

SIZE = (7.5, 3.4)  # inches: 1,200 pixels wide at the dpi of plot_style.as_png
_ROOM = 1.6  # of the last interval: the first ones are far wider, and would hide it
BAND = "#cfdef6"


@dataclass(frozen=True)
class Sequenced:
    """What is drawn: the difference with its interval at each look, None where there is none.

    `sign` is 1 where a positive difference favours the challenger, else -1. `changes` are moments
    at which the weight changed, with the new percent; `margin` is the equivalence margin, if any.
    """

    metric: str
    confidence: float
    sign: int
    moments: Sequence[datetime]
    estimates: Sequence[float | None]
    lows: Sequence[float | None]
    highs: Sequence[float | None]
    changes: Sequence[tuple[datetime, float]] = ()
    margin: float | None = None


def draw_ab_test(shown: Sequenced) -> Figure:
    """The picture of a test with at least one look."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        low, high = _limits(shown)
        _sides(axes, shown, low, high)
        _band(axes, shown)
        _changes(axes, shown)
        axes.set_ylim(low, high)
        figure.get_layout_engine().set(w_pad=0.12)
        axes.set_ylabel(f"{shown.metric}, challenger − champion")
        _dates(axes)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=4, fontsize=8.5)
    return figure


def _band(axes: Axes, shown: Sequenced) -> None:
    lows, highs, estimates = (_array(part) for part in (shown.lows, shown.highs, shown.estimates))
    label = f"{100 * shown.confidence:g} % confidence sequence"
    known = np.isfinite(lows) & np.isfinite(highs)
    axes.fill_between(
        shown.moments, lows, highs, where=known, color=BAND, linewidth=0, label=label, zorder=2
    )
    if known.sum() == 1:  # an area needs two looks
        at = int(np.flatnonzero(known)[0])
        axes.vlines([shown.moments[at]], lows[at], highs[at], color=BAND, linewidth=5, zorder=2)
    axes.plot(
        shown.moments, estimates, color=COLOURS["challenger"], linewidth=1.6,
        marker="o", markersize=2.5, label="difference", zorder=4,
    )  # fmt: skip
    for edge in (lows, highs):
        axes.plot(shown.moments, edge, color=COLOURS["challenger"], linewidth=0.7, zorder=3)
    decided = np.flatnonzero(known & ((lows > 0) | (highs < 0)))
    if len(decided):
        first = int(decided[0])
        axes.plot(
            [shown.moments[first]], [estimates[first]], marker="D", linestyle="none",
            color=COLOURS["pass"], markersize=7, markeredgecolor=COLOURS["ground"],
            label="first look without 0", zorder=5,
        )  # fmt: skip


def _sides(axes: Axes, shown: Sequenced, low: float, high: float) -> None:
    """The line of no difference, and which side of it is whose."""
    axes.axhline(0, color=COLOURS["text"], linewidth=1, zorder=3)
    if shown.margin is not None:
        axes.axhspan(
            -shown.margin, shown.margin, color=COLOURS["grid"], linewidth=0, zorder=0,
            label="as good as none",
        )  # fmt: skip
    sides = ("challenger better", "champion better")[:: shown.sign]
    for text, (y, align) in zip(sides, ((0.98, "top"), (0.02, "bottom")), strict=True):
        axes.text(
            0.995, y, text, transform=axes.transAxes, ha="right", va=align,
            fontsize=8.5, color=COLOURS["muted"], zorder=6,
        )  # fmt: skip


def _changes(axes: Axes, shown: Sequenced) -> None:
    for at, percent in shown.changes:
        axes.axvline(at, color=COLOURS["muted"], linewidth=1, linestyle=(0, (2, 2)), zorder=3.5)
        axes.annotate(
            f"challenger {percent:g} %",
            (mdates.date2num(at), 1),
            xycoords=("data", "axes fraction"),
            xytext=(3, -3),
            textcoords="offset points",
            va="top",
            fontsize=8.5,
            color=COLOURS["muted"],
            zorder=6,
        )


def _limits(shown: Sequenced) -> tuple[float, float]:
    """0 and the later intervals in full; an early interval may run out of the picture."""
    lows, highs, estimates = (_array(part) for part in (shown.lows, shown.highs, shown.estimates))
    known = np.flatnonzero(np.isfinite(lows) & np.isfinite(highs))
    if not len(known):
        seen = estimates[np.isfinite(estimates)]
        reach = float(np.abs(seen).max()) if len(seen) and np.abs(seen).max() else 1.0
        return -1.5 * reach, 1.5 * reach
    late = known[len(known) // 2 :]
    low, high = min(float(lows[late].min()), 0.0), max(float(highs[late].max()), 0.0)
    room = (high - low) * (_ROOM - 1) / 2
    return low - room, high + room


def _dates(axes: Axes) -> None:
    locator = mdates.AutoDateLocator(minticks=3, maxticks=8, tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator, tz=UTC))
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0, labelsize=8.5)


def _array(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
