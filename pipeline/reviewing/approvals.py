"""Whether the people of a policy agree to a pull request: the same for the judge and the trace."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pipeline.adapters.git.trees import Tree
from pipeline.approvers import load_approvers
from pipeline.core.quality.as_json import QUALITY_GATES
from pipeline.core.review.approvals import Opinion, Quorum, assess_approvals
from pipeline.core.review.proposal import waits_for_manual_approval
from pipeline.domain import Gate
from pipeline.forge import PullRequest, Review
from pipeline.gates_config import load_quality_policy
from pipeline.trigger_config import TriggerConfig, load_triggers


def assess_reviews(
    root: Path,
    pull: PullRequest,
    reviews: Iterable[Review],
    makers: Iterable[str],
    *,
    is_by_hand: bool = False,
) -> Gate:
    """Whether each role that the policy below `root` asks for approved the newest commit.

    Neither its author nor any of its `makers` (logins) can: they would approve their own work.
    A retrain that ran by hand (`is_by_hand`) needs the approvals of `manual_retrain` as well.
    Raises ConfigurationError for a policy that cannot be read.
    """
    return assess_approvals(
        [Opinion(review.author, review.state, review.commit) for review in reviews],
        head=pull.head,
        authors=[pull.author, *makers],
        roles_wanted=load_quality_policy(root).deployment_safety.approving_roles,
        logins_of=load_approvers(root).roles,
        quorum=manual_quorum(load_triggers(root)) if is_by_hand else None,
    )


def ran_by_hand(head: Tree) -> bool:
    """Whether the retrain at `head` waits for the approvals of one by hand.

    No where it does not say: then `assess_contents` raises, and the pull request fails by that.
    """
    try:
        found = json.loads(head.text(QUALITY_GATES) or "")
        return waits_for_manual_approval(found)
    except (ValueError, RecursionError, TypeError, AttributeError):  # no JSON, or of another shape
        return False


def manual_quorum(triggers: TriggerConfig) -> Quorum | None:
    """Who must agree to a retrain by hand; None where the rule asks for no approval.

    Where no such retrain is allowed, nobody can.
    """
    rule = triggers.retraining_triggers.manual_retrain
    if rule is None or not rule.enabled:
        return Quorum((), 1, "since configs/triggers.yaml allows no retrain by hand")
    if not rule.requires_approval:
        return None
    return Quorum(rule.approvers, rule.min_approvals, "since it ran by hand")
