"""When a pull request must be judged again though nothing happened to it.

A verdict is main's as it was: of its code, its gates, its plan and its champion, about rows that
grow old. What happens to a pull request starts its judge; what happens to main, and the time that
passes, start nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_AGE = timedelta(days=1)  # rows grow old by days: gates.yaml has its limits in them
_COMMIT = re.compile(r"(?:^|/)commit/([0-9a-f]{40}|[0-9a-f]{64})$")


@dataclass(frozen=True)
class Verdict:
    """What was said of a commit last: when, and by which commit of main. None: it does not say."""

    at: datetime
    main: str | None


def reason_to_renew(verdict: Verdict | None, now: datetime, *, has_moved: bool) -> str | None:
    """Why it must be judged again, None where its verdict still counts.

    `has_moved`: more came to main since than the judge treats alike. A verdict that is exactly
    MAX_AGE old is too old; one of the future, by another clock, is not.
    """
    if verdict is None:
        return "nobody has judged it yet"
    if verdict.main is None:
        return "its verdict does not say by which main"
    if has_moved:
        return f"main has moved on since {verdict.main[:12]} judged it"
    if now - verdict.at >= MAX_AGE:
        return f"its verdict is of {verdict.at:%Y-%m-%d %H:%M} UTC"
    return None


def address_of(main: str, pull_url: str) -> str:
    """Where a verdict leads to: the commit of main that judged, beside the pull request."""
    place, is_found, _ = pull_url.rpartition("/pull/")
    return f"{place}/commit/{main}" if is_found else f"commit/{main}"


def main_of(address: str | None) -> str | None:
    """The commit that `address_of` put into an address; None for any other address."""
    found = _COMMIT.search(address or "")
    return found.group(1) if found else None
