"""Bring a proposal about: look, plan, take the first step, look again, until nothing is left.

Each look starts from nothing but git and the forge, so a run that is killed between two steps, or
within one, is completed by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipeline.adapters.git.proposal_branch import ProposalBranch
from pipeline.champion import parse_pointer
from pipeline.core.proposal.identity import PREFIX
from pipeline.core.proposal.plan import plan_proposal
from pipeline.core.proposal.state import Seen, Wanted, needs_comments
from pipeline.core.proposal.steps import (
    Close,
    Edit,
    Link,
    Open,
    ProposalPlan,
    Push,
    Say,
    Step,
    Tell,
)
from pipeline.errors import OutsideError
from pipeline.forge import Forge

MAX_STEPS = 30  # one proposal takes five; each superseded one two more


@dataclass(frozen=True)
class Proposal:
    """What is proposed: the `files` by path (None takes one away), on a branch of a forge."""

    wanted: Wanted
    files: Mapping[str, bytes | None]
    branch: ProposalBranch
    forge: Forge


def look(proposal: Proposal) -> Seen:
    """What is there now. Raises OutsideError."""
    wanted, forge = proposal.wanted, proposal.forge
    pulls = forge.pulls(f"{PREFIX}{wanted.model}-")
    state = proposal.branch.state(proposal.files)
    return Seen(
        login=forge.login(),
        branch=state,
        champion=champion_at(proposal.branch, state.main),
        pulls=pulls,
        comments={n: forge.comments(n) for n in needs_comments(pulls, wanted)},
    )


def plan(proposal: Proposal) -> ProposalPlan:
    """The steps that are left as things are now."""
    return plan_proposal(proposal.wanted, look(proposal))


def bring_about(proposal: Proposal, tell: Callable[[str], None]) -> ProposalPlan:
    """Take every step that is left, telling each, and return the last plan, which has none.

    Raises OutsideError where a system fails, or where it does not come to an end: somebody else
    works on the same proposal.
    """
    for _ in range(MAX_STEPS):
        seen = look(proposal)
        left = plan_proposal(proposal.wanted, seen)
        if not left.steps:
            return left
        tell(str(left.steps[0]))
        for remark in take(proposal, seen, left.steps[0]):
            tell(f"  {remark}")
    raise OutsideError(
        f"{proposal.branch.name}: not done after {MAX_STEPS} steps, so somebody else works on it "
        "too. Run again."
    )


def take(proposal: Proposal, seen: Seen, step: Step) -> tuple[str, ...]:
    """Take one step; what a forge would not do, though it matters little, is returned in words.

    A push that somebody was quicker than does nothing: the next look sees what they pushed.
    """
    forge = proposal.forge
    match step:
        case Say():
            forge.add_comment(step.number, step.body)
        case Close():
            forge.close_pull(step.number)
        case Push():
            proposal.branch.push(seen.branch, proposal.files, step.message, step.evidence)
        case Open():
            forge.open_pull(branch=step.branch, base=step.base, title=step.title, body=step.body)
        case Edit():
            forge.edit_pull(step.number, title=step.title, body=step.body)
        case Link():
            forge.edit_comment(step.comment, step.body)
        case Tell():
            return _tell(forge, step)
    return ()


def champion_at(branch: ProposalBranch, commit: str) -> str | None:
    """The digest of the champion that a commit's pointer names; None where it names none."""
    path = f"rollouts/{branch.model}/champion.yaml"
    content = branch.file_at(commit, path)
    text = (content or b"").decode("utf-8", "replace")
    champion = parse_pointer(text, path)
    return champion.digest if champion else None


def _tell(forge: Forge, step: Tell) -> tuple[str, ...]:
    refused: tuple[str, ...] = ()
    if step.people is not None:
        refused = forge.ask(
            step.number,
            labels=step.people.labels,
            reviewers=step.people.reviewers,
            assignees=step.people.assignees,
        )
    refused += forge.start_review(step.number)
    forge.edit_pull(step.number, body=step.body)
    return refused
