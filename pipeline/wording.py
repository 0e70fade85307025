"""How a number of things is written."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number of things by their English name: 1 file, 1,200 files."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
