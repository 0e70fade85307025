"""Branches and ids of proposals: whose they are, and which of two came later."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.forge import Commit, PullRequest

BASE = "main"  # what a proposal is merged into
PREFIX = "perennial/retrain/"
AUTHOR = "perennial <perennial@noreply.invalid>"
_BEFORE = "perennial <perennial@users.noreply.github.com>"  # of branches that are older
_NUMBERED = re.compile("[0-9]{4,9}")
_DATED = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def branch_of(retrain: str) -> str:
    """The branch of a retrain's proposal."""
    return f"{PREFIX}{retrain}"


def retrain_of(branch: str, model: str) -> str | None:
    """The retrain of `model` that a branch proposes; None for a branch of anything else."""
    retrain = branch.removeprefix(PREFIX)
    return retrain if branch.startswith(PREFIX) and is_retrain_of(retrain, model) else None


def is_retrain_of(retrain: str, model: str) -> bool:
    """Whether the id is `<model>-<number>`, as the ledger gives it, or `<model>-<date>`."""
    end = retrain.removeprefix(f"{model}-")
    is_id = _NUMBERED.fullmatch(end) is not None or _DATED.fullmatch(end) is not None
    return retrain.startswith(f"{model}-") and is_id


def is_later(retrain: str, other: str, model: str) -> bool:
    """Whether `retrain` came after `other`, both of `model`; a number and a date do not compare."""
    end, other_end = retrain.removeprefix(f"{model}-"), other.removeprefix(f"{model}-")
    if _DATED.fullmatch(end) and _DATED.fullmatch(other_end):
        return end > other_end
    is_numbered = _NUMBERED.fullmatch(end) and _NUMBERED.fullmatch(other_end)
    return bool(is_numbered) and int(end) > int(other_end)


def is_ours(commit: Commit) -> bool:
    """Whether we made a commit: both names and the trailer. Anyone can forge that, for no gain."""
    people = {commit.author, commit.committer}
    return people <= {AUTHOR, _BEFORE} and commit.evidence is not None


def commits_of_people(commits: Iterable[Commit]) -> tuple[Commit, ...]:
    """Those that are not ours and add something: nothing may be pushed on top of them by us."""
    return tuple(c for c in commits if not is_ours(c) and not c.is_plain_merge)


def proposals_of(pulls: Iterable[PullRequest], model: str, base: str) -> tuple[PullRequest, ...]:
    """The pull requests to `base` that propose a retrain of `model`, in the order given."""
    return tuple(p for p in pulls if p.base == base and retrain_of(p.branch, model) is not None)
