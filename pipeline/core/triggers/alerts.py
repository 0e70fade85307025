"""Alertmanager's webhook body (version 4) and Grafana's, which is the same with extras, as events.

An alert is one event from its firing until it is resolved, however often it is notified; it is
another event when it fires again, since then it starts at another time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from pipeline.core.inert import printable, quote
from pipeline.core.triggers.payload import ALERT_EVENT, AlertPayload, parse_payload
from pipeline.core.triggers.payload_rules import MAX_REASON_CHARS, SCHEMA, parse_time
from pipeline.errors import ConfigurationError

MAX_REFUSALS = 50
_FINGERPRINT = re.compile(r"[0-9a-f]{1,64}")
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3  # 64-bit FNV-1a
_SEPARATOR = b"\xff"
# Grafana sends these in place of a rule's alert, with that rule's labels.
_BLIND = {"DatasourceNoData", "DatasourceError"}
_EXPECTED = (
    "an object with a list of alerts, as Alertmanager and Grafana send it without a template of "
    "your own"
)


def alert_payloads(
    body: object, models: Collection[str]
) -> tuple[tuple[AlertPayload, ...], tuple[str, ...]]:
    """The firing alerts of a webhook body, each once, and a line for each that is refused.

    After 50 lines the last one says how many more there are.
    Labels `model` and `trigger` are required, `priority` is optional; the reason is the annotation
    `summary`, else `description`, else the label `alertname`, with unprintable characters escaped.
    Resolved alerts are neither. Raises ConfigurationError for a body that is not a webhook's.
    """
    alerts = body.get("alerts") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(alerts, list):
        raise ConfigurationError("webhook body", [f"found {quote(body)}, expected {_EXPECTED}"])
    payloads: dict[str, AlertPayload] = {}
    refusals = _left_out(body)
    for index, alert in enumerate(alerts):
        found = _read(alert, models)
        if isinstance(found, AlertPayload):
            payloads.setdefault(found.window, found)
        elif found is not None:
            refusals.append(f"alert {index}{_name_of(alert)}: {found}")
    more = len(refusals) - MAX_REFUSALS
    shown = refusals if more <= 0 else [*refusals[:MAX_REFUSALS], f"and {more} refusals more"]
    return tuple(payloads.values()), tuple(shown)


def labels_fingerprint(labels: Mapping[str, str]) -> str:
    """Alertmanager's own fingerprint of a label set: 16 hex digits.

    Versions before 0.18 do not send it. Computed alike, an upgrade makes no event of an old alert.
    """
    digest = _FNV_OFFSET
    for name, value in sorted(labels.items()):
        for byte in _bytes(name) + _SEPARATOR + _bytes(value) + _SEPARATOR:
            digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


def _read(alert: object, models: Collection[str]) -> AlertPayload | str | None:
    """The alert's payload, why it is refused, or None for one that is resolved."""
    if not isinstance(alert, dict):
        return f"found {quote(alert)}, expected an object"
    status = alert.get("status")
    if status == "resolved":
        return None
    if status != "firing":
        return f"status: found {quote(status)}, expected firing or resolved"
    if _texts(alert.get("labels")).get("alertname") in _BLIND:
        return "the monitor could not judge, which is no reason to retrain: mend its data source"
    try:
        return _payload_of(alert, models)
    except ConfigurationError as error:
        return "; ".join(error.faults)


def _name_of(alert: object) -> str:
    labels = _texts(alert.get("labels")) if isinstance(alert, dict) else {}
    return f" ({quote(labels['alertname'])})" if "alertname" in labels else ""


def _payload_of(alert: Mapping[str, Any], models: Collection[str]) -> AlertPayload:
    labels, annotations = _texts(alert.get("labels")), _texts(alert.get("annotations"))
    value = {
        "schema": SCHEMA,
        "model": labels.get("model"),
        "trigger": labels.get("trigger"),
        "window": _window_of(alert, labels),
        "reason": _reason_of(labels, annotations),
        "starts_at": alert.get("startsAt"),
        "priority": labels.get("priority"),
    }
    given = {key: item for key, item in value.items() if item is not None}
    payload = parse_payload(ALERT_EVENT, given, models=models)
    assert isinstance(payload, AlertPayload)  # noqa: S101 (what its event_type means)
    return payload


def _window_of(alert: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    """The same instant written in another zone is the same alert."""
    given, start = alert.get("fingerprint"), parse_time(alert.get("startsAt"))
    is_usable = isinstance(given, str) and _FINGERPRINT.fullmatch(given) is not None
    fingerprint = given if is_usable else labels_fingerprint(labels)
    parts = [labels.get("model"), labels.get("trigger"), fingerprint, start and start.isoformat()]
    return f"alert/{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}"


def _reason_of(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    texts = (annotations.get("summary"), annotations.get("description"), labels.get("alertname"))
    shown = (printable(text, MAX_REASON_CHARS) for text in texts if text)
    return next((text for text in shown if text), None)


def _texts(value: object) -> dict[str, str]:
    items = value.items() if isinstance(value, dict) else ()
    return {k: v for k, v in items if isinstance(k, str) and isinstance(v, str)}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _left_out(body: Mapping[str, Any]) -> list[str]:
    count = body.get("truncatedAlerts")
    if not isinstance(count, int) or count <= 0:
        return []
    return [f"{quote(count)} alerts were left out by the sender: set its max_alerts to 0"]
