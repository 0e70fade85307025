"""Gaps between groups: what a retrain must not widen."""

from __future__ import annotations

from pipeline.core.report.figures import confidence, count, figure
from pipeline.core.report.gates import LOWER, ends
from pipeline.core.report.inputs import Json, ReportInputs, label_of, name_of
from pipeline.core.report.table import (
    Cell,
    Kind,
    Table,
    difference_cells,
    interval_bars,
    table,
    verdict_cell,
)

RATES = ("selection_rate", "tpr", "fpr")


def fairness_table(inputs: ReportInputs) -> Table:
    """One row for each gap between groups that the policy limits."""
    level = confidence(inputs.policy.confidence)
    found = inputs.comparison["fairness"]
    bars = interval_bars(
        [(gap["worsening"], *ends(gap["interval"])) for gap in found],
        [gap["max_worsening"] for gap in found],
    )
    return table(
        "Gaps between groups",
        [
            ("Gap", "text"),
            ("Champion", "number"),
            ("Challenger", "number"),
            ("Δ", "number"),
            (f"{level} interval", "interval"),
            ("narrower · wider", "bar"),
            ("May widen by", "number"),
            ("Verdict", "verdict"),
        ],
        [_gap_row(gap, bar, inputs) for gap, bar in zip(found, bars, strict=True)],
    )


def group_table(inputs: ReportInputs) -> Table:
    """Each group's rates, champion to challenger."""
    groups: dict[tuple[str, str], dict[str, Json]] = {}
    for gap in inputs.comparison["fairness"]:
        for group in gap["groups"]:
            groups.setdefault((gap["column"], group["group"]), {})[gap["rate"]] = group
    rates = [rate for rate in RATES if any(rate in found for found in groups.values())]
    heads: list[tuple[str, Kind]] = [(label_of(rate), "number") for rate in rates]
    return table(
        "Rates of each group, champion → challenger",
        [("Group", "code"), ("Rows", "number"), *heads],
        [_group_row(key, found, rates) for key, found in groups.items()],
    )


def fairness_line(inputs: ReportInputs) -> str:
    """The gap that is closest to its limit, or furthest beyond it, in one sentence."""
    found = [gap for gap in inputs.comparison["fairness"] if gap["worsening"] is not None]
    if not found:
        return "" if inputs.is_first else "No gap between groups was measured."
    gap = max(found, key=lambda one: one["worsening"] - one["max_worsening"])
    change = gap["worsening"]
    moves = "does not change" if change == 0 else f"{'widens' if change > 0 else 'narrows'} by"
    by = "" if change == 0 else f" {figure(abs(change))}"
    name = f"{label_of(gap['rate']).lower()} between groups of {gap['column']}"
    return (
        f"Closest to its limit is the gap of {name}: it {moves}{by} "
        f"and may widen by {gap['max_worsening']:g}."
    )


def _gap_row(gap: Json, bar: Cell, inputs: ReportInputs) -> list[Cell]:
    name = f"fairness: {gap['column']}, {gap['rate']}"
    verdict = next((g["verdict"] for g in inputs.comparison["gates"] if g["name"] == name), None)
    return [
        Cell(f"{label_of(gap['rate'])} by {gap['column']}", LOWER),
        Cell(figure(gap["champion_gap"])),
        Cell(figure(gap["challenger_gap"])),
        *difference_cells(gap["worsening"], *ends(gap["interval"]), -1),
        bar,
        Cell(f"{gap['max_worsening']:g}"),
        verdict_cell(verdict),
    ]


def _group_row(key: tuple[str, str], found: dict[str, Json], rates: list[str]) -> list[Cell]:
    n = next(iter(found.values()))["n"]
    return [
        Cell(name_of(*key)),
        Cell(count(n)),
        *(_rate_cell(found.get(r)) for r in rates),
    ]


def _rate_cell(group: Json | None) -> Cell:
    if group is None:
        return Cell("")
    note = "" if group["is_judged"] else "too few rows to judge"
    return Cell(f"{figure(group['champion'])} → {figure(group['challenger'])}", note)
