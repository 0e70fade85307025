"""What can be done about a proposal, one side effect a step; each says in words what it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class People:
    """Who is told: logins, `owner/team` for a team, and the labels that make it findable."""

    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()


def each_once(logins: Iterable[str]) -> tuple[str, ...]:
    """Each login once, as it was written first; it is the same in capitals."""
    found: dict[str, str] = {}
    for login in logins:
        found.setdefault(login.casefold(), login)
    return tuple(found.values())


@dataclass(frozen=True)
class Say:
    """Comment below a pull request."""

    number: int
    body: str
    why: str

    def __str__(self) -> str:
        return f"comment on #{self.number}: {self.why}"


@dataclass(frozen=True)
class Close:
    """Close a superseded pull request; its branch and every commit on it stay."""

    number: int

    def __str__(self) -> str:
        return f"close #{self.number}, which is superseded"


@dataclass(frozen=True)
class Push:
    """Commit the proposal's files on top of its branch."""

    branch: str
    message: str
    evidence: str
    is_new: bool

    def __str__(self) -> str:
        what = "push the new branch" if self.is_new else "push one more commit to"
        return f"{what} {self.branch} ({short(self.evidence)})"


@dataclass(frozen=True)
class Open:
    """Open the pull request."""

    branch: str
    base: str
    title: str
    body: str

    def __str__(self) -> str:
        return f"open a pull request from {self.branch} to {self.base}: {self.title}"


@dataclass(frozen=True)
class Edit:
    """Renew the title and the body in place."""

    number: int
    title: str
    body: str

    def __str__(self) -> str:
        return f"renew the text of #{self.number}: {self.title}"


@dataclass(frozen=True)
class Link:
    """Name the successor in the comment that closed a superseded pull request."""

    comment: int
    body: str
    number: int
    successor: int

    def __str__(self) -> str:
        return f"link #{self.number} to its successor #{self.successor}"


@dataclass(frozen=True)
class Tell:
    """Ask `people` (None: they were asked before), start the checks, and note both in the body.

    The note comes last: who is killed before it asks again, which nobody notices.
    """

    number: int
    people: People | None
    body: str

    def __str__(self) -> str:
        if self.people is None:
            return f"have #{self.number} checked anew"
        names = each_once([*self.people.reviewers, *self.people.assignees])
        asked = ", ".join(names) or "nobody by name"
        which = f"#{self.number}" if self.number else "it"
        return f"ask for reviews of {which} ({asked}), label it, and have it checked"


Step = Say | Close | Push | Open | Edit | Link | Tell


class End(StrEnum):
    """How things stand once no step is left."""

    CURRENT = "CURRENT"
    MERGED = "MERGED"
    SNOOZED = "SNOOZED"
    STOPPED = "STOPPED"


@dataclass(frozen=True)
class ProposalPlan:
    """The steps that are left, and how it ends after them, with the reason.

    Only the first step can be done as it stands: the later ones are a forecast, whose numbers and
    commits are not known yet. `number` is the proposal's pull request, if there is one.
    """

    steps: tuple[Step, ...]
    end: End
    reason: str
    number: int | None = None

    def __str__(self) -> str:
        lines = [f"  {index}. {step}" for index, step in enumerate(self.steps, 1)]
        return "\n".join([*lines, f"  {'then ' * bool(lines)}{self.end}: {self.reason}"])


def short(digest: str) -> str:
    """The first 12 hex digits of a digest or commit, for people."""
    return digest.removeprefix("sha256:")[:12]
