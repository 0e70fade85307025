"""GitHub's JSON of pull requests and their reviews."""

from __future__ import annotations

from typing import Any

from tests.servers.github_api import sample
from tests.servers.github_standin.objects import page_of, repository, shared, stamp, team, user
from tests.servers.github_standin.world import Issue, Pull, Review, World


def pull_object(world: World, issue: Issue, pull: Pull, state: str | None = None) -> dict[str, Any]:
    """A pull request; with `state` (its mergeable_state) the long form that one gets alone."""
    long = _long(world, issue, pull, state) if state else {}
    schema = "pull-request" if state else "pull-request-simple"
    return sample(
        schema,
        **shared(world, issue),
        **long,
        url=f"{world.api}/pulls/{issue.number}",
        issue_url=f"{world.api}/issues/{issue.number}",
        comments_url=f"{world.api}/issues/{issue.number}/comments",
        html_url=page_of(world, issue),
        draft=pull.is_draft,
        head=_end(world, pull.head_owner, pull.head_ref, pull.head),
        base=_end(world, world.owner, pull.base_ref, pull.base),
        merged_at=stamp(pull.merged_at),
        merge_commit_sha=pull.merge_commit or pull.test_merge,
        requested_reviewers=[user(world, login) for login in pull.reviewers],
        requested_teams=[team(world, slug) for slug in pull.team_reviewers],
    )


def review_object(world: World, issue: Issue, review: Review) -> dict[str, Any]:
    return sample(
        "pull-request-review",
        id=review.id,
        user=user(world, review.author),
        body=review.body,
        state=review.state,
        commit_id=review.commit,
        submitted_at=stamp(review.submitted_at),
        pull_request_url=f"{world.api}/pulls/{issue.number}",
        html_url=f"{page_of(world, issue)}#pullrequestreview-{review.id}",
    )


def _long(world: World, issue: Issue, pull: Pull, state: str) -> dict[str, Any]:
    changes = world.git.changes_between(pull.base, pull.head)
    return {
        "merged": pull.merged_at is not None,
        "merged_by": user(world, pull.merged_by) if pull.merged_by else None,
        "mergeable": pull.test_merge is not None if issue.is_open else None,
        "mergeable_state": state,
        "commits": len(world.git.commits_between(pull.base, pull.head)),
        "comments": sum(c.number == issue.number for c in world.comments.values()),
        "review_comments": 0,
        "changed_files": len(changes),
        "additions": sum(change.additions for change in changes),
        "deletions": sum(change.deletions for change in changes),
    }


def _end(world: World, owner: str, ref: str, commit: str) -> dict[str, Any]:
    """A head or base. The repository of a fork that is gone is null."""
    is_gone = owner != world.owner and world.forks.get(owner) is None
    return {
        "label": f"{owner}:{ref}",
        "ref": ref,
        "sha": commit,
        "user": user(world, owner),
        "repo": None if is_gone else repository(world, owner=owner),
    }
