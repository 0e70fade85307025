"""What each field of a repository_dispatch payload must be, and what is wrong with one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from pipeline.core.inert import quote, quote_all
from pipeline.core.triggers.ledger import CHAMPION_FREE
from pipeline.trigger_config import PRIORITIES, TRIGGER_NAMES, TriggerName

SCHEMA = 1
MAX_KEYS = 10  # GitHub's limit, as is the next one
MAX_BYTES = 64 * 1024 - 1
MAX_REASON_CHARS = 500
# What a monitor may report. The calendar and a person are not for an alert to speak for.
ALERT_TRIGGERS: tuple[TriggerName, ...] = tuple(t for t in TRIGGER_NAMES if t not in CHAMPION_FREE)
_WINDOW = re.compile(r"alert/[0-9a-f]{16}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)

# A rule is what was expected, in words, and whether a value is that.
Rule = tuple[str, Callable[[Any], bool]]


def retrain_rules(value: object, models: Collection[str]) -> dict[str, Rule]:
    """The fields of a `retrain` payload. `value` tells whose retrain it must be."""
    model = value.get("model") if isinstance(value, dict) else None
    known = model if isinstance(model, str) and model in models else None
    # The ledger counts from 0001 and pads to four digits.
    number = r"(?!0000)([0-9]{4}|[1-9][0-9]{4,8})"
    pattern = re.compile(
        rf"{re.escape(known)}-{number}" if known else rf"[a-z0-9-]{{1,63}}-{number}"
    )
    words = f"the id of a retrain, such as {known or '<model>'}-0001"
    return {**_common_rules(models), "retrain": (words, lambda v: bool(pattern.fullmatch(v)))}


def alert_rules(models: Collection[str]) -> dict[str, Rule]:
    """The fields of an `alert` payload."""
    return {
        **_common_rules(models),
        "trigger": (f"one of {', '.join(ALERT_TRIGGERS)}", lambda v: v in ALERT_TRIGGERS),
        "window": ("alert/ and 16 hex digits", lambda v: bool(_WINDOW.fullmatch(v))),
        "reason": (f"1 to {MAX_REASON_CHARS} printable characters", _is_reason),
        "starts_at": ("a time such as 2013-07-02T00:00:00Z", lambda v: parse_time(v) is not None),
        "priority": (f"one of {', '.join(PRIORITIES)}, or none", lambda v: v in PRIORITIES),
    }


def _common_rules(models: Collection[str]) -> dict[str, Rule]:
    return {
        "schema": (f"the number {SCHEMA}", lambda v: v == SCHEMA),
        "model": (f"one of {quote_all(sorted(models))}", lambda v: v in models),
    }


def _is_reason(text: str) -> bool:
    # Not printable: controls, line and paragraph breaks, and all format characters (bidi, ZWJ).
    return bool(text.strip()) and len(text) <= MAX_REASON_CHARS and text.isprintable()


def shape_faults(value: dict[Any, Any], wanted: Collection[str]) -> list[str]:
    """Too many keys, too many bytes, what JSON does not have, keys that are not `wanted`."""
    faults = []
    if len(value) > MAX_KEYS:
        faults.append(f"found {len(value)} keys, expected at most {MAX_KEYS}")
    if (size := _size(value)) is None:
        faults.append("cannot be written as JSON, expected a flat object of text and numbers")
    elif size > MAX_BYTES:
        faults.append(f"found {size} bytes of JSON, expected at most {MAX_BYTES}")
    unknown = [key for key in value if type(key) is not str or key not in wanted]
    if unknown:
        faults.append(f"unknown keys {quote_all(unknown)}, expected only {', '.join(wanted)}")
    return faults


def _size(value: dict[Any, Any]) -> int | None:
    try:
        return len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None


def field_faults(value: dict[Any, Any], wanted: dict[str, Rule]) -> list[str]:
    """A fault for each field that is missing, of a wrong type or not as its rule says."""
    faults = []
    for name, (expected, is_right) in wanted.items():
        if name not in value:
            faults += [] if name == "priority" else [f"{name}: missing, expected {expected}"]
            continue
        # An exact type: True is not the number 1.
        if type(value[name]) is not (int if name == "schema" else str) or not is_right(value[name]):
            faults.append(f"{name}: found {quote(value[name])}, expected {expected}")
    return faults


def parse_time(text: object) -> datetime | None:
    """An RFC 3339 time with a zone as UTC, to the microsecond; None for anything else."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
