"""What GitHub does after a push: it is found out at the next request, from the refs themselves."""

from __future__ import annotations

from tests.servers.github_standin.events import note_pull, note_pushes, note_review
from tests.servers.github_standin.rules import dismiss_stale
from tests.servers.github_standin.world import Issue, Pull, World


def sync(world: World, actor: str | None = None) -> None:
    """Bring every open pull request up to date; `actor` did it, else the world's pusher."""
    refs = world.git.refs()
    note_pushes(world, refs, actor or world.pusher)
    for issue, pull in world.open_pulls():
        head = head_of(world, pull, refs)
        base = refs.get(f"refs/heads/{pull.base_ref}")
        if head is None or base is None:
            world.close(issue, actor or world.pusher)
            note_pull(world, "closed", issue, actor or world.pusher)
        elif (head, base) != (pull.head, pull.base_tip):
            _follow(world, issue, head, base, actor or world.pusher)


def head_of(world: World, pull: Pull, refs: dict[str, str] | None = None) -> str | None:
    """Where the head's branch is now, None if it is gone; of a fork, what the fork has."""
    ref = f"refs/heads/{pull.head_ref}"
    if pull.head_owner == world.owner:
        return (world.git.refs() if refs is None else refs).get(ref)
    fork = world.forks.get(pull.head_owner)
    head = fork.refs().get(ref) if fork else None
    if fork and head and head != pull.head:
        world.git.import_from(fork, head)
    return head


def show(world: World, issue: Issue, pull: Pull) -> None:
    """Set refs/pull/N/head and refs/pull/N/merge; the latter stays where branches conflict."""
    world.git.update_ref(f"refs/pull/{issue.number}/head", pull.head)
    tree = world.git.merged_tree(pull.base_tip, pull.head)
    pull.test_merge = None
    if tree is not None:
        words = f"Merge {pull.head} into {pull.base_tip}"
        parents = [pull.base_tip, pull.head]
        pull.test_merge = world.git.commit_tree(tree, parents, words, issue.author)
        world.git.update_ref(f"refs/pull/{issue.number}/merge", pull.test_merge)


def _follow(world: World, issue: Issue, head: str, base: str, actor: str) -> None:
    pull = issue.pull
    assert pull is not None
    before, is_pushed = pull.head, head != pull.head
    if is_pushed:
        issue.updated_at = world.now()
        pull.head, pull.base = head, base
    stale = dismiss_stale(world, issue, pull) if is_pushed else []
    pull.base_tip = base
    if world.git.is_ancestor(head, base):
        _end_of(world, issue, pull, actor, is_merged=not is_pushed)
        return
    show(world, issue, pull)
    if is_pushed:
        note_pull(world, "synchronize", issue, actor, before=before, after=head)
    for review in stale:
        note_review(world, "dismissed", issue, review, actor)


def _end_of(world: World, issue: Issue, pull: Pull, actor: str, *, is_merged: bool) -> None:
    """A base that came to have the head merged it; a head without commits of its own is closed."""
    if is_merged:
        pull.merge_commit, pull.merged_at, pull.merged_by = pull.base_tip, world.now(), actor
    world.git.update_ref(f"refs/pull/{issue.number}/head", pull.head)
    world.close(issue, actor)
    note_pull(world, "closed", issue, actor)
