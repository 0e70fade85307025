"""The open proposals that must be judged again though nothing happened to them; and asking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pipeline.adapters.git.trees import Tree, fetch_commit
from pipeline.config import load_usecase
from pipeline.core.proposal.identity import BASE, PREFIX, proposals_of
from pipeline.core.review.renewal import Verdict, address_of, main_of, reason_to_renew
from pipeline.core.review.report import CONTEXT
from pipeline.forge import Forge, PullRequest, StatusState
from pipeline.reviewing.facts import judges_alike


@dataclass(frozen=True)
class Renewal:
    """A proposal that must be judged again. `is_outdated`: what was said is not main's any more."""

    pull: PullRequest
    reason: str
    is_outdated: bool


def find_renewals(root: Path, forge: Forge, now: datetime) -> tuple[Renewal, ...]:
    """Those of the open proposals, newest first; `root` is a checkout of main.

    A pull request to another branch than main is none: that branch may have no review to start, or
    one of its own. Where none is open that is one request, and nothing is fetched. Raises
    OutsideError.
    """
    found = []
    for pull in proposals_of(forge.open_pulls(PREFIX), load_usecase(root).model, BASE):
        status = forge.status_of(pull.head, CONTEXT)
        verdict = status and Verdict(status.at, main_of(status.url))
        has_moved = verdict is not None and _has_moved(root, verdict.main)
        reason = reason_to_renew(verdict, now, has_moved=has_moved)
        if reason is not None:
            is_outdated = verdict is None or has_moved
            found.append(Renewal(pull, reason, is_outdated))
    return tuple(found)


def renew(root: Path, forge: Forge, renewal: Renewal) -> tuple[str, ...]:
    """Ask for the review; a verdict that is not main's any more counts no longer from now on.

    The status says by which main it was asked for: so it is asked for once, and once a day if
    nothing comes of it. A verdict that is only old stays until the newer one. Returns in words why
    nothing was started, if so: then no status is set either.
    """
    refused = forge.start_review(renewal.pull.number, kept_for=renewal.pull.head)
    if not refused and renewal.is_outdated:
        forge.set_status(
            renewal.pull.head,
            context=CONTEXT,
            state=StatusState.PENDING,
            description=f"Is judged again: {renewal.reason}.",
            url=address_of(Tree(root, "HEAD").commit, renewal.pull.url),
        )
    return refused


def _has_moved(root: Path, main: str | None) -> bool:
    if main is None:
        return True
    fetch_commit(root, main)
    return not judges_alike(root, main, "HEAD")
