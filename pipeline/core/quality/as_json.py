"""artifacts/gates/quality-gates.json: an assessment as a JSON value, and back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.config import Section, parse_section
from pipeline.core.quality.gates import Assessment, Item, QualityGate
from pipeline.domain import Verdict

QUALITY_GATES = "artifacts/gates/quality-gates.json"

Text = Annotated[str, Field(max_length=20_000)]
_Verdict = Literal["PASS", "INCONCLUSIVE", "FAIL", "ERROR"]


class _Item(Section):
    name: Text
    title: Text
    verdict: _Verdict
    rule: Text
    reason: Text
    evidence: tuple[Text, ...]
    is_required: bool = True
    waits: bool = False
    is_later: bool = False  # in evidence from when a merge did not wait for the A/B test
    is_elsewhere: bool = False


class _Gate(Section):
    name: Text
    title: Text
    verdict: _Verdict
    items: Annotated[tuple[_Item, ...], Field(min_length=1, max_length=50)]


class _File(Section):
    schema_: Annotated[Literal[1], Field(alias="schema")]
    model: Text
    version: Text | None
    verdict: _Verdict
    gates: Annotated[tuple[_Gate, ...], Field(min_length=1, max_length=20)]


def assessment_to_json(assessment: Assessment) -> dict[str, Any]:
    """A value for render_json: the same assessment is the same text."""
    return {
        "schema": 1,
        "model": assessment.model,
        "version": assessment.version,
        "verdict": assessment.verdict,
        "gates": [_gate_to_json(gate) for gate in assessment.gates],
    }


def parse_assessment(value: Any, where: str) -> Assessment:
    """The assessment in a JSON value.

    Verdicts of gates are worked out from the items, never taken from the file. Raises
    ConfigurationError naming every fault.
    """
    file = parse_section(_File, value, where)
    return Assessment(
        model=file.model,
        version=file.version,
        gates=tuple(
            QualityGate(gate.name, gate.title, tuple(map(_item, gate.items))) for gate in file.gates
        ),
    )


def _gate_to_json(gate: QualityGate) -> dict[str, Any]:
    items = [
        {
            "name": item.name,
            "title": item.title,
            "verdict": item.verdict,
            "rule": item.rule,
            "reason": item.reason,
            "evidence": list(item.evidence),
            "is_required": item.is_required,
            "waits": item.waits,
            "is_elsewhere": item.is_elsewhere,
        }
        for item in gate.items
    ]
    return {"name": gate.name, "title": gate.title, "verdict": gate.verdict, "items": items}


def _item(found: _Item) -> Item:
    return Item(
        name=found.name,
        title=found.title,
        verdict=Verdict(found.verdict),
        rule=found.rule,
        reason=found.reason,
        evidence=found.evidence,
        is_required=found.is_required,
        waits=found.waits,
        is_elsewhere=found.is_elsewhere,
    )
