"""What a pull request's template shows: every sentence and table, decided but not escaped."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.pull.causes import Cause, cause_table, shortened, shown_causes, words
from pipeline.core.pull.facts import PullFacts
from pipeline.core.pull.figures import (
    SliceNote,
    change_of,
    name_of,
    primary_of,
    slice_notes,
    spread_of,
)
from pipeline.core.pull.gates import (
    SHOWN_OPEN,
    GateCount,
    OpenItem,
    comparison_count,
    decisive,
    gate_counts,
    item_table,
    open_items,
)
from pipeline.core.pull.pictures import Link, Picture, links, pictures
from pipeline.core.pull.rollout import Diff, diff_of, stages_line
from pipeline.core.report.build import Report
from pipeline.core.report.escape import inert_title
from pipeline.core.report.table import Table
from pipeline.domain import Verdict

MAX_TITLE = 120
SHOWN_METRICS = 3
MAX_SENTENCE = 240  # characters of one sentence before the folds
FOLDED_ROWS = 60  # of one table; the committed report has them all
_OUTCOMES = {
    Verdict.FAIL: ", the champion stays",
    Verdict.INCONCLUSIVE: ", too little evidence",
    Verdict.ERROR: ", a check broke",
}


@dataclass(frozen=True)
class PullView:
    """What the template shows, beside the report's own tables and lines.

    `change` has the primary metric's figures and `spread` how sure they are; where there are none,
    both are "" and `reason` says why.
    """

    facts: PullFacts
    report: Report
    verdict: Verdict
    title: str
    change: str
    spread: str
    reason: str
    advice: str
    asked: str
    first_weight: str
    causes: tuple[Cause, ...]
    cause_table: Table
    counts: tuple[GateCount, ...]
    comparison: GateCount
    open: tuple[OpenItem, ...]
    more_open: int
    metrics: Table
    slices: tuple[SliceNote, ...]
    slices_by: str
    fairness_line: str
    pictures: tuple[Picture, ...]
    links: tuple[Link, ...]
    diff: Diff | None
    stages: str
    item_tables: tuple[Table, ...]
    folded_rows: int = FOLDED_ROWS

    @property
    def is_proposed(self) -> bool:
        """Whether a merge would start a rollout."""
        return self.verdict is Verdict.PASS and bool(self.stages)


def view_of(facts: PullFacts) -> PullView:
    """Everything that the template shows."""
    report, rollout, found = facts.report, facts.rollout, open_items(facts)
    return PullView(
        facts=facts,
        report=report,
        verdict=facts.verdict,
        title=_headline(facts),
        change=change_of(facts, is_first_word=True),
        spread=spread_of(facts),
        reason="" if primary_of(facts) else shortened(report.reason, MAX_SENTENCE),
        advice=_advice(facts),
        asked=" and ".join(f"{role} ({_named(logins)})" for role, logins in facts.asked.items()),
        first_weight=f"{rollout.stages[0][0]:g} %" if rollout and rollout.stages else "",
        causes=shown_causes(facts.causes),
        cause_table=cause_table(facts.causes),
        counts=gate_counts(facts),
        comparison=comparison_count(facts),
        open=found[:SHOWN_OPEN],
        more_open=max(0, len(found) - SHOWN_OPEN),
        metrics=_without(report.metrics.part(0, SHOWN_METRICS), "Rule"),
        slices=slice_notes(facts),
        slices_by=name_of(facts.inputs.policy.primary_metric),
        fairness_line=shortened(report.fairness_line, MAX_SENTENCE),
        pictures=pictures(report.plots, facts.places),
        links=links(facts.places),
        diff=diff_of(facts.manifest) if facts.manifest else None,
        stages=stages_line(rollout) if rollout else "",
        item_tables=tuple(item_table(gate) for gate in facts.quality_gates),
    )


def title_of(facts: PullFacts) -> str:
    """For example: Retrain flight-delay: weighted F1 0.499 → 0.624 (concept drift)."""
    figures = change_of(facts)
    change = f": {figures}" if figures else ""
    cause = f" ({words(facts.causes[0].trigger)})" if facts.causes else ""
    outcome = (
        ", a gate is not clear yet" if _is_unclear(facts) else _OUTCOMES.get(facts.verdict, "")
    )
    return inert_title(f"Retrain {facts.report.model}{change}{outcome}{cause}", MAX_TITLE)


def _headline(facts: PullFacts) -> str:
    if facts.verdict is facts.report.verdict:
        return facts.report.title
    said = "a gate is not clear yet" if _is_unclear(facts) else "a gate refuses it"
    return f"{facts.report.title}, and {said}"


def _is_unclear(facts: PullFacts) -> bool:
    """Whether it is a gate, and not the comparison, that has too little to say yes or no."""
    return facts.verdict is Verdict.INCONCLUSIVE and facts.report.verdict is not facts.verdict


def _advice(facts: PullFacts) -> str:
    """What the reader should do; "" where the template asks for a review."""
    item = decisive(facts)
    if facts.verdict is Verdict.PASS:
        return ""
    if facts.verdict is facts.report.verdict or item is None:
        return facts.report.advice
    if _is_unclear(facts):
        why = item.reason.rstrip(".")
        return (
            f"Nothing is proposed: {item.title} is not clear yet ({why}). Mend that and run again."
        )
    return f"Do not merge: {item.title} says no. Mend that, and the gates are assessed again."


def _named(logins: tuple[str, ...]) -> str:
    return " or ".join(logins[:4]) or "nobody is named in configs/approvers.yaml"


def _without(whole: Table, heading: str) -> Table:
    """The table without the column of that heading, if it has one."""
    keep = [i for i, column in enumerate(whole.columns) if column.heading != heading]
    rows = tuple(tuple(row[i] for i in keep) for row in whole.rows)
    return Table(whole.title, tuple(whole.columns[i] for i in keep), rows)
