"""The quality gates for a terminal: a line for each gate and item, worst or waiting in full."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.quality.gates import Assessment, Item
from pipeline.core.report.escape import clean
from pipeline.domain import Verdict


def render_assessment(assessment: Assessment) -> str:
    """Plain text that ends with a newline; a reason follows each item."""
    lines = [f"Quality gates of {clean(assessment.model)} {assessment.version or '(no package)'}"]
    for gate in assessment.gates:
        lines += ["", f"{gate.verdict:<12} {clean(gate.title)}"]
        for item in gate.items:
            lines += _lines(item)
    return "\n".join(lines) + "\n"


def _lines(item: Item) -> Iterator[str]:
    is_waiting = item.waits and item.verdict is Verdict.INCONCLUSIVE
    word = "waits" if is_waiting else item.verdict
    optional = "" if item.is_required else " (not required)"
    yield f"  {word:<12} {clean(item.title)}{optional}"
    yield f"  {'':<12} {clean(item.reason)}"
