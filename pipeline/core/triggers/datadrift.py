"""data_drift: enough features of the current window do not look like the reference any more."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.core.drift import MIN_ROWS, Drift
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.windows import Window
from pipeline.trigger_config import DataDriftTrigger, Priority

_SHOWN = 5  # features named in a reason; all of them are in the report


def assess_data_drift(
    rule: DataDriftTrigger,
    window: Window | None,
    drifts: Mapping[str, Drift],
    priority: Priority = "high",
) -> TriggerDecision:
    """Judge `drifts` (feature -> its PSI in `window`, at this rule's threshold and alpha).

    Fires where `affected_features_threshold` features or more drifted. UNKNOWN where features with
    too few rows could still make up that number, QUIET where even they could not.
    """
    found = {name: drift for name, drift in drifts.items() if name not in rule.ignore}
    if window is None or not found:
        reason = "no current window has been counted"
        return TriggerDecision("data_drift", Status.UNKNOWN, priority, reason)
    drifted = {name: drift for name, drift in found.items() if drift.is_drifted}
    unknown = [name for name, drift in found.items() if drift.is_drifted is None]
    wanted = rule.affected_features_threshold
    if len(drifted) >= wanted:
        status = Status.FIRED
    elif len(drifted) + len(unknown) >= wanted:
        status = Status.UNKNOWN
    else:
        status = Status.QUIET
    reason = f"{len(drifted)} of {len(found)} features drifted, {wanted} would fire"
    if unknown:
        reason += f"; {len(unknown)} unknown (fewer than {MIN_ROWS} effective rows)"
    shown = drifted or _nearest(found)
    return TriggerDecision(
        "data_drift", status, priority, f"{reason}: {describe_drifts(shown)}", window.id
    )


def describe_drifts(drifts: Mapping[str, Drift]) -> str:
    """The strongest drifts as text, each with its limit and the two other readings."""
    ranked = sorted(drifts.items(), key=lambda item: (-(item[1].value or 0.0), item[0]))
    named = [_describe(name, drift) for name, drift in ranked[:_SHOWN]]
    rest = len(ranked) - len(named)
    return ", ".join([*named, *([f"and {rest} more"] if rest else [])])


def _nearest(drifts: Mapping[str, Drift]) -> dict[str, Drift]:
    """The one feature with the highest PSI: how near the rule is to firing."""
    name = max(sorted(drifts), key=lambda name: drifts[name].value or 0.0)
    return {name: drifts[name]}


def _describe(name: str, drift: Drift) -> str:
    if drift.value is None or drift.limit is None:
        return f"{name} has no rows"
    ks = "" if drift.ks is None else f", KS {drift.ks:.3f}"
    js = "" if drift.js is None else f", JS {drift.js:.3f}"
    return f"{name} PSI {drift.value:.3f} (limit {drift.limit:.3f}{ks}{js})"
