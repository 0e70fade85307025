"""The comment below a merged pull request: written once, and kept current as weeks pass."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.core.outcome.promises import OutcomeFacts
from pipeline.core.outcome.view import view_outcome
from pipeline.core.report.escape import render_template
from pipeline.forge import Comment

MARKER = "<!-- perennial outcome -->"
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class AddComment:
    """There is none yet."""

    body: str

    def __str__(self) -> str:
        return "add the comment"


@dataclass(frozen=True)
class EditComment:
    """It says something else by now."""

    id: int
    body: str

    def __str__(self) -> str:
        return f"edit comment {self.id}"


def outcome_comment(facts: OutcomeFacts, template: str) -> str:
    """The comment; `template` is pipeline/templates/outcome.md.j2. Equal facts, equal text."""
    text = render_template(template, "comment", v=view_outcome(facts))
    return f"{MARKER}\n{_BLANK_LINES.sub(chr(10) * 2, text).strip(chr(10))}\n"


def plan_outcome(
    comments: Sequence[Comment], login: str, body: str
) -> AddComment | EditComment | None:
    """What is left to one current comment of ours; None where nothing is."""
    for comment in comments:
        is_ours = comment.author.casefold() == login.casefold()
        if is_ours and comment.body.partition("\n")[0].strip() == MARKER:
            said = comment.body.replace("\r\n", "\n").strip()
            return None if said == body.strip() else EditComment(comment.id, body)
    return AddComment(body)
