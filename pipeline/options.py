"""Command lines: the parser that every script starts from, and values argparse has no type for."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from pathlib import Path

MAX_WAIT_SECONDS = 3600.0
MAX_PORT = 65_535


def new_parser(script: str, docstring: str | None) -> argparse.ArgumentParser:
    """A parser for scripts/NAME.py, given its `__file__` and its whole `__doc__`.

    `--help` shows what the docstring says, exit codes included, and a usage line that can be typed.
    """
    return argparse.ArgumentParser(
        prog=f"python -m scripts.{Path(script).stem}",
        description=_fill(docstring or "", shutil.get_terminal_size().columns - 2),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _fill(text: str, width: int) -> str:
    """`text` in lines of `width` characters; what is indented is an example and stays as it is."""
    return "\n\n".join(
        part
        if part.startswith(" ")
        else textwrap.fill(part, max(width, 20), break_long_words=False, break_on_hyphens=False)
        for part in text.strip().split("\n\n")
    )


def wait_seconds(text: str) -> float:
    """Seconds between two looks: more than 0, at most an hour.

    Raises argparse.ArgumentTypeError, also for NaN: a wait of nothing would never rest.
    """
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= MAX_WAIT_SECONDS:
        raise argparse.ArgumentTypeError(
            f"found {text[:20]!r}, expected seconds: more than 0, at most {MAX_WAIT_SECONDS:g}"
        )
    return found


def port(text: str) -> int:
    """A port to listen on. Raises argparse.ArgumentTypeError for a number that is none."""
    found = int(text) if text.isascii() and text.isdecimal() and len(text) <= 5 else 0
    if not 1 <= found <= MAX_PORT:
        raise argparse.ArgumentTypeError(f"found {text[:20]!r}, expected a port: 1 to {MAX_PORT}")
    return found
