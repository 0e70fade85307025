"""deployment-checklist.md: the protocol's three checklists, ticked by what the gates found."""

from __future__ import annotations

from pipeline.core.quality.gates import Assessment, Item
from pipeline.core.report.escape import render_template
from pipeline.domain import Verdict


def render_checklist(assessment: Assessment, template: str) -> str:
    """Markdown that ends with a newline: every item with its verdict, reason and evidence.

    A box is ticked for PASS alone. `template` is the text of deployment_checklist.md.j2.
    """
    return render_template(
        template,
        "md",
        model=assessment.model,
        version=assessment.version or "no version",
        verdict=assessment.verdict,
        gates=[
            {
                "title": gate.title,
                "verdict": gate.verdict,
                "entries": [_entry(item) for item in gate.items],
            }
            for gate in assessment.gates
        ],
        passed=sum(item.verdict is Verdict.PASS for item in assessment.items),
        total=len(assessment.items),
    )


def _entry(item: Item) -> dict[str, object]:
    is_waiting = item.waits and item.verdict is Verdict.INCONCLUSIVE
    return {
        "is_passed": item.verdict is Verdict.PASS,
        "title": item.title,
        "state": "waits" if is_waiting else item.verdict,
        "rule": item.rule,
        "reason": item.reason,
        "evidence": item.evidence,
        "is_required": item.is_required,
    }
