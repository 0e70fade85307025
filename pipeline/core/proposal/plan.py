"""From what a finished run wants to propose, and what is there, to the steps that are left.

State comes from git (the branch and its commits) and from the hidden marker, never from labels.
Whoever applies a plan does its first step and looks again, so a run that is killed anywhere is
completed by the next one. No step undoes what a person did: commits of others stop us, a pull
request that a person closed snoozes this evidence, a body that a person edited stays until there
is something new to say.
"""

from __future__ import annotations

from pipeline.core.proposal.identity import (
    commits_of_people,
    is_later,
    proposals_of,
    retrain_of,
)
from pipeline.core.proposal.notes import has_stopped_note, stopped_note
from pipeline.core.proposal.renewal import plan_renewal
from pipeline.core.proposal.state import Seen, Wanted, evidence_of, own_proposal
from pipeline.core.proposal.steps import End, ProposalPlan, Say, short
from pipeline.forge import PullRequest, PullState
from pipeline.wording import counted


def plan_proposal(wanted: Wanted, seen: Seen) -> ProposalPlan:
    """The steps that are left to one open, current pull request; none where nothing is to be done.

    The first of these decides: a merge, a champion that has moved on, a newer proposal, a snooze,
    commits of people; else the proposal is made or renewed.
    """
    proposals = proposals_of(seen.pulls, wanted.model, wanted.base)
    return (
        _merged(wanted, seen, proposals)
        or _past(wanted, seen, proposals)
        or _snoozed(wanted, seen, proposals)
        or _stopped(wanted, seen, proposals)
        or plan_renewal(wanted, seen, proposals)
    )


def _past(wanted: Wanted, seen: Seen, proposals: tuple[PullRequest, ...]) -> ProposalPlan | None:
    if seen.champion != wanted.champion:
        was = short(wanted.champion) if wanted.champion else "none"
        now = short(seen.champion) if seen.champion else "none"
        reason = f"judged against champion {was}, and now {now} serves: retrain"
        return ProposalPlan((), End.STOPPED, reason)
    for pull in proposals:  # a person's may have any number, and would hold up all below that
        other = retrain_of(pull.branch, wanted.model) or ""
        is_alive = pull.state is not PullState.CLOSED and pull.author == seen.login
        if is_alive and is_later(other, wanted.retrain, wanted.model):
            reason = f"#{pull.number} proposes {other}, which is newer than {wanted.retrain}"
            return ProposalPlan((), End.STOPPED, reason, pull.number)
    return None


def _merged(wanted: Wanted, seen: Seen, proposals: tuple[PullRequest, ...]) -> ProposalPlan | None:
    for pull in proposals:
        if pull.state is not PullState.MERGED:
            continue
        evidence = evidence_of(pull, seen)
        is_unknown = evidence is None and pull.branch == wanted.branch
        if evidence == wanted.evidence or is_unknown:
            return ProposalPlan((), End.MERGED, f"as #{pull.number}", pull.number)
    if seen.branch.main_has_all:
        return ProposalPlan((), End.MERGED, f"{wanted.base} has every file of it")
    return None


def _snoozed(wanted: Wanted, seen: Seen, proposals: tuple[PullRequest, ...]) -> ProposalPlan | None:
    """A person said no to this evidence, and nobody has opened it again."""
    if own_proposal(wanted, proposals) is not None:
        return None
    for pull in proposals:
        is_of_people = pull.state is PullState.CLOSED and pull.closed_by != seen.login
        if is_of_people and evidence_of(pull, seen) == wanted.evidence:
            reason = f"#{pull.number} was closed with this evidence: nothing until that changes"
            return ProposalPlan((), End.SNOOZED, reason, pull.number)
    return None


def _stopped(wanted: Wanted, seen: Seen, proposals: tuple[PullRequest, ...]) -> ProposalPlan | None:
    """People's commits are on the branch: say so once, where it can be read."""
    theirs = commits_of_people(seen.branch.commits)
    if not theirs:
        return None
    reason = (
        f"{counted(len(theirs), 'commit')} by others on {wanted.branch}, "
        f"{short(theirs[0].sha)} the last"
    )
    pull = next((p for p in proposals if p.branch == wanted.branch), None)
    if pull is None or has_stopped_note(seen.comments.get(pull.number, ()), seen.login):
        return ProposalPlan((), End.STOPPED, reason, pull.number if pull else None)
    note = stopped_note(wanted.branch, len(theirs), wanted.evidence)
    return ProposalPlan((Say(pull.number, note, reason),), End.STOPPED, reason, pull.number)
