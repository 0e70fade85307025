"""Whether the people of a policy agree to a pull request: the same for the judge and the trace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.approvers import load_approvers
from pipeline.core.review.approvals import Opinion, assess_approvals
from pipeline.domain import Gate
from pipeline.forge import PullRequest, Review
from pipeline.gates_config import load_quality_policy


def assess_reviews(root: Path, pull: PullRequest, reviews: Iterable[Review]) -> Gate:
    """Whether each role that the policy below `root` asks for approved the newest commit.

    Raises ConfigurationError for a policy that cannot be read.
    """
    return assess_approvals(
        [Opinion(review.author, review.state, review.commit) for review in reviews],
        head=pull.head,
        authors=[pull.author],
        roles_wanted=load_quality_policy(root).deployment_safety.approving_roles,
        logins_of=load_approvers(root).roles,
    )
