"""The columns of every collected row, whatever the use case. Times are in UTC with their zone."""

from __future__ import annotations

BUILT_IN = ("id", "event_time", "available_at", "label", "label_available_at")
NEVER_NULL = ("id", "event_time", "available_at")
