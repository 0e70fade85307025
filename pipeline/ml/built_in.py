"""The columns of every collected row, whatever the use case. Times are in UTC with their zone."""

from __future__ import annotations

BUILT_IN = ("id", "event_time", "available_at", "label", "label_available_at")
NEVER_NULL = ("id", "event_time", "available_at")

GROUP = "group: "  # in a table of features, before the name of a column that no model sees


def is_group(name: str) -> bool:
    """Whether a column of a table of features only says which group a row is of."""
    return name.startswith(GROUP)


def group_name(column: str) -> str:
    """The name in a table of features of the raw column `column`, which only makes groups."""
    return f"{GROUP}{column}"
