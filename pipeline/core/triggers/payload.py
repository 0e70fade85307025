"""The two `client_payload`s of repository_dispatch, read as hostile text.

`retrain` names a retrain that the trigger ledger has planned; `alert` says that a monitor's alert
fired, and the ledger decides what follows. Neither can ask for more than the ledger grants.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from pipeline.core.inert import quote
from pipeline.core.triggers.payload_rules import (
    SCHEMA,
    alert_rules,
    field_faults,
    parse_time,
    retrain_rules,
    shape_faults,
)
from pipeline.errors import ConfigurationError
from pipeline.trigger_config import Priority, TriggerName

RETRAIN_EVENT = "retrain"
ALERT_EVENT = "alert"
_WHERE = "repository_dispatch client_payload"
_MAX_FAULTS = 10


@dataclass(frozen=True)
class RetrainPayload:
    """`retrain` is the id of a retrain of `model` in the trigger ledger, such as flights-0007."""

    model: str
    retrain: str
    schema: Literal[1] = 1


@dataclass(frozen=True)
class AlertPayload:
    """One firing alert: `window` stays the same while it fires and differs when it fires again.

    `reason` has 1 to 500 printable characters. Without a `priority` the configured one holds.
    """

    model: str
    trigger: TriggerName
    window: str
    reason: str
    starts_at: datetime
    priority: Priority | None = None
    schema: Literal[1] = 1


def parse_payload(
    event_type: object, value: object, *, models: Collection[str]
) -> RetrainPayload | AlertPayload:
    """`value` as the payload of `event_type`, of one of `models`.

    Raises ConfigurationError with every fault (the first ten of more), in at most 2,000 characters
    and with hostile text quoted harmlessly. Control characters, line breaks and bidirectional
    overrides in the reason are refused here; `pipeline.core.triggers.alerts` escapes them before.
    """
    if event_type == RETRAIN_EVENT:
        wanted = retrain_rules(value, models)
    elif event_type == ALERT_EVENT:
        wanted = alert_rules(models)
    else:
        raise _refusal([f"event_type: found {quote(event_type)}, expected retrain or alert"])
    if not isinstance(value, dict):
        raise _refusal([f"found {quote(value)}, expected an object with {', '.join(wanted)}"])
    faults = [*shape_faults(value, wanted), *field_faults(value, wanted)]
    if faults:
        raise _refusal(faults)
    return _built(event_type == ALERT_EVENT, value)


def payload_to_json(payload: RetrainPayload | AlertPayload) -> dict[str, Any]:
    """The flat object that `parse_payload` reads; a time is UTC and ends with Z."""
    if isinstance(payload, RetrainPayload):
        return {"schema": SCHEMA, "model": payload.model, "retrain": payload.retrain}
    value = {
        "schema": SCHEMA,
        "model": payload.model,
        "trigger": payload.trigger,
        "window": payload.window,
        "reason": payload.reason,
        "starts_at": payload.starts_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    return value if payload.priority is None else {**value, "priority": payload.priority}


def _built(is_alert: bool, value: dict[str, Any]) -> RetrainPayload | AlertPayload:
    if not is_alert:
        return RetrainPayload(value["model"], value["retrain"])
    return AlertPayload(
        model=value["model"],
        trigger=value["trigger"],
        window=value["window"],
        reason=value["reason"],
        starts_at=cast(datetime, parse_time(value["starts_at"])),
        priority=value.get("priority"),
    )


def _refusal(faults: list[str]) -> ConfigurationError:
    return ConfigurationError(_WHERE, faults[:_MAX_FAULTS])
