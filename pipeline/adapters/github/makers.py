"""Who has a part in a pull request: whoever made one of its commits, or pushed to its branch."""

from __future__ import annotations

from urllib.parse import quote

from pipeline.adapters.github.connection import PAGE_ITEMS, Connection
from pipeline.adapters.github.shapes import ActivityShape, PullCommitShape, parse_all
from pipeline.errors import OutsideError
from pipeline.forge import PullRequest

MOST_COMMITS = 250  # that GitHub lists of a pull request
_DELETION = "branch_deletion"  # brings nothing


def list_makers(connection: Connection, pull: PullRequest) -> tuple[str, ...]:
    """See pipeline.forge.Forge.makers. Raises OutsideError where commits may be left out."""
    logins = [*_committers(connection, pull.number)]
    if not pull.is_fork:  # what happens to a fork's branches is not in this repository's record
        logins += _pushers(connection, pull.branch)
    return tuple(dict.fromkeys(logins))


def _committers(connection: Connection, number: int) -> list[str]:
    """Authors and committers whose address belongs to an account."""
    pages = -(-MOST_COMMITS // PAGE_ITEMS)
    items = connection.pages(f"/pulls/{number}/commits", pages)
    if len(items) >= MOST_COMMITS:
        raise OutsideError(
            f"GitHub: lists {len(items)} commits of pull request {number}, and no more of any: "
            "who made the others is not known. Propose it in fewer commits."
        )
    commits = parse_all(PullCommitShape, items, "a commit of a pull request")
    people = (person for commit in commits for person in (commit.author, commit.committer))
    return [person.login for person in people if person and person.login]


def _pushers(connection: Connection, branch: str) -> list[str]:
    """Who brought something to the branch, of the newest PAGE_ITEMS things that happened to it."""
    ref = quote(f"refs/heads/{branch}", safe="")
    items = connection.get(f"/activity?ref={ref}&per_page={PAGE_ITEMS}")
    if not isinstance(items, list):
        raise OutsideError("GitHub: GET /activity did not answer with a list. Run again.")
    moves = parse_all(ActivityShape, items, "an activity")
    return [move.actor.login for move in moves if move.actor and move.activity_type != _DELETION]
