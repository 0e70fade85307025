"""The two plots of the pull request and the links to what was committed with it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.pull.facts import Places
from pipeline.core.report.plots import Plot

SHOWN_PLOTS = 2
WANTED = (
    "differences",
    "calibration",
)  # is it better, and can scores be believed


@dataclass(frozen=True)
class Picture:
    """A committed plot: `source` shows the picture itself, `page` the file on the forge.

    Both are "" where files cannot be linked to; `path` is in the repository.
    """

    title: str
    alt: str
    path: str
    source: str
    page: str


@dataclass(frozen=True)
class Link:
    """A committed file or folder; `url` is "" where it cannot be linked to."""

    title: str
    path: str
    url: str


def pictures(plots: tuple[Plot, ...], places: Places) -> tuple[Picture, ...]:
    """The plots of WANTED and, where one is missing, the next ones of the report."""
    ranked = sorted(plots, key=lambda plot: _rank(plot.name))
    return tuple(_picture(plot, places) for plot in ranked[:SHOWN_PLOTS])


def links(places: Places) -> tuple[Link, ...]:
    """The report and, where there is one, the evidence package."""
    found = [Link("Full report", places.report, _url(places, places.report))]
    if places.evidence:
        url = _url(places, places.evidence)
        is_folder = "." not in places.evidence.rpartition("/")[2]
        page = url.replace("/blob/", "/tree/", 1) if is_folder else url
        found.append(Link("Evidence package", places.evidence, page))
    return tuple(found)


def _picture(plot: Plot, places: Places) -> Picture:
    path = f"{places.plots}/{plot.name}.png"
    page = _url(places, path)
    return Picture(plot.title, plot.alt, path, f"{page}?raw=true" if page else "", page)


def _url(places: Places, path: str) -> str:
    return f"{places.base.rstrip('/')}/{path}" if places.base else ""


def _rank(name: str) -> int:
    return WANTED.index(name) if name in WANTED else len(WANTED)
