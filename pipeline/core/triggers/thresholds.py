"""What was seen, apart from the limits it is judged by: look once, judge by many limits.

Two figures of an observation depend on a limit of configs/triggers.yaml: a feature is drifted or
not by psi_threshold, and the error-rate detector is asked only where accuracy or F1 dropped by
its limit. A look by `without_thresholds` has both in a form from which every limit can judge.
"""

from __future__ import annotations

from dataclasses import replace

from pipeline.core.drift import Drift
from pipeline.core.triggers.rules import Observation
from pipeline.trigger_config import TriggerConfig

NO_LIMIT = 1e-9  # below any limit that somebody would configure: limits have to be positive


def without_thresholds(config: TriggerConfig) -> TriggerConfig:
    """The configuration to look with: every PSI is called, every drop is read a second time."""
    rules = config.retraining_triggers
    changes: dict[str, object] = {}
    if rules.data_drift is not None:
        changes["data_drift"] = rules.data_drift.model_copy(update={"psi_threshold": NO_LIMIT})
    if rules.concept_drift is not None:
        drops = {"accuracy_drop": NO_LIMIT, "f1_drop": NO_LIMIT}
        changes["concept_drift"] = rules.concept_drift.model_copy(update=drops)
    return config.model_copy(update={"retraining_triggers": rules.model_copy(update=changes)})


def at_thresholds(config: TriggerConfig, seen: Observation) -> Observation:
    """The observation that a look with `config` itself would have made.

    `seen` was made with `config` or with `without_thresholds(config)`.
    """
    rule = config.retraining_triggers.data_drift
    if rule is None or not seen.drifts:
        return seen
    judged = {name: _judged(drift, rule.psi_threshold) for name, drift in seen.drifts.items()}
    return replace(seen, drifts=judged)


def _judged(drift: Drift, threshold: float) -> Drift:
    """The limit of a small window is above the threshold, and stays."""
    if drift.value is None or drift.limit is None:
        return drift
    limit = max(drift.limit, threshold)
    is_drifted = None if drift.is_drifted is None else drift.value >= limit
    return replace(drift, limit=limit, is_drifted=is_drifted)
