"""Whether the right people have approved exactly what would be merged.

GitHub can be told to ask for reviews, but not whose role a reviewer speaks for; and where a
repository's plan lacks its rules, this is what is left. So approvals are counted here, from the
reviews themselves, against configs/approvers.yaml as it is on main.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain import Gate, Verdict

_DECIDING = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")


@dataclass(frozen=True)
class Opinion:
    """One submitted review; `state` is GitHub's word, `commit` what its author looked at."""

    login: str
    state: str
    commit: str


@dataclass(frozen=True)
class Quorum:
    """`at_least` (1 or more) different people, each of whom speaks for any of `roles`.

    Without roles nobody ever can. `why` says, after a comma, what the approvals are for.
    """

    roles: tuple[str, ...]
    at_least: int
    why: str


def assess_approvals(
    opinions: Iterable[Opinion],
    *,
    head: str,
    authors: Iterable[str],
    roles_wanted: Sequence[str],
    logins_of: Mapping[str, Sequence[str]],
    quorum: Quorum | None = None,
) -> Gate:
    """One approval for each of `roles_wanted`, by different or the same people of those roles.

    With a `quorum` so many people as well; an approval for a role counts towards it too.

    Counts the newest deciding review of each person (oldest come first in `opinions`): APPROVED,
    on the commit `head`, not by one of `authors`. A login is the same in capitals. A request for
    changes by anyone who speaks for a wanted role is FAIL; a missing approval is INCONCLUSIVE.
    """
    latest = {o.login.casefold(): o for o in opinions if o.state in _DECIDING}
    own = {author.casefold() for author in authors}
    members = {
        role: {login.casefold() for login in logins_of.get(role, ())}
        for role in (*roles_wanted, *(quorum.roles if quorum else ()))
    }

    def why_not(*roles: str) -> list[str | None]:
        logins = set().union(*(members[role] for role in roles))
        return [_why_not(latest.get(login), login, head, own) for login in sorted(logins)]

    against = [
        o.login
        for key, o in latest.items()
        if o.state == "CHANGES_REQUESTED" and any(key in logins for logins in members.values())
    ]
    missing = [
        f"{role} ({_reasons(reasons)})"
        for role in roles_wanted
        if None not in (reasons := why_not(role))
    ]
    rule = f"Approved on the newest commit by: {', '.join(roles_wanted) or 'nobody has to'}"
    if quorum is not None:
        reasons = why_not(*quorum.roles)
        people = f"of {' or '.join(quorum.roles) or 'nobody'}, {quorum.why}"
        rule = f"{rule}; and by {quorum.at_least} {people}"
        lacking = quorum.at_least - reasons.count(None)
        if lacking > 0:
            missing.append(f"{lacking} more {people} ({_reasons(reasons)})")
    if against:
        return Gate(
            "approvals", Verdict.FAIL, f"{rule}.", f"{', '.join(against)} asked for changes."
        )
    if missing:
        return Gate(
            "approvals", Verdict.INCONCLUSIVE, f"{rule}.", f"Waits for {'; '.join(missing)}."
        )
    return Gate("approvals", Verdict.PASS, f"{rule}.", "All of them approved this commit.")


def _why_not(opinion: Opinion | None, login: str, head: str, own: set[str]) -> str | None:
    """Why `login` has not approved; None where they have."""
    if opinion is None:
        return ""
    if login in own:
        return f"{login} made a part of it"
    if opinion.state == "DISMISSED":
        return f"the approval of {login} was dismissed"
    if opinion.commit != head:
        return f"{login} approved an older commit"
    return None


def _reasons(reasons: Sequence[str | None]) -> str:
    if not reasons:
        return "nobody is named in configs/approvers.yaml"
    return ", ".join(reason for reason in reasons if reason) or "no review yet"
