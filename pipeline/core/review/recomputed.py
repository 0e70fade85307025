"""What came out when the figures of a retrain were worked out again, by main's own code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain import Gate, Verdict

TOLERANCE = 1e-9  # of figures; another processor may add in another order
_SHOWN = 3


@dataclass(frozen=True)
class Recomputed:
    """`head` is the commit that was looked at, `main` the one whose code and champion did it.

    `seen_in_training` counts holdout rows that some model of the champion's line, or the
    challenger, trained on. `differences` name each figure that came out otherwise, `faults` what
    could not be (a digest that does not fit, a row that the warehouse does not know).
    """

    head: str
    main: str
    holdout_rows: int
    seen_in_training: int
    differences: tuple[str, ...] = ()
    faults: tuple[str, ...] = field(default=())


def differences_of(claimed: Any, found: Any, where: str = "") -> tuple[str, ...]:
    """Each place where two JSON values differ; numbers that differ by TOLERANCE or less do not.

    The tolerance is relative for numbers above 1. null stands for NaN on both sides.
    """
    if isinstance(claimed, Mapping) and isinstance(found, Mapping):
        keys = dict.fromkeys([*claimed, *found])
        return _joined(
            differences_of(claimed.get(key), found.get(key), f"{where}.{key}".lstrip("."))
            for key in keys
        )
    if _is_list(claimed) and _is_list(found) and len(claimed) == len(found):
        pairs = zip(claimed, found, strict=True)
        return _joined(differences_of(a, b, f"{where}[{i}]") for i, (a, b) in enumerate(pairs))
    if _is_number(claimed) and _is_number(found):
        is_same = claimed == found or _is_close(claimed, found)
    else:
        is_same = type(claimed) is type(found) and claimed == found
    return () if is_same else (f"{where}: claimed {_short(claimed)}, came out {_short(found)}",)


def parse_recomputed(saved: Any) -> Recomputed | None:
    """The result that a file of JSON holds; None for what is no result, which counts as none."""
    match saved:
        case {
            "head": str(head),
            "main": str(main),
            "holdout_rows": int(rows),
            "seen_in_training": int(seen),
            "differences": [*differences],
            "faults": [*faults],
        }:
            told = tuple(map(str, differences)), tuple(map(str, faults))
            return Recomputed(head, main, rows, seen, *told)
    return None


def assess_recomputed(recomputed: Recomputed | None, head: str, main: str) -> tuple[Gate, Gate]:
    """The gates `recomputed` and `holdout`; without a result for both commits they wait for one."""
    rules = {
        "recomputed": "Main's code, run again on the same rows, gives the same figures.",
        "holdout": "No row of the holdout was ever trained on.",
    }
    if recomputed is None or (recomputed.head, recomputed.main) != (head, main):
        is_past = recomputed is not None and recomputed.head == head
        lacks = "with main as it is now: start review again" if is_past else "for this commit yet"
        return tuple(  # type: ignore[return-value]
            Gate(name, Verdict.INCONCLUSIVE, rule, f"Not worked out again {lacks}.")
            for name, rule in rules.items()
        )
    wrong = [*recomputed.faults, *recomputed.differences]
    said = "; ".join(wrong[:_SHOWN]) + (f"; and {len(wrong) - _SHOWN} more" * (len(wrong) > _SHOWN))
    leak = recomputed.seen_in_training
    rows = recomputed.holdout_rows
    return (
        Gate(
            "recomputed",
            Verdict.FAIL if wrong else Verdict.PASS,
            rules["recomputed"],
            f"{said}." if wrong else "Every figure came out as claimed.",
        ),
        Gate(
            "holdout",
            Verdict.FAIL if leak or rows == 0 else Verdict.PASS,
            rules["holdout"],
            f"{leak:,} of {rows:,} holdout rows were trained on.",
            n=rows,
        ),
    )


def _joined(parts: Any) -> tuple[str, ...]:
    return tuple(line for part in parts for line in part)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_close(claimed: float, found: float) -> bool:
    try:
        return math.isclose(claimed, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    except OverflowError:  # an integer that no float is near
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
