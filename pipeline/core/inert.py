"""Hostile text for logs and errors: quoted, cut, in ASCII, so that it can neither act nor hide."""

from __future__ import annotations

import json
from collections.abc import Collection

MAX_QUOTE_CHARS = 60
MAX_QUOTES = 3


def quote(value: object) -> str:
    """What `value` is, in at most 60 ASCII characters and on one line.

    Text is quoted and cut; anything that could be long or deep is told by its kind and length.
    """
    if isinstance(value, str):
        return _quote_text(value)
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)} items"
    if value is None or isinstance(value, (bool, float)):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 64 else f"a number of {value.bit_length()} bits"
    return f"a {type(value).__name__[:40]}"


def quote_all(values: Collection[object]) -> str:
    """The first three of `values` by `quote`, and how many more there are."""
    shown = [quote(value) for value in list(values)[:MAX_QUOTES]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "") if shown else "none"


def _quote_text(text: str) -> str:
    """The cut comes first: escaping a megabyte to show sixty characters would be a gift."""
    shown = ascii(text[:MAX_QUOTE_CHARS])
    if len(text) <= MAX_QUOTE_CHARS and len(shown) <= MAX_QUOTE_CHARS:
        return shown
    return shown[: MAX_QUOTE_CHARS - len("...")] + "..."


def printable(text: str, limit: int) -> str:
    r"""`text` on one line in at most `limit` characters: what does not print is escaped, then cut.

    So a line break becomes the two characters \n and a bidirectional override \u202e.
    """
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text.strip()[:limit])
    return shown if len(shown) <= limit and len(text) <= limit else shown[: limit - 3] + "..."
