"""Gate 2, model quality: what the comparison said, and whether it can be believed and served."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.config import ComparisonPolicy
from pipeline.core.comparison.selftest import CLAIMS
from pipeline.core.quality.facts import COMPARISON, METRICS, REGISTRATION, UNREGISTERED, Facts
from pipeline.core.quality.gates import (
    Answer,
    Ask,
    elsewhere,
    fails,
    fails_if,
    passes,
    unclear,
    waits,
)
from pipeline.domain import Verdict, worst

PACKAGE = "artifacts/package"
_THRESHOLDS = ("non-inferiority: ", "limit: ", "slices: ")
_FAIRNESS = "fairness: "

JsonGate = Mapping[str, Any]


def model_asks(facts: Facts) -> tuple[Ask, ...]:
    """What the gate asks of a run."""
    least = facts.comparison_policy.min_improvement
    return (
        Ask(
            "beats_champion",
            "New model outperforms baseline",
            f"{facts.comparison_policy.primary_metric} improves by more than {least:g} on the "
            "same holdout rows, shown by its interval, and the gates passed their own trial.",
            (COMPARISON,),
            _beats_champion,
        ),
        Ask(
            "thresholds_met",
            "All evaluation metrics meet thresholds",
            "Each margin, limit and slice of configs/gates.yaml has a gate that passes, and every "
            "figure is a number.",
            (COMPARISON, METRICS),
            _thresholds,
        ),
        Ask(
            "fairness",
            "Bias and fairness checks passed",
            "No gap between groups widens by more than configs/gates.yaml allows.",
            (COMPARISON,),
            _fairness,
        ),
        Ask(
            "registered",
            "Model registered in model registry",
            "The registry has a version of this package.",
            (REGISTRATION,),
            _registered,
        ),
        Ask(
            "artifacts_complete",
            "Deployment artifacts generated",
            "The package has every file of its manifest, to the byte, and dvc.lock names it and "
            "every figure as they are.",
            (PACKAGE, "dvc.lock"),
            _artifacts,
        ),
    )


# ---------------------------------------------------------------- what the comparison said


def _beats_champion(facts: Facts) -> Answer:
    found = facts.document(COMPARISON)
    if found["champion"] != facts.champion:
        was, serving = found["champion"] or "no champion", facts.champion or "none"
        return fails(f"It was compared with {was}, and {serving} serves.")
    trial = _trial(found)
    if trial is not None:
        return Answer(Verdict.ERROR, trial)
    verdicts = [Verdict(gate["verdict"]) for gate in [*found["gates"], *found["self_test"]]]
    if worst(verdicts) is not Verdict(found["verdict"]):
        return fails(f"It says {found['verdict']}, and its gates {worst(verdicts)}.")
    gates = [g for g in found["gates"] if not g["name"].startswith((*_THRESHOLDS, _FAIRNESS))]
    return _worst_of(gates, expected=_basics(found))


def _basics(found: Any) -> tuple[str, ...]:
    """Without a champion there is no primary gate: a person decides."""
    return ("inputs", "champion" if found["champion"] is None else "primary", "sample size")


def _trial(found: Any) -> str | None:
    """Why the gates' own trial cannot be believed; None where every known answer was given."""
    if found["champion"] is None:
        return None
    tried = {gate["name"]: gate["verdict"] for gate in found["self_test"]}
    wrong = [claim for claim in CLAIMS if tried.get(f"self-test: {claim}") != Verdict.PASS]
    return f"The gates' own trial did not show that {'; '.join(wrong)}." if wrong else None


def _thresholds(facts: Facts) -> Answer:
    found, metrics = facts.document(COMPARISON), facts.document(METRICS)
    figures = fails_if(_metric_faults(found, metrics), "")
    if figures.verdict is not Verdict.PASS:
        return figures
    gates = [gate for gate in found["gates"] if gate["name"].startswith(_THRESHOLDS)]
    return _worst_of(gates, expected=_expected(facts.comparison_policy, found))


def _expected(policy: ComparisonPolicy, found: Any) -> tuple[str, ...]:
    limits = tuple(f"limit: {metric}" for metric in policy.limits)
    if found["champion"] is None:
        return limits
    return (
        *(f"non-inferiority: {metric}" for metric in policy.non_inferiority),
        *limits,
        *(f"slices: {column}" for column in policy.slices.columns),
    )


def _metric_faults(found: Any, metrics: Mapping[str, Any]) -> Iterator[str]:
    """The comparison and the evaluation must speak of the same figures, all of them numbers."""
    compared = {row["metric"]: row["challenger"] for row in found["metrics"]}
    for metric in sorted({*compared, *metrics}):
        ours, theirs = metrics.get(metric), compared.get(metric)
        if not (_is_number(ours) and _is_number(theirs)):
            yield f"{metric} is not a number"
        elif ours != theirs:
            yield f"{metric} was {ours:.6g} when evaluated, {theirs:.6g} when compared"
    if not compared:
        yield "nothing was measured"


def _is_number(value: Any) -> bool:
    is_numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return is_numeric and math.isfinite(value)


def _fairness(facts: Facts) -> Answer:
    rules, found = facts.comparison_policy.fairness, facts.document(COMPARISON)
    if not rules:
        return passes("configs/gates.yaml names no groups to compare.")
    if found["champion"] is None:
        return unclear("No champion to compare the gaps with; a person must look at them.")
    expected = [f"{_FAIRNESS}{rule.column}, {r}" for rule in rules for r in rule.max_worsening]
    gates = [gate for gate in found["gates"] if gate["name"].startswith(_FAIRNESS)]
    return _worst_of(gates, expected=expected)


def _worst_of(gates: Sequence[JsonGate], *, expected: Sequence[str]) -> Answer:
    """The worst gate decides; one that the policy asks for and that is not there is FAIL."""
    absent = [name for name in expected if name not in {gate["name"] for gate in gates}]
    if absent:
        return fails(f"Not judged: {', '.join(absent)}.")
    verdict = worst(Verdict(gate["verdict"]) for gate in gates)
    bad = [gate for gate in gates if gate["verdict"] != Verdict.PASS]
    if not bad:
        primary = [gate["reason"] for gate in gates if gate["name"] == "primary"]
        return passes(primary[0] if primary else f"{len(gates)} of {len(gates)} gates pass.")
    first = next(gate for gate in bad if gate["verdict"] == verdict)
    more = f" ({len(gates) - len(bad)} of {len(gates)} gates pass.)"
    return Answer(verdict, f"{first['name']}: {first['reason']}{more}")


# ---------------------------------------------------------------- what would be served


def _registered(facts: Facts) -> Answer:
    if REGISTRATION not in facts.documents:
        return waits(UNREGISTERED)
    record = facts.document(REGISTRATION)
    faults = []
    if record["model"] != facts.model:
        faults.append(f"the record is of {record['model']}")
    if facts.package is not None and record["digest"] != facts.package.digest:
        faults.append("the registered package is another one")
    if record["version"] is None:
        faults.append("the registry got a run and no version, as of a challenger that lost")
    return fails_if(faults, f"Version {record['version']} of {record['model']}.")


def _artifacts(facts: Facts) -> Answer:
    package, lock = facts.package, facts.lock
    if package is None:
        return fails(f"There is no package in {PACKAGE}.")
    if lock is None:
        return fails("There is no dvc.lock.")
    faults = list(package.faults)
    if PACKAGE not in lock.outs:
        faults.append(f"dvc.lock does not name {PACKAGE}")
    changed = [path for path, md5 in sorted(lock.found.items()) if lock.outs.get(path) != md5]
    faults += [f"{path} is not what dvc.lock recorded" for path in changed]
    if not faults and not package.is_here:
        return elsewhere("The package is in DVC's remote, not in this checkout.")
    return fails_if(faults, f"{package.digest}; {len(lock.found)} outputs are as dvc.lock names.")
