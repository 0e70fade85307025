"""CODEOWNERS, as far as tests need it: the last pattern that fits a path says who owns it."""

from __future__ import annotations

import re

Patterns = list[tuple[re.Pattern[str], tuple[str, ...]]]


def parse_owners(text: str) -> Patterns:
    """Each line's pattern and owners; a pattern without owners takes them away."""
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return [(_pattern(words[0]), tuple(words[1:])) for words in lines if words]


def owners_of(patterns: Patterns, path: str) -> tuple[str, ...]:
    """The owners (`@login`, `@org/team`) of a path, none if it is nobody's."""
    found: tuple[str, ...] = ()
    for pattern, owners in patterns:
        if pattern.fullmatch(path):
            found = owners
    return found


def _pattern(glob: str) -> re.Pattern[str]:
    """As in .gitignore: a slash inside or in front anchors, one at the end means the folder."""
    is_anchored = "/" in glob.rstrip("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob.strip("/"))
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    body = "".join(words.get(part, re.escape(part)) for part in parts)
    is_flat = glob.endswith("/*") and not glob.endswith("**/*")
    below = "/.*" if glob.endswith("/") else "" if is_flat else "(?:/.*)?"
    return re.compile(("" if is_anchored else "(?:.*/)?") + body + below)
