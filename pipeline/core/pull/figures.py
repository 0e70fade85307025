"""The figures of a pull request's first lines: the primary metric, and the weakest slices."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.pull.facts import PullFacts
from pipeline.core.report.figures import confidence, count, figure, interval, signed
from pipeline.core.report.gates import ends
from pipeline.core.report.inputs import Json, label_of
from pipeline.domain import Verdict

SHOWN_SLICES = 3


@dataclass(frozen=True)
class SliceNote:
    """A slice in a few words; `verdict` is None where it has too few rows to be judged."""

    verdict: Verdict | None
    name: str
    change: str


def change_of(facts: PullFacts, *, is_first_word: bool = False) -> str:
    """For example: weighted F1 0.592 → 0.702; "" where the metric was not computed."""
    row = primary_of(facts)
    text = _change(row) if row else ""
    return text[:1].upper() + text[1:] if is_first_word else text


def spread_of(facts: PullFacts) -> str:
    """How sure the primary metric's figures are, and what they were measured on."""
    row = primary_of(facts)
    if row is None:
        return ""
    first = row["difference"] is None
    ends_of = ends(row["challenger_interval"] if first else row["interval"])
    level = confidence(facts.inputs.policy.confidence)
    found = f"{level} interval {interval(*ends_of, with_sign=not first) or 'unknown'}"
    rows = count(facts.inputs.split["holdout"]["rows"])
    change = "" if first else f"{signed(row['difference'])}, "
    return f"({change}{found}) on {rows} rows that no model here has trained on."


def slice_notes(facts: PullFacts) -> tuple[SliceNote, ...]:
    """The weakest slices, as in the report's table; none for a first model."""
    if facts.report.is_first:
        return ()
    notes = []
    for line in facts.report.slices.part(0, SHOWN_SLICES).lines:
        cells = {column.heading: cell for column, cell in line}
        spread = next(cell.text for column, cell in line if column.kind == "interval")
        change = f"{cells['Champion'].text} → {cells['Challenger'].text} {spread}"
        text = f"{change} on {cells['Rows'].text} rows"
        notes.append(SliceNote(cells["Verdict"].verdict, cells["Slice"].text, text))
    return tuple(notes)


def primary_of(facts: PullFacts) -> Json | None:
    """The primary metric's row of the comparison, if it was computed."""
    metric = facts.inputs.policy.primary_metric
    rows = facts.inputs.comparison["metrics"]
    return next((row for row in rows if row["metric"] == metric), None)


def name_of(metric: str) -> str:
    """A metric within a sentence: weighted F1."""
    first, *rest = label_of(metric).split(",\N{NO-BREAK SPACE}")
    return " ".join([*rest, first])


def _change(row: Json) -> str:
    """Weighted F1 0.592 → 0.702; a first model has one figure."""
    name = name_of(row["metric"])
    if row["champion"] is None:
        return f"{name} {figure(row['challenger'])}"
    return f"{name} {figure(row['champion'])} → {figure(row['challenger'])}"
