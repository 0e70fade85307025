"""The timeline of a replay: a lane for each trigger, the retrains below, one axis of time.

What a trigger answered is told by colour and by height: nothing, a dotted line, a low block or a
high one. Equal timelines give equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import matplotlib as mpl
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import blended_transform_factory

from pipeline.ml.plots.style import COLOURS, STYLE, label_times
from pipeline.timeline import Lane, Span, Timeline

WIDTH = 7.5  # inches: 1,200 pixels at the dpi of plot_style.as_png
LANE, THIN, RETRAINS = 1.05, 0.3, 0.46  # inches of a lane with a figure, without one, of retrains
TITLE, ABOVE, BELOW, LEFT, RIGHT = 0.36, 0.44, 0.34, 0.52, 0.2  # inches around the lanes
STRIP = 0.2  # the part of a lane that shows the answers
HEIGHTS = {"QUIET": 0.12, "UNKNOWN": 0.3, "WARN": 0.55, "FIRED": 1.0}
ANSWERS = {
    "QUIET": COLOURS["baseline"],
    "UNKNOWN": COLOURS["grid"],
    "WARN": "#d98a1f",
    "FIRED": COLOURS["fail"],
}
OUTCOMES = {"WON": COLOURS["pass"], "LOST": COLOURS["champion"], "open": COLOURS["challenger"]}
ONSET, INCIDENT, HELD = COLOURS["error"], "#fae8e6", "#dfe4ea"


def draw_timeline(timeline: Timeline) -> Figure:
    """The picture of a replay, 1,200 pixels wide as a PNG of ours."""
    heights = [LANE if _has_figure(lane) else THIN for lane in timeline.lanes] + [RETRAINS]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, sum(heights) + TITLE * len(heights) + ABOVE + BELOW))
        FigureCanvasAgg(figure)
        panels = _panels(figure, heights)
        for axes, lane in zip(panels, timeline.lanes, strict=False):
            _lane(axes, lane, timeline)
        _retrains(panels[-1], timeline)
        for axes in panels:
            _frame(axes, timeline)
        _name_onsets(panels[0], timeline)
        label_times(panels)
        figure.legend(
            handles=_legend(timeline),
            loc="upper center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=6,
            fontsize=8.5,
            columnspacing=1.2,
            handlelength=1.8,
        )
    return figure


def _panels(figure: Figure, heights: Sequence[float]) -> list[Axes]:
    """Axes of `heights` inches below one another, each with a line for its title above it."""
    total = figure.get_figheight()
    width = (WIDTH - LEFT - RIGHT) / WIDTH
    panels, top = [], total - ABOVE
    for height in heights:
        top -= TITLE + height
        panels.append(figure.add_axes((LEFT / WIDTH, top / total, width, height / total)))
    return panels


def _lane(axes: Axes, lane: Lane, timeline: Timeline) -> None:
    has_figure = _has_figure(lane)
    strip = STRIP if has_figure else 0.6
    across = blended_transform_factory(axes.transData, axes.transAxes)
    for status, spans in _spans(lane, timeline.every).items():
        axes.broken_barh(
            [(mdates.date2num(a), (b - a) / timedelta(days=1)) for a, b in spans],
            (0, HEIGHTS[status] * strip),
            transform=across,
            facecolor=ANSWERS[status],
            linewidth=0,
            zorder=2,
        )
    new = [at for at, is_new in zip(lane.moments, lane.is_new, strict=True) if is_new]
    axes.plot(
        new, [strip] * len(new), "v", transform=across, color=COLOURS["fail"], markersize=6,
        markeredgecolor=COLOURS["ground"], markeredgewidth=0.7, zorder=6, clip_on=False,
    )  # fmt: skip
    axes.set_title(lane.name.replace("_", " "), loc="left", fontsize=9.5, fontweight="bold", pad=3)
    if has_figure:
        axes.set_title(lane.unit, loc="right", fontsize=8.5, color=COLOURS["muted"], pad=3)
        _figure(axes, lane)
    else:
        axes.set_yticks([])


def _figure(axes: Axes, lane: Lane) -> None:
    """The judged figure as steps, in the part of the lane above the strip of answers."""
    values = [float("nan") if value is None else value for value in lane.values]
    axes.step(lane.moments, values, where="post", color=COLOURS["challenger"], linewidth=1.5)
    known = [value for value in lane.values if value is not None]
    if lane.limit is not None:
        axes.axhline(lane.limit, color=COLOURS["fail"], linewidth=1, linestyle=(0, (4, 2)))
        known.append(lane.limit)
    low, high = min(known), max(known)
    room = (high - low) or abs(high) or 1.0
    axes.set_ylim(low - room * (0.1 + STRIP * 1.4), high + room * 0.14)
    axes.yaxis.set_major_locator(
        mpl.ticker.MaxNLocator(3, min_n_ticks=2, integer=all(x == int(x) for x in known))
    )
    ticks = [t for t in axes.get_yticks() if low - room * 0.05 <= t <= high + room * 0.14]
    axes.set_yticks(ticks)
    axes.tick_params(axis="y", labelsize=8.5)


def _retrains(axes: Axes, timeline: Timeline) -> None:
    """Each retrain as a bar that can be seen however short it was, with its number above."""
    least = (timeline.end - timeline.start) / 200
    for start, end in timeline.held:
        axes.axvspan(start, end, ymax=0.5, color=HELD, linewidth=0, zorder=1)
    for bar in timeline.bars:
        axes.broken_barh(
            [(mdates.date2num(bar.start), max(bar.end - bar.start, least) / timedelta(days=1))],
            (0, 0.5),
            facecolor=OUTCOMES[bar.outcome],
            hatch=None if bar.outcome == "WON" else "////",
            edgecolor=COLOURS["ground"],
            linewidth=0.5,
            zorder=4,
        )
        middle = bar.start + max(bar.end - bar.start, least) / 2
        axes.text(middle, 0.56, bar.label, ha="center", va="bottom", fontsize=8.5)
    axes.set_title("retrains", loc="left", fontsize=9.5, fontweight="bold", pad=3)
    axes.set_ylim(0, 1)
    axes.set_yticks([])


def _frame(axes: Axes, timeline: Timeline) -> None:
    for start, end in timeline.incidents:
        axes.axvspan(start, end + timeline.every, color=INCIDENT, linewidth=0, zorder=0)
    for at, _ in timeline.onsets:
        axes.axvline(at, color=ONSET, linewidth=1.2, linestyle=(0, (1, 1.2)), zorder=5)
    axes.set_xlim(timeline.start, timeline.end)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="both", length=0)


def _name_onsets(axes: Axes, timeline: Timeline) -> None:
    """Names above the picture; one in the right half is written to the left of its line."""
    middle = timeline.start + (timeline.end - timeline.start) / 2
    for at, name in timeline.onsets:
        axes.annotate(
            name,
            (mdates.date2num(at), 1),
            xycoords=("data", "axes fraction"),
            xytext=(3 if at < middle else -3, -3),
            textcoords="offset points",
            ha="left" if at < middle else "right",
            va="top",
            fontsize=8.5,
            color=ONSET,
            zorder=7,
        )


def _legend(timeline: Timeline) -> Sequence[Patch | Line2D]:
    """Only what is in the picture."""
    answers = {status for lane in timeline.lanes for status in lane.statuses}
    handles: list[Patch | Line2D] = [
        Patch(color=colour, label=name.lower())
        for name, colour in ANSWERS.items()
        if name in answers
    ]
    if any(any(lane.is_new) for lane in timeline.lanes):
        handles.append(_line("a new firing", COLOURS["fail"], marker="v", linestyle="none"))
    handles.append(_line("judged figure", COLOURS["challenger"]))
    handles.append(_line("its limit", COLOURS["fail"], linestyle=(0, (4, 2))))
    outcomes = {bar.outcome for bar in timeline.bars}
    handles += [_outcome(name) for name in OUTCOMES if name in outcomes]
    if timeline.held:
        handles.append(Patch(color=HELD, label="due, held back"))
    if timeline.onsets:
        handles.append(_line("onset", ONSET, linestyle=(0, (1, 1.2))))
    if timeline.incidents:
        handles.append(Patch(color=INCIDENT, label="data incident"))
    return handles


def _outcome(name: str) -> Patch:
    hatch = None if name == "WON" else "////"
    edge, label = COLOURS["ground"], f"retrain {name.lower()}"
    return Patch(facecolor=OUTCOMES[name], hatch=hatch, edgecolor=edge, linewidth=0.5, label=label)


def _line(label: str, colour: str, **style: object) -> Line2D:
    return Line2D([], [], color=colour, label=label, **style)


def _has_figure(lane: Lane) -> bool:
    return any(value is not None for value in lane.values)


def _spans(lane: Lane, every: timedelta) -> dict[str, list[Span]]:
    """For each answer the stretches of time that it held; a check stands until the next one."""
    spans: dict[str, list[Span]] = {}
    for at, status in zip(lane.moments, lane.statuses, strict=True):
        found = spans.setdefault(status, [])
        start = found.pop()[0] if found and found[-1][1] == at else at
        found.append((start, at + every))
    return spans
