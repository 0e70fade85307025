"""The share of time in which a champion was there to serve, as far as git can tell.

Git sees no request. It does see when main named no champion, and when a record says that the
champion's server did not answer; those times are taken off. So 100 % says that nothing known to
git interrupted serving, and not that every request was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from pipeline.core.site.facts import ModelHistory, Reign, Written
from pipeline.core.site.success_figures import Figure, Standing, share_text
from pipeline.core.site.success_pictures import draw_gaps
from pipeline.domain import Verdict
from pipeline.rollout_status import Record

Span = tuple[datetime, datetime]


def availability(history: ModelHistory, at: datetime) -> Figure:
    """The share of [first champion, `at`) outside of `spans_without`."""
    began = history.began
    counts = (
        "The time since the first champion, less the time in which main named no valid champion, "
        "and less the time from a record that found the champion's server down to the next record."
    )
    name, goal = "Availability", "100 %"
    gap = "What users saw is not in git: it holds no request and no outage between records."
    if began is None or at <= began:
        n = "no champion yet" if began is None else "no time has passed"
        return Figure(name, "not known", Standing.UNKNOWN, goal, n, counts, gap)
    found = spans_without(history, at)
    whole, lost = at - began, sum((end - start for start, end in found), timedelta(0))
    return Figure(
        name=name,
        value=share_text((whole - lost).total_seconds(), whole.total_seconds()),
        standing=Standing.MISSED if lost else Standing.MET,
        goal=goal,
        n=f"{lost / timedelta(minutes=1):,.0f} of {whole / timedelta(minutes=1):,.0f} min lost",
        counts=counts,
        gap=gap,
        drawing=draw_gaps(history.model, found, began, at),
    )


def spans_without(history: ModelHistory, at: datetime) -> tuple[Span, ...]:
    """When there was no champion, or one that was seen down; in order, none within another."""
    began = history.began
    if began is None:
        return ()
    spans = [*_undefined(history.reigns, at), *_down(history.written, at)]
    cut = sorted((max(start, began), min(end, at)) for start, end in spans)
    merged: list[Span] = []
    for start, end in cut:
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)


def _undefined(reigns: Sequence[Reign], at: datetime) -> list[Span]:
    ends = [*(reign.since for reign in reigns[1:]), at]
    found = zip(reigns, ends, strict=False)
    return [(reign.since, end) for reign, end in found if reign.champion is None]


def _down(written: Sequence[Written], at: datetime) -> list[Span]:
    records = [found.record for found in written]
    ends = [*(after.at for _, after in pairwise(records)), at]
    return [
        (record.at, end)
        for record, end in zip(records, ends, strict=False)
        if any(g.name == _serving(record) and g.verdict is Verdict.FAIL for g in record.gates)
    ]


def _serving(record: Record) -> str:
    """The gate of the server that has the traffic, under the names that the rollout began with.

    A promoted challenger is the champion, and gate `champion` is then of the idle standby.
    """
    return "challenger" if record.phase.is_promoted else "champion"
