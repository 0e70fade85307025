"""Whether the people of a policy agree to a pull request: the same for the judge and the trace."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pipeline.adapters.git.trees import Tree
from pipeline.approvers import load_approvers
from pipeline.core.quality.as_json import QUALITY_GATES
from pipeline.core.review.approvals import Opinion, Quorum, assess_approvals
from pipeline.core.review.proposal import waits_for_manual_approval
from pipeline.core.triggers.ledger import Ledger, why_not_asked_for
from pipeline.domain import Gate
from pipeline.forge import PullRequest, Review
from pipeline.gates_config import load_quality_policy
from pipeline.trigger_config import TriggerConfig, load_triggers

BY_HAND = "since it ran by hand"


def assess_reviews(
    root: Path,
    pull: PullRequest,
    reviews: Iterable[Review],
    makers: Iterable[str],
    *,
    why_by_hand: str | None = None,
) -> Gate:
    """Whether each role that the policy below `root` asks for approved the newest commit.

    Neither its author nor any of its `makers` (logins) can: they would approve their own work.
    A retrain that ran by hand needs the approvals of `manual_retrain` as well: `why_by_hand` says,
    after a comma, why it is one, None that it is none.
    Raises ConfigurationError for a policy that cannot be read.
    """
    return assess_approvals(
        [Opinion(review.author, review.state, review.commit) for review in reviews],
        head=pull.head,
        authors=[pull.author, *makers],
        roles_wanted=load_quality_policy(root).deployment_safety.approving_roles,
        logins_of=load_approvers(root).roles,
        quorum=manual_quorum(load_triggers(root), why_by_hand) if why_by_hand else None,
    )


def why_by_hand(
    head: Tree,
    ledger: Ledger | None,
    model: str,
    retrain: str,
    *,
    merged: datetime | None = None,
) -> str | None:
    """Why `retrain`, proposed at `head`, needs the approvals of one by hand; None if it does not.

    A branch may say so of itself, and cannot deny it: what a trigger asked for is the open retrain
    of the trigger `ledger` (None where that cannot be read), which had its approvals when it was
    admitted. Of one that was `merged` then, the ledger must have had it open until then.
    """
    if ran_by_hand(head):
        return BY_HAND
    if ledger is None:
        return "since the trigger ledger cannot be read"
    why_not = why_not_asked_for(ledger, model, retrain, merged=merged)
    return f"since {why_not}" if why_not else None


def ran_by_hand(head: Tree) -> bool:
    """Whether the retrain at `head` says that it waits for the approvals of one by hand.

    No where it does not say: then `assess_contents` raises, and the pull request fails by that.
    """
    try:
        found = json.loads(head.text(QUALITY_GATES) or "")
        return waits_for_manual_approval(found)
    except (ValueError, RecursionError, TypeError, AttributeError):  # no JSON, or of another shape
        return False


def manual_quorum(triggers: TriggerConfig, why: str) -> Quorum | None:
    """Who must agree to a retrain by hand; None where the rule asks for no approval.

    `why` says, after a comma, why it is one. Where no such retrain is allowed, nobody can.
    """
    rule = triggers.retraining_triggers.manual_retrain
    if rule is None or not rule.enabled:
        return Quorum((), 1, "since configs/triggers.yaml allows no retrain by hand")
    if not rule.requires_approval:
        return None
    return Quorum(rule.approvers, rule.min_approvals, why)
