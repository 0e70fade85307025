"""Who has a part in a pull request: whoever made one of its commits, or pushed to its branch."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import quote

from pipeline.adapters.github.connection import PAGE_ITEMS, Connection
from pipeline.adapters.github.shapes import ActivityShape, PullCommitShape, parse_all
from pipeline.errors import OutsideError
from pipeline.forge import PullRequest

MOST_COMMITS = 250  # that GitHub lists of a pull request
_DELETION = "branch_deletion"  # brings nothing


def list_makers(
    connection: Connection, pull: PullRequest, merges: Mapping[str, str]
) -> tuple[str, ...]:
    """See pipeline.forge.Forge.makers. Raises OutsideError where commits may be left out."""
    logins = [*_committers(connection, pull.number, merges)]
    if not pull.is_fork:  # what happens to a fork's branches is not in this repository's record
        logins += _pushers(connection, pull.branch, merges)
    return tuple(dict.fromkeys(logins))


def _committers(connection: Connection, number: int, merges: Collection[str]) -> list[str]:
    """Authors and committers whose address belongs to an account."""
    pages = -(-MOST_COMMITS // PAGE_ITEMS)
    items = connection.pages(f"/pulls/{number}/commits", pages)
    if len(items) >= MOST_COMMITS:
        raise OutsideError(
            f"GitHub: lists {len(items)} commits of pull request {number}, and no more of any: "
            "who made the others is not known. Propose it in fewer commits."
        )
    commits = parse_all(PullCommitShape, items, "a commit of a pull request")
    theirs = (commit for commit in commits if commit.sha not in merges)
    people = (person for commit in theirs for person in (commit.author, commit.committer))
    return [person.login for person in people if person and person.login]


def _pushers(connection: Connection, branch: str, merges: Mapping[str, str]) -> list[str]:
    """Who brought something to the branch, of the newest PAGE_ITEMS things that happened to it.

    A push of one of `merges` and of nothing below it is none of those.
    """
    ref = quote(f"refs/heads/{branch}", safe="")
    items = connection.items(f"/activity?ref={ref}&per_page={PAGE_ITEMS}")
    moves = parse_all(ActivityShape, items, "an activity")
    return [
        move.actor.login
        for move in moves
        if move.actor and move.activity_type != _DELETION and merges.get(move.after) != move.before
    ]
