"""Which of the reference's columns data_drift watches, and what its rule says that cannot be."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline.core.profile import ColumnProfile
from pipeline.errors import did_you_mean
from pipeline.trigger_config import DataDriftTrigger

_RULE = "retraining_triggers.data_drift"


def watched_columns(
    rule: DataDriftTrigger, reference: Mapping[str, ColumnProfile]
) -> dict[str, ColumnProfile]:
    """The reference's columns that the rule does not ignore."""
    return {name: profile for name, profile in reference.items() if name not in rule.ignore}


def watch_faults(
    rule: DataDriftTrigger, reference: Collection[str], rows: Collection[str] = ()
) -> tuple[str, ...]:
    """Columns that the rule ignores and nobody knows, and a number that it cannot reach.

    Known are the columns of the `reference` and of the `rows` that the next champion may learn
    from. Each fault is one sentence that begins with the key of configs/triggers.yaml. A column
    that is spelt otherwise than it was meant is watched after all; a rule that wants more features
    than it watches never fires.
    """
    known = sorted({*reference, *rows})
    unknown = sorted(set(rule.ignore).difference(known))
    faults = [
        f"{_RULE}.ignore: {name!r} is no column{did_you_mean(name, known)}" for name in unknown
    ]
    if faults:
        faults[-1] += f"; the columns are {', '.join(known)}"
    watched = len(set(reference) - set(rule.ignore))
    wanted = rule.affected_features_threshold
    if wanted > watched:
        found = f"found {wanted}; only {watched} features are watched, so it can never fire"
        faults.append(f"{_RULE}.affected_features_threshold: {found}")
    return tuple(faults)
