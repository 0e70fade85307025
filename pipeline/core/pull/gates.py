"""The three quality gates and the comparison's own gates, as a reviewer meets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.core.pull.causes import shortened
from pipeline.core.pull.facts import PullFacts, is_waiting, own_verdict, required_items
from pipeline.core.report import gates as report_gates
from pipeline.core.report.inputs import Json
from pipeline.core.report.table import Cell, Table, table, verdict_cell
from pipeline.domain import Verdict

SHOWN_OPEN = 6
MAX_REASON = 160
# Its items repeat what the comparison's own gates say with more figures.
_REPEATS = "model_quality"


@dataclass(frozen=True)
class GateCount:
    """One gate in a few words: its verdict, and how many of its required items pass.

    `is_waiting`: nothing in it says no, and people or a later step have the word.
    """

    verdict: Verdict
    title: str
    passed: int
    items: int
    is_waiting: bool = False


@dataclass(frozen=True)
class OpenItem:
    """What does not pass, and why; `is_waiting` is not the challenger's fault."""

    verdict: Verdict
    title: str
    reason: str
    is_waiting: bool = False


def gate_counts(facts: PullFacts) -> tuple[GateCount, ...]:
    """Each quality gate, in the order in which they were assessed."""
    return tuple(map(_count, facts.quality_gates))


def comparison_count(facts: PullFacts) -> GateCount:
    """The gates of the comparison, its broken self-tests among them."""
    gates = report_gates.all_gates(facts.inputs.comparison)
    passed = len(gates) - len(report_gates.open_gates(facts.inputs.comparison))
    return GateCount(facts.report.verdict, "Comparison", passed, len(gates))


def open_items(facts: PullFacts) -> tuple[OpenItem, ...]:
    """What does not pass, failures first; within a verdict the comparison's gates.

    Nobody is asked to review what did not pass, so then nothing waits for people either.
    """
    judged = report_gates.open_gates(facts.inputs.comparison)
    is_passed = facts.verdict is Verdict.PASS
    items = [
        item
        for gate in facts.quality_gates
        if not (judged and gate["name"] == _REPEATS)
        for item in required_items(gate)
        if item["verdict"] != Verdict.PASS and (is_passed or not is_waiting(item))
    ]
    found = [_item(gate, gate["name"]) for gate in judged]
    found += [_item(item, item["title"]) for item in items]
    return tuple(sorted(found, key=lambda item: (-item.verdict.severity, item.is_waiting)))


def decisive(facts: PullFacts) -> OpenItem | None:
    """The first thing that makes the whole what it is; None where the comparison alone does."""
    return next((item for item in open_items(facts) if item.verdict is facts.verdict), None)


def item_table(gate: Json) -> Table:
    """Every item of a quality gate, failures first, with where its evidence lies."""
    items: Sequence[Json] = sorted(gate["items"], key=lambda i: -Verdict(i["verdict"]).severity)
    return table(
        gate["title"],
        [
            ("Verdict", "verdict"),
            (gate["title"], "text"),
            ("Rule", "text"),
            ("Finding", "text"),
            ("Evidence", "code"),
        ],
        [
            [
                verdict_cell(item["verdict"]),
                Cell(item["title"], "" if item.get("is_required", True) else "not required"),
                Cell(item["rule"]),
                Cell(item["reason"]),
                Cell(", ".join(item.get("evidence", ()))),
            ]
            for item in items
        ],
    )


def _count(gate: Json) -> GateCount:
    items = required_items(gate)
    passed = sum(item["verdict"] == Verdict.PASS for item in items)
    own = own_verdict(gate)
    waits = own is Verdict.PASS and passed < len(items)
    return GateCount(own, gate["title"], passed, len(items), waits)


def _item(found: Json, title: str) -> OpenItem:
    reason = shortened(found["reason"], MAX_REASON)
    return OpenItem(Verdict(found["verdict"]), title, reason, is_waiting(found))
