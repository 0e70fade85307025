"""Values of command lines that argparse has no type for."""

from __future__ import annotations

import argparse

MAX_WAIT_SECONDS = 3600.0
MAX_PORT = 65_535


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
