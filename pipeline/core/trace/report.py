"""A trace for the screen, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pipeline.core.inert import printable
from pipeline.core.trace.links import Chain, Check, Link, State, Trace, counts_of

MARKS = {State.VERIFIED: "✓", State.BROKEN: "✗", State.NOT_CHECKED: "·"}
_WIDTH = 11
_INDENT = " " * (4 + _WIDTH)
_SHOWN = 8


def render_trace(trace: Trace) -> str:
    """The whole answer, for a terminal; ends with a line that counts."""
    lines = [*_heading(trace)]
    for chain in trace.chains:
        lines += ["", *_chain(chain)]
    return "\n".join([*lines, "", summary(trace)]) + "\n"


def summary(trace: Trace) -> str:
    """How many links are verified, broken and not checked, and what follows."""
    counts = counts_of(trace.links)
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    if not trace.is_whole:
        return f"{told}. This model's history does not hold together: do not trust it."
    return f"{told}."


def _heading(trace: Trace) -> Iterator[str]:
    asked = f"{trace.at:%Y-%m-%d %H:%M:%S} UTC" if trace.at else printable(trace.question, 80)
    yield f"{trace.model} · {asked} · by the commits up to {trace.ref[:12]}"
    if trace.serving is not None:
        yield f"  {printable(trace.serving.why, 200)}"
    for share in trace.shares:
        yield f"  {share.points / 100:>6g} %  {share.role:<10}  {share.version}"
    if trace.answer:
        yield f"  {printable(trace.answer, 300)}"
    for link in trace.moment:
        yield from _link(link)


def _chain(chain: Chain) -> Iterator[str]:
    yield f"{chain.version}  {chain.digest}"
    for link in chain.links:
        yield from _link(link)


def _link(link: Link) -> Iterator[str]:
    told = [*link.says, *([f"not checked: {link.unchecked}"] if link.unchecked else [])]
    yield f"  {MARKS[link.state]} {link.name:<{_WIDTH}}{_safe(told[0]) if told else ''}"
    yield from (f"{_INDENT}{_safe(line)}" for line in told[1:])
    yield from _broken(link)


def _broken(link: Link) -> Iterator[str]:
    for check in link.broken[:_SHOWN]:
        yield f"{_INDENT}{_safe(check.what)}"
        yield f"{_INDENT}  found     {_safe(check.found)}"
        yield f"{_INDENT}  expected  {_safe(check.expected)}"
    more = len(link.broken) - _SHOWN
    if more > 0:
        yield f"{_INDENT}and {more} more: see --json"


def _safe(text: str) -> str:
    """Commits and files are a stranger's: nothing of them acts on a terminal."""
    return printable(text, 200)


def trace_to_json(trace: Trace) -> dict[str, Any]:
    """The same, whole: every check with what was found and what was expected."""
    serving = trace.serving
    return {
        "schema": 1,
        "model": trace.model,
        "question": trace.question,
        "ref": trace.ref,
        "at": trace.at,
        "is_whole": trace.is_whole,
        "serving": None
        if serving is None
        else {"why": serving.why, "models": [asdict(share) for share in trace.shares]},
        "answer": trace.answer or None,
        "links": [_link_json(link) for link in trace.moment],
        "models": [_chain_json(chain) for chain in trace.chains],
    }


def _chain_json(chain: Chain) -> dict[str, Any]:
    return {
        "version": chain.version,
        "digest": chain.digest,
        "links": [_link_json(link) for link in chain.links],
    }


def _link_json(link: Link) -> dict[str, Any]:
    return {
        "name": link.name,
        "state": link.state,
        "says": list(link.says),
        "not_checked": link.unchecked or None,
        "checks": [_check_json(check) for check in link.checks],
    }


def _check_json(check: Check) -> dict[str, Any]:
    return {
        "what": check.what,
        "found": check.found,
        "expected": check.expected,
        "is_good": check.is_good,
    }
