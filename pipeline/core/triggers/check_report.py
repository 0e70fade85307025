"""What a check of the triggers says to people and to programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipeline.core.drift import Drift
from pipeline.core.report.escape import clean, escape_markdown
from pipeline.core.triggers.check import CheckPlan
from pipeline.core.triggers.rules import Observation
from pipeline.trigger_config import TRIGGER_NAMES


def render_check(plan: CheckPlan) -> str:
    """A table for a terminal, highest priority first, then what follows from it."""
    width = max(len(name) for name in TRIGGER_NAMES)
    lines = [
        f"  {d.trigger:{width}}  {d.status:7}  {d.priority:8}  {clean(d.reason)}"
        for d in plan.decisions
    ]
    return "\n".join([*lines, "", outcome(plan)])


def render_check_markdown(plan: CheckPlan, *, model: str, at: datetime) -> str:
    """The same for a job's summary."""
    rows = [
        f"| {d.trigger} | {d.status} | {d.priority} | {escape_markdown(d.reason)} |"
        for d in plan.decisions
    ]
    return "\n".join(
        [
            f"### Triggers of {escape_markdown(model)} at {at:%Y-%m-%d %H:%M} UTC",
            "",
            escape_markdown(outcome(plan)),
            "",
            "| trigger | answer | priority | why |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def outcome(plan: CheckPlan) -> str:
    """One sentence: what starts, what waits, or that nothing is due."""
    if plan.dispatch is not None:
        causes = ", ".join(event.trigger for event in plan.causes)
        return f"Retrain {plan.dispatch.id} is due (attempt {plan.dispatch.attempt}): {causes}."
    if plan.joined is not None:
        return f"The causes join retrain {plan.joined.id}, which is {plan.joined.state}."
    if plan.held is not None:
        return f"A retrain is due and waits: {clean(plan.held)}."
    return "No retrain is due."


def check_json(
    plan: CheckPlan,
    seen: Observation,
    *,
    model: str,
    champion: str,
    data_faults: Sequence[str],
) -> dict[str, Any]:
    """Everything that was seen and decided, as render_json takes it."""
    return {
        "model": model,
        "champion": champion,
        "at": seen.rules.at,
        "outcome": outcome(plan),
        "retrain": plan.dispatch.id if plan.dispatch else None,
        "causes": [
            {"id": e.id, "trigger": e.trigger, "priority": e.priority, "reason": e.reason}
            for e in plan.causes
        ],
        "data_faults": list(data_faults),
        "triggers": list(plan.decisions),
        "drift": {name: _drift_json(drift) for name, drift in sorted(seen.drifts.items())},
        "performance": list(seen.performance),
        "new_rows": seen.new_rows,
        "quality": seen.quality,
    }


def _drift_json(drift: Drift) -> dict[str, Any]:
    return {
        "psi": drift.value,
        "limit": drift.limit,
        "is_drifted": drift.is_drifted,
        "ks": drift.ks,
        "js": drift.js,
        "n": drift.n_current,
        "bins": list(drift.bins),
    }
