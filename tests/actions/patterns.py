"""GitHub's filter patterns for branches, tags and paths: not those of gitignore or a shell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_PARTS = re.compile(r"(\*\*/|\*\*|\*|\\.|\[[^\]]+\]|[?+])")
# `?` and `+` are of a regular expression: none or one, and one or more, of what is before them.
_WORDS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "?", "+": "+"}


def fits(name: str, patterns: Sequence[str]) -> bool:
    """Whether `name` is meant: the last pattern that fits decides, and one with `!` means no."""
    is_meant = False
    for pattern in patterns:
        if _compiled(pattern.removeprefix("!")).fullmatch(name):
            is_meant = not pattern.startswith("!")
    return is_meant


def passes(
    names: Iterable[str], wanted: Sequence[str] | None, ignored: Sequence[str] | None
) -> bool:
    """Whether any of `names` is wanted, or is not ignored; without a list everything passes."""
    if wanted is not None:
        return any(fits(name, wanted) for name in names)
    return ignored is None or any(not fits(name, ignored) for name in names)


def _compiled(pattern: str) -> re.Pattern[str]:
    parts = _PARTS.split(pattern)
    return re.compile("".join(_word(part) for part in parts))


def _word(part: str) -> str:
    if part.startswith(("\\", "[")) and len(part) > 1:
        return part
    return _WORDS.get(part, re.escape(part))
