"""What a retrain pull request proposes: that it won, and that its manifest says just that."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.domain import Gate, Verdict, worst

_PACKAGE = "artifacts/package"
# People decide these in the pull request itself, where they wait: the gate `approvals` counts them,
# those that a retrain by hand waits for too (see waits_for_manual_approval).
_TRIGGERS = "triggers_validated"
_BY_PEOPLE = frozenset({"plan_approved", "sign_off", _TRIGGERS})
# An A/B test begins once there is a challenger: the gate `ab_test` looks for its answer on main.
_ELSEWHERE = _BY_PEOPLE | {"ab_test"}


@dataclass(frozen=True)
class Proposed:
    """What rollout.yaml says: ids, a digest (`sha256:...`), DVC's name of the package, the plan."""

    model: str
    retrain: str
    champion: str
    package_md5: str
    plan: Any


def assess_proposal(
    proposed: Proposed,
    comparison: Mapping[str, Any],
    outs: Mapping[str, str],
    *,
    model: str,
    retrain: str,
    champion: str | None,
    plan: Any,
) -> tuple[Gate, Gate]:
    """The gates `verdict` and `manifest`.

    `champion` and `plan` are main's, `retrain` is the branch's; `outs` are dvc.lock's, path to MD5.
    Without a champion nothing can be proposed this way: a person approves the first model.
    """
    verdict = str(comparison.get("verdict"))
    faults = {
        "it is of another model": proposed.model != model,
        "it is of another retrain than its branch": proposed.retrain != retrain,
        "it starts from another champion than serves": proposed.champion != champion,
        "the comparison was with another champion": comparison.get("champion") != champion,
        "its package is not the one that the run made": proposed.package_md5 != outs.get(_PACKAGE),
        "its plan is not that of configs/rollout-plan.yaml": proposed.plan != plan,
    }
    found = [fault for fault, is_so in faults.items() if is_so]
    return (
        Gate(
            "verdict",
            Verdict.PASS if verdict == Verdict.PASS else Verdict.FAIL,
            "The challenger beat the champion.",
            f"The comparison says {verdict}.",
        ),
        Gate(
            "manifest",
            Verdict.FAIL if found else Verdict.PASS,
            "The manifest rolls out this retrain's challenger, from this champion, by this plan.",
            f"{'; '.join(found)}.".capitalize() if found else "It says just that.",
        ),
    )


def assess_quality(found: Mapping[str, Any]) -> Gate:
    """The worst item of the quality gates, but for what waits and has a gate of its own here.

    `found` is artifacts/gates/quality-gates.json. Items that are not required do not count.
    """
    items = [item for item in _required(found) if not _waits(item, _ELSEWHERE)]
    verdict = worst(Verdict(item["verdict"]) for item in items)
    still_open = [item for item in items if item["verdict"] != Verdict.PASS]
    said = "; ".join(f"{item['title']}: {item['reason']}" for item in still_open[:3])
    return Gate(
        "quality",
        verdict,
        "Readiness, model quality and deployment safety pass.",
        said or f"{len(items)} items pass.",
    )


def waits_for_manual_approval(found: Mapping[str, Any]) -> bool:
    """Whether the retrain ran by hand, so that `manual_retrain` has its approvals still to come.

    One that the trigger ledger knows had them when it was admitted. `found` is as above.
    """
    return any(_waits(item, {_TRIGGERS}) for item in _required(found))


def _required(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    every = [item for gate in found.get("gates", ()) for item in gate.get("items", ())]
    return [item for item in every if item.get("is_required", True)]


def _waits(item: Mapping[str, Any], names: Collection[str]) -> bool:
    """Whether the item is one of `names` and still waits for somebody or something."""
    is_open = item.get("verdict") == Verdict.INCONCLUSIVE and item.get("waits", False)
    return bool(is_open) and item.get("name") in names
