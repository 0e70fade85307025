"""The steps that make a proposal, or renew it: supersede, push, open or edit, link, tell.

In this order at most one proposal a model is open at any moment, and no link is missing for long.
"""

from __future__ import annotations

from pipeline.core.proposal.marker import (
    Marker,
    digest_of,
    parse_marker,
    with_marker,
    without_marker,
)
from pipeline.core.proposal.notes import find_superseded_note, is_same_note, superseded_note
from pipeline.core.proposal.state import Seen, Wanted, own_proposal
from pipeline.core.proposal.steps import (
    Close,
    Edit,
    End,
    Link,
    Open,
    ProposalPlan,
    Push,
    Say,
    Step,
    Tell,
    short,
)
from pipeline.core.pull.body import PullText
from pipeline.forge import PullRequest, PullState


def plan_renewal(wanted: Wanted, seen: Seen, proposals: tuple[PullRequest, ...]) -> ProposalPlan:
    """The steps that are left until the pull request is open and says what was found."""
    own = own_proposal(wanted, proposals)
    text = wanted.text(seen.branch.tip or seen.branch.main)
    steps = (
        *_supersede(wanted, seen, proposals),
        *_push(wanted, seen),
        *(_open(wanted, text) if own is None else _edit(wanted, seen, own, text)),
        *_link(wanted, seen, proposals, own),
        *_tell(wanted, seen, own, text),
    )
    name = f"#{own.number}" if own else "it"
    verb = "is open" if own else "will be open"
    end = f"{name} {verb} with evidence {short(wanted.evidence)}"
    return ProposalPlan(steps, End.CURRENT, end, own.number if own else None)


def _supersede(wanted: Wanted, seen: Seen, proposals: tuple[PullRequest, ...]) -> list[Step]:
    """Said, closed, and only then is the new one opened: at most one is open at any moment."""
    steps: list[Step] = []
    for pull in proposals:
        if pull.state is not PullState.OPEN or pull.branch == wanted.branch:
            continue
        said = seen.comments.get(pull.number, ())
        if find_superseded_note(said, seen.login, wanted.retrain) is None:
            note = superseded_note(wanted.retrain, None)
            steps.append(Say(pull.number, note, f"superseded by {wanted.retrain}"))
        steps.append(Close(pull.number))
    return steps


def _push(wanted: Wanted, seen: Seen) -> list[Step]:
    if seen.branch.is_current:
        return []
    message = f"Propose {wanted.retrain}"
    return [Push(wanted.branch, message, wanted.evidence, is_new=seen.branch.tip is None)]


def _open(wanted: Wanted, text: PullText) -> list[Step]:
    body = with_marker(_marker(wanted, text, None), text.body)
    return [Open(wanted.branch, wanted.base, text.title, body)]


def _edit(wanted: Wanted, seen: Seen, own: PullRequest, text: PullText) -> list[Step]:
    """A new commit always needs it: the text links pictures by their commit."""
    before = parse_marker(own.body)
    after = _marker(wanted, text, before.told if before else None)
    if seen.branch.is_current and before == after:
        return []
    return [Edit(own.number, text.title, with_marker(after, text.body))]


def _link(
    wanted: Wanted, seen: Seen, proposals: tuple[PullRequest, ...], own: PullRequest | None
) -> list[Step]:
    if own is None:
        return []
    body = superseded_note(wanted.retrain, own.number)
    steps: list[Step] = []
    for pull in proposals:
        is_closed = pull.state is PullState.CLOSED and pull.branch != wanted.branch
        said = seen.comments.get(pull.number, ()) if is_closed else ()
        note = find_superseded_note(said, seen.login, wanted.retrain)
        if note is not None and not is_same_note(note, body):
            steps.append(Link(note.id, body, pull.number, own.number))
    return steps


def _tell(wanted: Wanted, seen: Seen, own: PullRequest | None, text: PullText) -> list[Step]:
    """Whoever reviews is asked once; the checks run once a commit."""
    before = parse_marker(own.body) if own else None
    tip = seen.branch.tip or seen.branch.main
    if before is not None and before.told == tip and seen.branch.is_current:
        return []
    people = wanted.people if before is None or before.told is None else None
    rest = without_marker(own.body) if own else text.body
    body = with_marker(_marker(wanted, text, tip), rest)
    return [Tell(own.number if own else 0, people, body)]


def _marker(wanted: Wanted, text: PullText, told: str | None) -> Marker:
    return Marker(wanted.model, wanted.retrain, wanted.evidence, digest_of(text.body), told)
