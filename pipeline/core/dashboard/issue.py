"""The one issue that says how every model is: found by a hidden line, edited in place.

What is written has no time of its own, so that an hour in which nothing happened edits nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.core.dashboard.editions import Edition, editions, lines_only
from pipeline.core.dashboard.model import MAX_REASON, ModelView
from pipeline.core.pull.body import MAX_BODY, units
from pipeline.core.pull.causes import shortened
from pipeline.core.report.escape import render_template
from pipeline.forge import Issue

LABEL = "perennial"
TITLE = "Perennial dashboard"
MARKER = "<!-- perennial dashboard -->"
SHOWN_INCIDENTS = 20
_BLANK_LINES = re.compile(r"\n{3,}")
_SURPLUS = f"This one is not used any more: see #{{number}}, *{TITLE}*.\n"


@dataclass(frozen=True)
class OpenIssue:
    """There is none: open it."""

    body: str

    def __str__(self) -> str:
        return f"open the issue “{TITLE}”"


@dataclass(frozen=True)
class EditIssue:
    """Say `body` in issue `number`, and open it or close it."""

    number: int
    body: str
    is_open: bool
    why: str

    def __str__(self) -> str:
        return f"{'edit' if self.is_open else 'close'} issue {self.number}: {self.why}"


Step = OpenIssue | EditIssue


def plan_dashboard(issues: Sequence[Issue], login: str, body: str) -> tuple[Step, ...]:
    """What is left to one open, current dashboard; () where nothing is.

    `issues` are those with LABEL. Ours has our hidden line and was opened by `login`: anybody may
    copy the line. Of several (two runs at once) the first one stays.
    """
    ours = sorted((i for i in issues if _is_ours(i, login)), key=lambda issue: issue.number)
    if not ours:
        return (OpenIssue(body),)
    first, *others = ours
    steps: list[Step] = []
    if not _says(first, body) or not first.is_open:
        why = "it says something else" if first.is_open else "it was closed"
        steps.append(EditIssue(first.number, body, True, why))
    pointer = f"{MARKER}\n{_SURPLUS.format(number=first.number)}"
    surplus = [issue for issue in others if issue.is_open]
    steps += [EditIssue(i.number, pointer, False, f"{first.number} is older") for i in surplus]
    return tuple(steps)


def open_incidents(issues: Sequence[Issue], login: str) -> tuple[Issue, ...]:
    """What else of ours is open under LABEL, oldest first."""
    found = (i for i in issues if i.is_open and _is_by(i, login) and not _is_ours(i, login))
    return tuple(sorted(found, key=lambda issue: issue.number))


def dashboard_body(
    models: Sequence[ModelView], template: str, incidents: Sequence[Issue] = ()
) -> str:
    """The body; `template` is pipeline/templates/dashboard.md.j2. Equal models, equal text.

    At most MAX_BODY characters, counted as UTF-16 does: what does not fit is left out, and said.
    """
    for edition in editions(models):
        body = _render(edition, template, incidents)
        if units(body) <= MAX_BODY:
            return body

    def length(count: int) -> int:
        return units(_render(lines_only(models, count), template, incidents))

    fitting = bisect_right(range(len(models) + 1), MAX_BODY, key=length) - 1
    return _render(lines_only(models, fitting), template, incidents)


def _render(edition: Edition, template: str, incidents: Sequence[Issue]) -> str:
    shown = [replace(i, title=shortened(i.title, MAX_REASON)) for i in incidents[:SHOWN_INCIDENTS]]
    text = render_template(
        template,
        "comment",
        models=edition.models,
        brief=edition.brief,
        left_out=edition.left_out,
        incidents=shown,
        more_incidents=len(incidents) - len(shown),
    )
    return f"{MARKER}\n{_BLANK_LINES.sub(chr(10) * 2, text).strip(chr(10))}\n"


def _is_ours(issue: Issue, login: str) -> bool:
    return _is_by(issue, login) and issue.body.partition("\n")[0].strip() == MARKER


def _is_by(issue: Issue, login: str) -> bool:
    return issue.author.casefold() == login.casefold()


def _says(issue: Issue, body: str) -> bool:
    return issue.body.replace("\r\n", "\n").strip() == body.strip()
