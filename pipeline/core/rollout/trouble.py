"""How long looks have been FAIL, and how long ERROR: each verdict is counted by itself.

A look of the other verdict neither counts nor starts the count anew: an ERROR saw nothing, so it
does not say that the harm is over, and FAIL hides what is ERROR beside it. What is neither of both
ends the run. So a challenger that flaps between the two adds up both counts at once, and has used
up one of them when the run has lasted as long as both together.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pipeline.domain import Verdict
from pipeline.rollout_status import Trouble


def counted(trouble: Trouble, now: datetime) -> timedelta:
    """For how long the run was of its newest verdict: 0 at the first look of that kind.

    The time between two looks is of the verdict of the first one.
    """
    other = timedelta(seconds=trouble.other_seconds or 0)
    return max(now - trouble.since - other, timedelta(0))  # two clocks may have written and read it


def go_on(trouble: Trouble | None, verdict: Verdict, now: datetime) -> Trouble:
    """The run after a look at `now` that was FAIL or ERROR; the same one where nothing changed."""
    if trouble is None:
        return Trouble(verdict=verdict, since=now)
    if trouble.verdict is verdict:
        return trouble
    other = counted(trouble, now).total_seconds()
    return Trouble(verdict=verdict, since=trouble.since, other_seconds=other)
