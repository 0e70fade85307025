"""What a run wants to propose, and what is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.core.proposal.identity import branch_of, proposals_of
from pipeline.core.proposal.marker import parse_marker
from pipeline.core.proposal.steps import People
from pipeline.core.pull.body import PullText
from pipeline.forge import BranchState, Comment, PullRequest, PullState

CLOSED_LOOKED_AT = 2


@dataclass(frozen=True)
class Wanted:
    """A run that passed, as it should be proposed.

    `champion` is the digest that the challenger was judged against, None for a first model.
    `text` makes the title and the body, whose pictures are linked by the commit it is given.
    """

    model: str
    retrain: str
    evidence: str
    champion: str | None
    text: Callable[[str], PullText]
    people: People = field(default_factory=People)
    base: str = "main"

    @property
    def branch(self) -> str:
        """The branch it is proposed on."""
        return branch_of(self.retrain)


@dataclass(frozen=True)
class Seen:
    """What is there: `login` is who we are, `champion` the one that main's pointer names.

    `pulls` newest first; `comments` by number, of the pull requests that `needs_comments` names.
    """

    login: str
    branch: BranchState
    champion: str | None
    pulls: tuple[PullRequest, ...]
    comments: Mapping[int, tuple[Comment, ...]]


def needs_comments(pulls: tuple[PullRequest, ...], wanted: Wanted) -> tuple[int, ...]:
    """The pull requests whose comments a plan looks at: open ones, its own, the last closed ones.

    Of these two are enough: what is superseded now was open a moment ago.
    """
    proposals = proposals_of(pulls, wanted.model, wanted.base)
    is_open = [p.number for p in proposals if p.state is PullState.OPEN]
    own = [p.number for p in proposals if p.branch == wanted.branch]
    others = [p for p in proposals if p.branch != wanted.branch]
    closed = [p.number for p in others if p.state is PullState.CLOSED]
    return tuple(dict.fromkeys([*is_open, *own[:1], *closed[:CLOSED_LOOKED_AT]]))


def own_proposal(wanted: Wanted, proposals: tuple[PullRequest, ...]) -> PullRequest | None:
    """The open pull request of this retrain's own branch."""
    return next(
        (p for p in proposals if p.branch == wanted.branch and p.state is PullState.OPEN), None
    )


def evidence_of(pull: PullRequest, seen: Seen) -> str | None:
    """By git where its commit is at hand, else by its marker."""
    at_hand = next((c.evidence for c in seen.branch.commits if c.sha == pull.head), None)
    marker = parse_marker(pull.body)
    return at_hand or (marker.evidence if marker else None)
