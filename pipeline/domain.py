"""The words of this repository as types: verdicts, gates and what they carry.

Everything here is a frozen value. Nothing here reads, writes, decides or knows a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

THRESHOLD_GATE = "threshold"  # the comparison's gate where champion and challenger have two


class Verdict(StrEnum):
    """What a gate says. Only PASS ever advances anything.

    INCONCLUSIVE means too little evidence; ERROR means that the check itself broke.
    """

    PASS = "PASS"  # noqa: S105 (not a password)
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"
    ERROR = "ERROR"

    @property
    def severity(self) -> int:
        """0 for PASS up to 3 for ERROR: the worst of many wins."""
        return list(Verdict).index(self)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of `verdicts`. No verdict at all is ERROR: nothing was checked."""
    return max(verdicts, key=lambda verdict: verdict.severity, default=Verdict.ERROR)


@dataclass(frozen=True)
class Interval:
    """A two-sided confidence interval; `confidence` is a fraction such as 0.95."""

    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class Gate:
    """A named check and its result.

    `rule` says what was asked, `reason` what was found, each as one plain sentence with numbers.
    `champion`, `challenger` and `difference` (challenger minus champion) are None where the gate
    compares nothing; `n` is the number of rows that the verdict rests on.
    """

    name: str
    verdict: Verdict
    rule: str
    reason: str
    champion: float | None = None
    challenger: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    n: int | None = None
    p_value: float | None = None
