"""The looks at a running test, as they are kept beside it: each with all that was seen by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from pipeline.core.abtest.evidence import Evidence, evidence_from_json, evidence_to_json

SCHEMA = 1


@dataclass(frozen=True)
class Look:
    """All that was seen up to and including a moment."""

    at: datetime
    evidence: Evidence


def due_looks(
    taken: Sequence[Look], started_at: datetime, at: datetime, every: timedelta
) -> tuple[datetime, ...]:
    """The moments to look at now: each `every` since the last look or the start, then `at`.

    Empty where `at` was looked at already, or lies before the last look.
    """
    last = taken[-1].at if taken else started_at
    moments = []
    moment = last + every
    while moment < at:
        moments.append(moment)
        moment += every
    return (*moments, at) if at > last else ()


def looks_to_json(experiment: str, looks: Sequence[Look]) -> dict[str, Any]:
    """`looks` as plain values; equal looks give equal bytes."""
    kept = [{"at": _text(look.at), "evidence": evidence_to_json(look.evidence)} for look in looks]
    return {"schema": SCHEMA, "experiment": experiment, "looks": kept}


def looks_from_json(experiment: str, value: Any) -> tuple[Look, ...]:
    """What `looks_to_json` made. Raises ValueError for anything else, or another experiment's."""
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise ValueError(f"expected the looks of an A/B test, schema {SCHEMA}")
    if value.get("experiment") != experiment:
        raise ValueError(f"looks of {value.get('experiment')!r}, expected those of '{experiment}'")
    try:
        looks = [
            Look(datetime.fromisoformat(one["at"]), evidence_from_json(one["evidence"]))
            for one in list(value["looks"])
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a look: {error!r}") from error
    if any(late.at <= early.at for early, late in pairwise(looks)):
        raise ValueError("looks: expected ascending times")
    return tuple(looks)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
