"""How the report writes figures: three significant decimals, signs on differences, units in words.

A figure that is not there (None, or NaN before it was written as JSON) reads "unknown": never 0,
never an empty cell.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

UNKNOWN = "unknown"
_SPACE = "\N{NO-BREAK SPACE}"  # a figure stays on one line with its unit
MINUS = "\N{MINUS SIGN}"
MAX_DECIMALS = 4  # as many as the gates' own sentences have


def is_known(value: float | None) -> bool:
    """Whether there is a finite figure to show."""
    return value is not None and math.isfinite(value)


def figure(value: float | None) -> str:
    """Three significant digits and at most four decimals: 0.693, 0.0412, 0.0031, 12.3, 1,234.

    A figure too small for that is a power of ten, 4.12e-05: nothing but 0 reads as 0.
    """
    if value is None or not math.isfinite(value):
        return UNKNOWN
    text = _unsigned(abs(value))
    return f"{MINUS}{text}" if value < 0 and text != "0" else text


def signed(value: float | None) -> str:
    """As `figure`, with a plus where positive: +0.102, −0.0031, 0."""
    text = figure(value)
    return f"+{text}" if is_known(value) and (value or 0) > 0 else text


def interval(low: float | None, high: float | None, *, with_sign: bool = True) -> str:
    """For example [+0.0784, +0.127]; empty where neither end is known."""
    if not is_known(low) and not is_known(high):
        return ""
    show = signed if with_sign else figure
    return f"[{show(low)},{_SPACE}{show(high)}]"


def count(value: float | None) -> str:
    """A whole number with separators."""
    return f"{value:,.0f}" if value is not None and math.isfinite(value) else UNKNOWN


def percent(fraction: float | None) -> str:
    """A fraction of 1 as per cent with one decimal: 23.4 %."""
    if fraction is None or not math.isfinite(fraction):
        return UNKNOWN
    return f"{100 * fraction:.1f}{_SPACE}%"


def confidence(fraction: float) -> str:
    """A confidence as it was configured: 95 %, 99.9 %."""
    return f"{100 * fraction:.6g}{_SPACE}%"


def p_value(value: float | None) -> str:
    """Three significant digits, and nothing below 0.001, where digits mean nothing."""
    return "< 0.001" if value is not None and 0 <= value < 0.001 else figure(value)


def duration(seconds: float | None) -> str:
    """0.42 s, 12.3 s, 2 min 31 s, 1 h 2 min."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    if round(seconds, 1) < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def memory(megabytes: float | None) -> str:
    """Megabytes, or gigabytes from 1,000 on."""
    if megabytes is None or not math.isfinite(megabytes):
        return UNKNOWN
    return f"{megabytes / 1000:.3g} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def size(octets: float | None) -> str:
    """Bytes as kB or MB (powers of ten)."""
    if octets is None or not math.isfinite(octets):
        return UNKNOWN
    return f"{octets / 1e6:.3g} MB" if octets >= 1e6 else f"{octets / 1e3:.3g} kB"


def moment(text: str | None) -> str:
    """An ISO time as 2013-07-02 00:00 UTC; what is no time stays as it is."""
    found = _parsed(text)
    return f"{found:%Y-%m-%d %H:%M} UTC" if found else (text or UNKNOWN)


def day(text: str | None) -> str:
    """An ISO time as its UTC day, 2013-07-02."""
    found = _parsed(text)
    return f"{found:%Y-%m-%d}" if found else (text or UNKNOWN)


def short_digest(digest: str | None) -> str:
    """The first twelve hex digits, enough to tell two apart by eye."""
    return digest.partition(":")[2][:12] or digest[:12] if digest else "none"


def _unsigned(value: float) -> str:
    if value == 0:
        return "0"
    if value >= 100:
        return f"{value:,.0f}"
    rounded = float(f"{value:.3g}")  # first, so that 0.9996 is 1.00 and not 1.000
    decimals = 2 - math.floor(math.log10(rounded))
    text = f"{value:.{min(decimals, MAX_DECIMALS)}f}"
    return text if float(text) else f"{value:.2e}"


def _parsed(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found
