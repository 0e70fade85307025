"""Closing and reopening, of issues and of pull requests."""

from __future__ import annotations

from tests.servers.github_standin.answers import invalid
from tests.servers.github_standin.events import note_pull
from tests.servers.github_standin.routes import Call
from tests.servers.github_standin.sync import head_of, sync
from tests.servers.github_standin.world import Issue, Pull, World


def set_state(call: Call, issue: Issue, state: str | None, reason: str | None = None) -> None:
    """Close or reopen; a pull request only if its branch is still what it was."""
    world, actor = call.world, call.viewer.login
    if state == "closed" and issue.is_open:
        world.close(issue, actor, reason)
        note_pull(world, "closed", issue, actor)
    if state == "open" and not issue.is_open:
        if issue.pull is not None:
            _check_reopened(world, issue.pull)
        issue.is_open, issue.closed_at, issue.closed_by = True, None, None
        issue.state_reason = None if issue.pull else "reopened"
        issue.updated_at = world.now()
        note_pull(world, "reopened", issue, actor)
        sync(world, actor)


def has_twin(world: World, pull: Pull) -> bool:
    """Whether an open pull request has the same head and base."""
    key = (pull.head_owner, pull.head_ref, pull.base_ref)
    return any(key == (p.head_owner, p.head_ref, p.base_ref) for _, p in world.open_pulls())


def _check_reopened(world: World, pull: Pull) -> None:
    head = head_of(world, pull)
    why = None
    if pull.merged_at is not None:
        why = "The pull request has been merged."
    elif head is None:
        why = f"The {pull.head_ref} branch has been deleted."
    elif not world.git.is_ancestor(pull.head, head):
        why = f"The {pull.head_ref} branch was force-pushed or recreated."
    elif has_twin(world, pull):
        why = f"There is already an open pull request from {pull.head_ref} to {pull.base_ref}."
    if why is not None:
        raise invalid("PullRequest", "state", "invalid", f"state cannot be changed. {why}")
