"""The timeline of a rollout: who had how much traffic, each figure against its limits, and why.

Equal timelines give equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pipeline.ml.plots.style import COLOURS, STYLE, label_times
from pipeline.rollout_timeline import FigureLane, RolloutTimeline

WIDTH, TRAFFIC, LANE = 7.5, 1.7, 1.05  # inches; 1,200 pixels wide at the dpi of as_png
TITLE, ABOVE, BELOW, LEFT, RIGHT = 0.36, 0.56, 0.44, 0.56, 0.34
PHASES = {
    "Paused": "#dfe4ea",
    "Baking": "#e4efe7",
    "RolledBack": "#fae8e6",
    "Aborted": "#fae8e6",
    "Superseded": "#fae8e6",
}

WORDS = {"RolledBack": "rolled back"}


def draw_rollout(timeline: RolloutTimeline) -> Figure:
    """The picture of a rollout."""
    heights = [TRAFFIC, *(LANE for _ in timeline.lanes)]
    total = sum(heights) + TITLE * len(heights) + ABOVE + BELOW
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, total))
        FigureCanvasAgg(figure)
        panels = _panels(figure, heights)
        _traffic(panels[0], timeline)
        for axes, lane in zip(panels[1:], timeline.lanes, strict=True):
            _lane(axes, lane, timeline)
        for axes in panels:
            _frame(axes, timeline)
        _marks(panels[0], timeline)
        label_times(panels)
        figure.suptitle(
            timeline.title, x=LEFT / WIDTH, y=1 - 0.08 / total, ha="left", va="top", fontsize=10.5
        )
        figure.legend(
            handles=_legend(timeline), loc="upper left", ncols=7, fontsize=8.5,
            bbox_to_anchor=(LEFT / WIDTH - 0.01, 1 - 0.27 / total), columnspacing=0.9,
            handlelength=1.2,
        )  # fmt: skip
    return figure


def _panels(figure: Figure, heights: Sequence[float]) -> list[Axes]:
    total, width = figure.get_figheight(), (WIDTH - LEFT - RIGHT) / WIDTH
    panels, top = [], total - ABOVE
    for height in heights:
        top -= TITLE + height
        panels.append(figure.add_axes((LEFT / WIDTH, top / total, width, height / total)))
    return panels


def _traffic(axes: Axes, timeline: RolloutTimeline) -> None:
    """The challenger's share as an area, and below it what each look said."""
    axes.fill_between(
        timeline.moments, timeline.percents, step="post", color=COLOURS["challenger"],
        alpha=0.85, linewidth=0, zorder=3,
    )  # fmt: skip
    axes.set_ylim(-9, 104)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.tick_params(axis="y", labelsize=8.5)
    axes.set_title("challenger's share of the traffic, %", loc="left", fontsize=9.5, pad=3)
    for verdict in ("PASS", "INCONCLUSIVE", "FAIL", "ERROR"):
        at = [m for m, v in zip(timeline.moments, timeline.verdicts, strict=True) if v == verdict]
        axes.plot(at, [-5] * len(at), "|", color=COLOURS[verdict.lower()], markersize=6, zorder=4)


def _lane(axes: Axes, lane: FigureLane, timeline: RolloutTimeline) -> None:
    nan = float("nan")
    values = [nan if value is None else value for value in lane.values]
    limits = [nan if limit is None else limit for limit in lane.limits]
    axes.plot(timeline.moments, values, color=COLOURS["challenger"], linewidth=1.2)
    axes.step(
        timeline.moments, limits, where="post", color=COLOURS["fail"], linewidth=1,
        linestyle=(0, (4, 2)),
    )  # fmt: skip
    axes.set_title(lane.name, loc="left", fontsize=9.5, pad=3)
    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(3, min_n_ticks=2))
    axes.tick_params(axis="y", labelsize=8.5)
    axes.margins(y=0.15)


def _frame(axes: Axes, timeline: RolloutTimeline) -> None:
    start = 0
    last = len(timeline.moments) - 1
    for index in range(1, last + 2):
        if index <= last and timeline.phases[index] == timeline.phases[start]:
            continue
        colour = PHASES.get(timeline.phases[start])
        if colour is not None:
            end = timeline.moments[min(index, last)]
            axes.axvspan(timeline.moments[start], end, color=colour, linewidth=0, zorder=0)
        start = index
    for at, _ in timeline.marks:
        axes.axvline(at, color=COLOURS["error"], linewidth=1, linestyle=(0, (1, 1.2)), zorder=5)
    axes.set_xlim(timeline.moments[0], timeline.moments[-1])
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", length=0)


def _marks(axes: Axes, timeline: RolloutTimeline) -> None:
    """Words beside their line, in two rows by turns; in the right half to the left of it."""
    middle = timeline.moments[0] + (timeline.moments[-1] - timeline.moments[0]) / 2
    for number, (at, words) in enumerate(timeline.marks):
        is_left = at < middle
        axes.annotate(
            words, (mdates.date2num(at), 100), xytext=(3 if is_left else -3, -11 * (number % 3)),
            textcoords="offset points", ha="left" if is_left else "right", va="top", fontsize=8.5,
            color=COLOURS["error"], zorder=7,
            bbox={"facecolor": COLOURS["ground"], "edgecolor": "none", "pad": 0.6, "alpha": 0.8},
        )  # fmt: skip


def _legend(timeline: RolloutTimeline) -> list[Line2D | Patch]:
    """Only what is in the picture."""
    seen = {verdict for verdict in timeline.verdicts if verdict}
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=COLOURS[name.lower()], marker="|", linestyle="none", label=name)
        for name in ("PASS", "INCONCLUSIVE", "FAIL", "ERROR")
        if name in seen
    ]
    shown = dict.fromkeys(phase for phase in timeline.phases if phase in PHASES)
    handles += [
        Patch(color=PHASES[phase], label=WORDS.get(phase, phase.lower())) for phase in shown
    ]
    if timeline.lanes:
        style = (0, (4, 2))
        handles.append(
            Line2D([], [], color=COLOURS["fail"], linestyle=style, label="limit of the stage")
        )
    return handles
