"""What we say in comments; a hidden first line tells our notes apart, so that each is said once.

Every value in them has been checked against a pattern (digests, ids of retrains, numbers, branches
of ours): nothing here can be Markdown that a stranger wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.core.proposal.steps import short
from pipeline.forge import Comment

_STOPPED = "<!-- perennial note=stopped -->"
_SUPERSEDED = re.compile(r"<!-- perennial note=superseded by=(\S+) -->\n[\s\S]*")


def stopped_note(branch: str, commits: int, evidence: str) -> str:
    """Why a proposal is no longer renewed, and what lets it go on."""
    are = "is 1 commit that is" if commits == 1 else f"are {commits} commits that are"
    return (
        f"{_STOPPED}\n"
        f"**No longer updated by Perennial.** There {are} not its own on `{branch}`, and it never "
        f"writes over anybody's work. New evidence (`{short(evidence)}`) is therefore not in this "
        "pull request.\n\n"
        "To let it go on, move those commits to a branch of their own and take them off this one, "
        "or close this pull request and delete its branch; then run the retrain's proposal again."
    )


def superseded_note(retrain: str, number: int | None) -> str:
    """What took a proposal's place; `number` is None until that is open."""
    successor = f"#{number} (`{retrain}`)" if number else f"the proposal of `{retrain}`"
    return (
        f"<!-- perennial note=superseded by={retrain} -->\n"
        f"Superseded by {successor}, which judges a newer retrain: one proposal a model at a time. "
        "This branch and everything on it stay."
    )


def has_stopped_note(comments: Iterable[Comment], login: str) -> bool:
    """Whether we said it already; what others say in our words does not count."""
    return any(c.author == login and c.body.startswith(_STOPPED) for c in comments)


def find_superseded_note(comments: Iterable[Comment], login: str, retrain: str) -> Comment | None:
    """Our newest comment that names `retrain` as what took the place."""
    found = None
    for comment in comments:
        note = _SUPERSEDED.fullmatch(comment.body.replace("\r\n", "\n"))
        if note and comment.author == login and note.group(1) == retrain:
            found = comment
    return found


def is_same_note(comment: Comment, body: str) -> bool:
    """Whether a comment says `body` already; how a forge ends lines changes nothing."""
    return comment.body.replace("\r\n", "\n").strip() == body.strip()
