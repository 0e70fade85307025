"""Links between a manifest and people: why it was trained, who merged it, who approved it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from pipeline.core.inert import printable
from pipeline.core.proposal.identity import branch_of
from pipeline.core.trace.links import Check, Link, not_checked
from pipeline.core.trace.serving import MINUTE, Made
from pipeline.core.triggers.ledger import CHAMPION_FREE, Ledger, causes_of
from pipeline.domain import Gate, Verdict
from pipeline.forge import PullRequest, pull_number
from pipeline.manifest import RolloutSpec

NUMBERED = re.compile(r"-[0-9]{4,9}$")


def link_cause(ledger: Ledger, spec: RolloutSpec, merged: datetime) -> Link:
    """The events of the trigger ledger that asked for this retrain."""
    if NUMBERED.search(spec.retrain) is None:
        return not_checked("cause", f"{spec.retrain} was started by hand: no ledger has it")
    retrain = next((found for found in ledger.retrains if found.id == spec.retrain), None)
    events = causes_of(ledger, spec.retrain)
    checks = [
        Check(f"retrain {spec.retrain}", "in the ledger" if retrain else "not", "in the ledger"),
        Check("its events", "recorded" if events else "none", "recorded"),
    ]
    if retrain is not None:
        checks.append(Check("its model", retrain.model, spec.model))
    for event in events:
        if event.trigger not in CHAMPION_FREE:
            checks.append(
                Check(f"event {event.id}: champion", event.champion, spec.champion.digest)
            )
        when = "before the merge" if event.at <= merged else "after it"
        checks.append(Check(f"event {event.id}", when, "before the merge"))
    says = [f"{e.trigger} ({e.priority}) at {e.at:{MINUTE}}: {_short(e.reason)}" for e in events]
    return Link("cause", tuple(says[:5]) or (spec.retrain,), tuple(checks))


def link_merge(
    made: Made, retrain: str, trailer: str | None, evidence: str, pull: PullRequest | None
) -> Link:
    """The commit that brought the manifest: its trailer, and what the forge says of it.

    `retrain` is the manifest's. `trailer` is that of the proposal's own commit, `evidence` what
    that commit really holds.
    """
    number = pull_number(made.subject)
    name = f"pull request {number}" if number else "no pull request is named"
    checks = []
    if trailer is not None:
        checks.append(Check("trailer Perennial-Evidence", trailer, evidence))
    if pull is not None:
        checks.append(Check(f"{name}: merge commit", str(pull.merge_commit), made.commit))
        checks.append(Check(f"{name}: branch", printable(pull.branch, 200), branch_of(retrain)))
        if len(made.parents) > 1:
            checks.append(Check(f"{name}: head", pull.head, made.parents[1]))
    says = (f"{name}: {printable(made.subject, 80)}", made.line)
    if not checks:
        return not_checked(
            "merge", "the commit has no trailer, so it was not proposed by us", *says
        )
    return Link("merge", says, tuple(checks))


def link_approvals(gate: Gate | None, who: Sequence[str], merged_by: str, why_not: str) -> Link:
    """Who approved, as the forge knows it; git alone knows who merged."""
    merged = f"merged by {printable(merged_by, 60)}"
    if gate is None:
        return not_checked("approvals", why_not, merged)
    found = "approved" if gate.verdict is Verdict.PASS else gate.reason
    people = ", ".join(printable(login, 40) for login in who) or "nobody"
    return Link(
        "approvals", (f"{people} approved, {merged}",), (Check(gate.rule, found, "approved"),)
    )


def _short(text: str) -> str:
    return printable(text, 100)
