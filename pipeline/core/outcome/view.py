"""What the comment below a merged retrain says: every sentence, decided but not escaped."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.core.outcome.promises import (
    MIN_CLASS_ROWS,
    Kept,
    OutcomeFacts,
    Promise,
    Transition,
    assess_promise,
    expected_interval,
    is_too_rare,
    worst_kept,
)
from pipeline.core.pull.causes import finding_of, shortened, words
from pipeline.core.report.figures import count, figure, interval, short_digest
from pipeline.core.report.inputs import label_of

SHOWN_STEPS = 12
SHOWN_EVENTS = 5
MAX_REASON = 160


@dataclass(frozen=True)
class PromiseLine:
    """A row of the table: what was promised, what so many rows should show, and what they do."""

    metric: str
    promised: str
    expected: str
    found: str
    kept: Kept


@dataclass(frozen=True)
class Step:
    """A step of the rollout in a line."""

    day: str
    what: str
    reason: str


@dataclass(frozen=True)
class OutcomeView:
    """What the template shows; nothing in it is escaped yet."""

    kept: Kept
    state: str
    successor: str
    verdict: str
    lines: tuple[PromiseLine, ...]
    basis: str
    steps: tuple[Step, ...]
    more_steps: int
    events: tuple[tuple[str, str, str], ...]
    more_events: int


def view_outcome(facts: OutcomeFacts) -> OutcomeView:
    """What the comment says."""
    kept = worst_kept(facts)
    successor = facts.served.successor if facts.served else None
    return OutcomeView(
        kept=kept,
        state=_state(facts),
        successor=short_digest(successor) if successor else "",
        verdict=_verdict(facts, kept),
        lines=tuple(_line(promise, facts) for promise in facts.promises),
        basis=_basis(facts),
        steps=tuple(_step(t) for t in facts.transitions[-SHOWN_STEPS:]),
        more_steps=max(0, len(facts.transitions) - SHOWN_STEPS),
        events=tuple(
            (f"{e.at:%Y-%m-%d}", words(e.trigger), shortened(finding_of(e), MAX_REASON))
            for e in facts.events[-SHOWN_EVENTS:]
        ),
        more_events=max(0, len(facts.events) - SHOWN_EVENTS),
    )


def _state(facts: OutcomeFacts) -> str:
    """Where the model is now, in one sentence."""
    last = facts.transitions[-1] if facts.transitions else None
    served = facts.served
    if served is not None and served.until is None:
        return f"It serves since {served.since:%Y-%m-%d}."
    if served is not None:
        return f"It served from {served.since:%Y-%m-%d} to {served.until:%Y-%m-%d}."
    if last is None:
        return "Its rollout has not started."
    where = f"{last.phase} at {last.weight_percent:g} % of traffic"
    return f"Its rollout is {where} since {last.at:%Y-%m-%d}."


def _verdict(facts: OutcomeFacts, kept: Kept) -> str:
    if kept is not Kept.TOO_EARLY:
        return f"In production: {kept}."
    if facts.measured is None:
        return f"Too early to say how good it is: {facts.unmeasured or 'it has not served yet'}."
    found, wanted = count(facts.measured.labelled), count(facts.min_rows)
    if facts.measured.labelled < facts.min_rows:
        return f"Too early to say how good it is: {found} labelled rows, {wanted} are needed."
    if not facts.promises:
        return "There is no promise that production could be compared with."
    early = [promise.metric for promise in facts.promises if _kept(promise, facts) is kept]
    rare = [metric for metric in early if is_too_rare(metric, facts.measured)]
    without = ", ".join(map(label_of, rare or early))
    why = f"no figure to compare, or no interval, of {without}"
    if rare:
        found = f"{count(facts.measured.rarer)} rows of the rarer label"
        why = f"{found}, {MIN_CLASS_ROWS} are needed for {without}"
    return f"Too early to say how good it is: {why}."


def _line(promise: Promise, facts: OutcomeFacts) -> PromiseLine:
    spread = interval(promise.low, promise.high, with_sign=False)
    measured = facts.measured
    value = measured.metrics.get(promise.metric) if measured else None
    expected = expected_interval(promise, measured) if measured else None
    return PromiseLine(
        label_of(promise.metric),
        f"{figure(promise.value)} {spread}".strip(),
        interval(*expected, with_sign=False) if expected else "",
        figure(value),
        _kept(promise, facts),
    )


def _kept(promise: Promise, facts: OutcomeFacts) -> Kept:
    return assess_promise(promise, facts.measured, facts.min_rows)


def _basis(facts: OutcomeFacts) -> str:
    measured = facts.measured
    if measured is None:
        return ""
    return (
        f"{count(measured.labelled)} labelled of {count(measured.rows)} rows that it answered, "
        f"{measured.start:%Y-%m-%d} to before {measured.end:%Y-%m-%d}. Expected is what was "
        "promised, give or take the chance of these rows too. They are of other weeks than it was "
        "judged on: a figure below is a reason to look, not a proof."
    )


def _step(transition: Transition) -> Step:
    what = f"{transition.phase}, {transition.weight_percent:g} %"
    return Step(f"{transition.at:%Y-%m-%d %H:%M}", what, shortened(transition.reason, MAX_REASON))
