"""How every plot looks, and how it becomes a file: equal figures give equal bytes.

A PNG for Markdown has a white ground. An SVG has none, and its colours are stand-ins that the page
replaces by its own, light or dark.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC

import matplotlib as mpl
from matplotlib import dates as mdates
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = {
    "champion": "#5f6b7a",
    "challenger": "#1d5fd1",
    "text": "#1c2430",
    "muted": "#566070",
    "grid": "#e3e7ec",
    "baseline": "#b9c2cd",
    "pass": "#197a3e",
    "inconclusive": "#9a5b00",
    "fail": "#b3261e",
    "error": "#7b2d9b",
    "ground": "#ffffff",
}
# Where the page's own colours stand in for these (see pipeline/templates/report.html.j2).
CSS_VARIABLES = {
    colour: f"--{'card' if name == 'ground' else name}" for name, colour in COLOURS.items()
}
SIZE = (4.8, 3.5)  # inches: small enough that text stays readable on a phone
PNG_DPI = 160
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "perennial",
    "path.simplify": True,
    "text.color": COLOURS["text"],
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
}


def as_png(figure: Figure) -> bytes:
    """The figure as a PNG file; equal figures give equal bytes."""
    with mpl.rc_context(STYLE):
        buffer = io.BytesIO()
        figure.savefig(
            buffer,
            format="png",
            dpi=PNG_DPI,
            facecolor=COLOURS["ground"],
            metadata={"Software": None},
        )
    return buffer.getvalue()


def as_svg(figure: Figure) -> str:
    """The figure as an SVG document with a clear ground; equal figures give equal text."""
    with mpl.rc_context(STYLE):
        buffer = io.StringIO()
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return buffer.getvalue()


def label_times(panels: Sequence[Axes]) -> None:
    """The same times, in UTC, in panels above one another; written below the last alone."""
    for axes in panels:
        locator = mdates.AutoDateLocator(minticks=4, maxticks=10, tz=UTC)
        formatter = mdates.ConciseDateFormatter(locator, tz=UTC)
        # A bare "05" between "04:55" and "10" could be a minute, an hour or a day.
        formatter.formats[5] = formatter.zero_formats[5] = "%H:%M:%S"
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(formatter)
        axes.tick_params(axis="x", labelsize=8.5, labelbottom=axes is panels[-1])
        axes.xaxis.get_offset_text().set_visible(axes is panels[-1])


@contextmanager
def new_figure(rows: int = 1, height: float = SIZE[1]) -> Iterator[tuple[Figure, Axes]]:
    """A figure of our style; with several `rows` an array of axes above one another."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(SIZE[0], height), layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, sharex=True)
