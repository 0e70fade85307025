"""How long it took from the first sign of harm until the challenger had no traffic.

Both ends are of one clock. Where figures of the challenger failed, it is the reconciler's: from the
oldest of those figures, or from when they began to fail, to the record. Where a person asked (a
revert, an abort), it is git's: from that commit to the commit of the record.
Traffic is taken away before the record is committed, so the true time is a little shorter.

No time is given where git knows no beginning: a stop at the traffic layer, which comes before git
hears of it, an end for lack of evidence, and a server that one look found dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from pipeline.core.report.figures import duration
from pipeline.core.rollout.reverts import LATCHED
from pipeline.core.rollout.wording import gates_of_metric
from pipeline.core.site.attempts import Attempt, Outcome
from pipeline.core.site.facts import Ask, Written
from pipeline.core.site.success_figures import Figure, Standing
from pipeline.core.site.success_pictures import draw_times
from pipeline.domain import Verdict
from pipeline.rollout_status import Phase, Record
from pipeline.wording import counted

GOAL = timedelta(minutes=5)  # less than
_UNSEEN = "since when, git does not know"


@dataclass(frozen=True)
class Rollback:
    """One rollback. `took` is None where git does not know; `cause` says what began it."""

    version: str
    at: datetime
    took: timedelta | None
    cause: str


def rollbacks_of(attempts: Sequence[Attempt], asked: Sequence[Ask]) -> tuple[Rollback, ...]:
    """Every rollback; `asked` are the commits that people made."""
    stopped = (a for a in attempts if a.outcome is Outcome.STOPPED)
    return tuple(_rollback(a, a.ending, asked) for a in stopped if a.ending is not None)


def rollback_time(model: str, attempts: Sequence[Attempt], asked: Sequence[Ask]) -> Figure:
    """The longest of them, since the goal is a limit for each."""
    found = rollbacks_of(attempts, asked)
    times = [one.took for one in found if one.took is not None]
    untimed = sorted({one.cause for one in found if one.took is None})
    counts = (
        "From the first figure that failed, or the commit that asked for it, to the record that "
        "says weight 0, by one and the same clock. The longest of all rollbacks and aborts."
    )
    count = len(found) - len(times)
    gap = f"Not timed: {count}, {'; '.join(untimed)}." if count else ""
    name, goal = "Rollback time", "less than 5 minutes"
    n = f"{len(times)} of {counted(len(found), 'rollback')} timed"
    if not times:
        return Figure(name, "not known", Standing.UNKNOWN, goal, n, counts, gap)
    seconds = [time.total_seconds() for time in times]
    if len(times) > 1:
        n += f", {duration(median(seconds))} at the median"
    return Figure(
        name=name,
        value=duration(max(seconds)),
        standing=Standing.MET if max(times) < GOAL else Standing.MISSED,
        goal=goal,
        n=n,
        counts=counts,
        gap=gap,
        drawing=draw_times(model, seconds, GOAL.total_seconds()),
    )


def _rollback(attempt: Attempt, ended: Written, asked: Sequence[Ask]) -> Rollback:
    record = ended.record
    if record.verdict is Verdict.FAIL:
        first = _first_failure(attempt, ended)
        took = record.at - first if first else None
        return Rollback(record.version, record.at, took, _failure(record, took))
    if record.verdict is not None:
        return Rollback(record.version, record.at, None, "too little evidence or none")
    if record.reason.startswith(LATCHED):
        return Rollback(record.version, record.at, None, "stopped before git heard of it")
    began = _asked(attempt, ended, asked)
    if began is None:
        return Rollback(record.version, record.at, None, "nobody knows who asked")
    return Rollback(record.version, record.at, ended.at - began, "a person asked")


def _asked(attempt: Attempt, ended: Written, asked: Sequence[Ask]) -> datetime | None:
    """The commit that asked for it: the first one after what the reconciler had written before."""
    before = attempt.written[: attempt.written.index(ended)]
    since = before[-1].at if before else attempt.written[0].at
    is_abort = ended.record.phase is Phase.ABORTED
    found = (ask.at for ask in asked if ask.is_command == is_abort and since <= ask.at <= ended.at)
    return min(found, default=None)


def _failure(record: Record, took: timedelta | None) -> str:
    if took is not None:
        return "a figure failed"
    is_dead = any(g.name == "challenger" and g.verdict is Verdict.FAIL for g in record.gates)
    return f"a server did not answer; {_UNSEEN}" if is_dead else f"a check failed; {_UNSEEN}"


def _first_failure(attempt: Attempt, ended: Written) -> datetime | None:
    """When failing began: what the record before says of trouble, or the oldest failed figure.

    A figure that passed says nothing of harm, however old it is: labels may be days late. None
    where what failed has no figure, such as a server that does not answer: it may have been so
    since the look before.
    """
    record = ended.record
    before = attempt.written[: attempt.written.index(ended)]
    trouble = before[-1].record.trouble if before else None
    if trouble is not None and trouble.verdict is Verdict.FAIL:
        return min(trouble.since, record.at)
    failed = {gate.name for gate in record.gates if gate.decides and gate.verdict is Verdict.FAIL}
    sampled = [
        sample.sampled_at
        for sample in record.samples
        if sample.role == "challenger"
        and sample.sampled_at is not None
        and failed & gates_of_metric(sample.metric)
    ]
    return min([*sampled, record.at]) if sampled else None
