"""Two thresholds: what is left of a comparison that no gate can make."""

from __future__ import annotations

from pipeline.core.comparison.compare import Comparison
from pipeline.domain import Gate, Verdict
from pipeline.stages.compare import leave_to_a_person

NAMES = ("inputs", "sample size", "primary", "non-inferiority: accuracy", "limit: roc_auc")


def judged(**verdicts: Verdict) -> Comparison:
    found = {name.partition(":")[0]: name for name in (*NAMES, "slices: origin")}
    gates = [
        Gate(n, verdicts.get(k, Verdict.PASS), "It is so.", "It is.") for k, n in found.items()
    ]
    return Comparison(100, 10, 1, None, tuple(gates))


def test_of_one_threshold_everything_is_judged() -> None:
    assert leave_to_a_person(judged(), 0.5, 0.5) == judged()


def test_of_two_only_what_needs_no_champion_is_and_a_person_decides() -> None:
    found = leave_to_a_person(judged(primary=Verdict.FAIL), 0.5, 0.25)
    assert found.verdict is Verdict.INCONCLUSIVE
    names = [gate.name for gate in found.gates]
    assert names == ["inputs", "sample size", "limit: roc_auc", "threshold"]
    assert "0.5, the challenger would with 0.25: a person decides" in found.gates[-1].reason


def test_a_limit_and_a_broken_check_still_count() -> None:
    assert leave_to_a_person(judged(limit=Verdict.FAIL), 0.5, 0.25).verdict is Verdict.FAIL
    assert leave_to_a_person(judged(slices=Verdict.ERROR), 0.5, 0.25).verdict is Verdict.ERROR
