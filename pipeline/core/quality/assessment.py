"""One run, all three gates; and the trial of the gates themselves on that same run.

The trial changes the run into ones whose answer is known. A gate that lets one of them through
cannot be trusted with the real one, so all of them become ERROR.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.core.quality.deployment import deployment_asks
from pipeline.core.quality.facts import COMPARISON, METRICS, Facts
from pipeline.core.quality.gates import Assessment, Item, QualityGate, assess
from pipeline.core.quality.model import model_asks
from pipeline.core.quality.readiness import readiness_asks
from pipeline.domain import Verdict

GATES = (
    ("readiness", "Retraining readiness", readiness_asks),
    ("model_quality", "Model quality", model_asks),
    ("deployment_safety", "Deployment safety", deployment_asks),
)
_OTHER = "sha256:" + "0" * 64


def assess_quality(facts: Facts) -> Assessment:
    """Every item of every gate. A trial that finds a gate wrong adds an ERROR to each of them."""
    found = _assess(facts)
    broken = tuple(_found_out(facts))
    if not broken:
        return found
    item = Item(
        name="gates_tried",
        title="The gates were tried first",
        verdict=Verdict.ERROR,
        rule="Runs whose answer is known get it.",
        reason=f"They do not: {'; '.join(broken)}. The gates themselves must be mended.",
        evidence=("pipeline/core/quality/assessment.py",),
    )
    gates = (replace(gate, items=(*gate.items, item)) for gate in found.gates)
    return replace(found, gates=tuple(gates))


def _assess(facts: Facts) -> Assessment:
    gates = []
    for name, title, asks_of in GATES:
        rules = getattr(facts.policy, name)
        items = (
            assess(ask, facts, is_required=getattr(rules, ask.name).required)
            for ask in asks_of(facts)
        )
        gates.append(QualityGate(name, title, tuple(items)))
    return Assessment(facts.model, facts.version, tuple(gates))


def _found_out(facts: Facts) -> Iterator[str]:
    """What the gates let through although it is known to be wrong."""
    for claim, changed, names in _wrong_runs(facts):
        passed = {item.name for item in _assess(changed).items if item.verdict is Verdict.PASS}
        through = [name for name in names if name in passed]
        if through:
            yield f"{claim}, and {', '.join(through)} passed"


def _wrong_runs(facts: Facts) -> Iterator[tuple[str, Facts, tuple[str, ...]]]:
    """A claim, the run changed so that it is wrong, and the items that must not pass then."""
    nothing = replace(facts, documents={}, lock=None, package=None, approvals=None)
    names = tuple(item.name for item in _assess(nothing).items)
    free = {"ab_test", "triggers_validated", "monitoring_configured"}
    yield "nothing ran", nothing, tuple(name for name in names if name not in free)
    documents = dict(facts.documents)
    if isinstance(documents.get(METRICS), dict):
        nan = {**documents, METRICS: dict.fromkeys(documents[METRICS])}
        yield "no metric was a number", replace(facts, documents=nan), ("thresholds_met",)
    if isinstance(documents.get(COMPARISON), dict):
        untried = {**documents, COMPARISON: {**documents[COMPARISON], "self_test": []}}
        yield "nobody tried the comparison", replace(facts, documents=untried), ("beats_champion",)
    other = replace(facts, champion=_OTHER)
    yield "another champion served", other, ("beats_champion", "rollback_rehearsed")
    if facts.package is not None:
        swapped = replace(facts, package=replace(facts.package, digest=_OTHER))
        names = ("tracking_reachable", "registered", "rollback_rehearsed")
        yield "another package was made", swapped, names
