"""The pull request of a retrain as text: one screen to decide by, then folds with the rest.

The template lays out. Folds that no longer fit into what a forge takes are left out from the last
one up, and the text says which, and where they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.core.pull.facts import PullFacts
from pipeline.core.pull.view import title_of, view_of
from pipeline.core.report.escape import code, render_template

MAX_BODY = 65_536
ROOM = 400  # for the hidden line that whoever opens the pull request puts before the body
_FOLD = Markup("\x1e")  # before each fold; no outside text has it (see report_escape.clean)
_BLANK_LINES = re.compile(r"\n{3,}")
_SUMMARY = re.compile(r"<summary>(.*?)</summary>")


@dataclass(frozen=True)
class PullText:
    """The title (at most 120 characters, inert as plain text) and the body.

    The body has at most MAX_BODY - ROOM characters, counted as UTF-16 does: forges differ.
    """

    title: str
    body: str


def build_pull_text(facts: PullFacts, template: str) -> PullText:
    """The texts; `template` is pipeline/templates/pull_request.md.j2. Equal facts, equal text."""
    text = render_template(template, "comment", p=view_of(facts), fold=_FOLD)
    head, *folds = (_BLANK_LINES.sub("\n\n", part).strip("\n") for part in text.split(_FOLD))
    return PullText(title_of(facts), fitted(head, folds, facts.places.report))


def fitted(head: str, folds: Sequence[str], report: str) -> str:
    """`head` and as many of the first `folds` as fit, with a word on those that do not.

    Raises ValueError where not even the head fits: its parts are all limited, so that is a bug.
    """
    for kept in range(len(folds), -1, -1):
        dropped = _dropped(folds[kept:], report)
        body = "\n\n".join([head, *dropped, *folds[:kept]]) + "\n"
        if units(body) <= MAX_BODY - ROOM:
            return body
    raise ValueError(f"{units(head)} characters before the first fold, expected fewer")


def units(text: str) -> int:
    """The length of `text` in UTF-16 code units: never less than any forge counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _dropped(folds: Sequence[str], report: str) -> list[str]:
    if not folds:
        return []
    found = (_SUMMARY.search(fold) for fold in folds)
    titles = ", ".join(match[1] for match in found if match)
    return [f"Too long for a pull request, so only in {code(report)}: {titles}."]
