"""CODEOWNERS, as far as it is needed here: who owns a path. The last line that matches wins.

Patterns as GitHub documents them: `*` and `?` stay inside a folder, `**` does not, a leading or
inner slash ties a pattern to the root, and a folder owns all that is below it.
"""

from __future__ import annotations

import re

_OWNER = re.compile(r"@([A-Za-z0-9][A-Za-z0-9-]{0,38}(?:/[A-Za-z0-9._-]{1,100})?)")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def owners_of(text: str, path: str) -> tuple[str, ...]:
    """The logins (`ada`) and teams (`owner/team`) that own `path`; addresses are left out.

    A matching line without owners takes the path from all of them.
    """
    found = (_OWNER.fullmatch(word) for word in _said_of(text, path))
    return tuple(owner.group(1) for owner in found if owner)


def is_owned(text: str, path: str) -> bool:
    """Whether anybody owns `path`, if only by address. Whether GitHub knows them is not asked."""
    words = _said_of(text, path)
    return any(_OWNER.fullmatch(word) or _ADDRESS.fullmatch(word) for word in words)


def _said_of(text: str, path: str) -> list[str]:
    """What follows the pattern on the last line that matches."""
    said: list[str] = []
    for line in text.splitlines():
        words = re.split(r"\s#", line.strip(), maxsplit=1)[0].split()
        if words and not words[0].startswith("#") and _matches(words[0], path):
            said = words[1:]
    return said


def _matches(pattern: str, path: str) -> bool:
    is_tied = "/" in pattern.rstrip("/")
    body = pattern.strip("/")
    start = "" if is_tied else r"(?:.*/)?"
    is_inside = pattern.endswith("/*")  # the files of a folder, and not what is deeper
    end = "" if is_inside else r"/.*" if pattern.endswith("/") else r"(?:/.*)?"
    return re.fullmatch(start + _regex(body) + end, path) is not None


def _regex(pattern: str) -> str:
    words = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return "".join(words.get(part) or re.escape(part) for part in parts)
