"""rollout-plan.md: the plan of a rollout in words, for those who agree to it."""

from __future__ import annotations

from datetime import timedelta

from pipeline.core.report.escape import render_template
from pipeline.rollout_config import Criterion, PlannedStage, RolloutPlan

_UNITS = {"ms": " ms", "fraction": "", "number": ""}
_CONDITIONS = {
    "error_rate_spike": "its error rate is {limit:g} above the champion's",
    "latency_spike_pct": "its p95 latency is {limit:g} % above the champion's",
    "accuracy_drop": "its accuracy is {limit:g} below the champion's",
}


def render_plan(plan: RolloutPlan, *, model: str, version: str, template: str) -> str:
    """Markdown that ends with a newline. `template` is the text of rollout_plan.md.j2."""
    conditions = plan.rollback_conditions
    return render_template(
        template,
        "md",
        model=model,
        version=version,
        type=plan.type.replace("_", "-"),
        stages=[_stage(stage) for stage in plan.stages],
        total=_length(sum((stage.duration for stage in plan.stages), timedelta())),
        conditions=[
            words.format(limit=limit)
            for name, words in _CONDITIONS.items()
            if (limit := getattr(conditions, name)) is not None
        ],
        interval=f"{plan.monitoring.check_interval_minutes:g}",
        is_automatic=plan.monitoring.auto_rollback,
        ab_test=plan.ab_test,
        provider=plan.traffic_provider,
        metrics_provider=plan.metrics.provider,
    )


def _stage(stage: PlannedStage) -> dict[str, object]:
    return {
        "number": stage.number,
        "weight": f"{stage.weight_percent:g} %",
        "length": _length(stage.duration),
        "criteria": ", ".join(map(_criterion, stage.criteria)) or "none",
        "deadline": _length(stage.deadline),
        "note": _note(stage),
    }


def _note(stage: PlannedStage) -> str:
    if stage.is_mirror:
        return "a copy of the traffic"
    return "waits for a person" if stage.is_held else ""


def _criterion(criterion: Criterion) -> str:
    sign = "≥" if criterion.bound == "min" else "≤"
    return f"{criterion.metric} {sign} {criterion.limit:g}{_UNITS.get(criterion.unit, '')}"


def _length(duration: timedelta) -> str:
    minutes = duration / timedelta(minutes=1)
    return f"{minutes / 60:g} h" if minutes >= 60 else f"{minutes:g} min"
