"""A trace: the chain of links from a served model back to its data, code, approvals and commits.

A link is verified where everything that could be compared agreed, broken where one thing did not,
and not checked where nothing could be compared: that is said, and is never taken for verified.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """What became of a link."""

    VERIFIED = "verified"
    BROKEN = "broken"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Check:
    """One comparison: `what` was `found` and what was `expected`, as text."""

    what: str
    found: str
    expected: str

    @property
    def is_good(self) -> bool:
        """Whether both are the same."""
        return self.found == self.expected


@dataclass(frozen=True)
class Link:
    """One link: what it `says`, line by line, what was compared, and why something was not."""

    name: str
    says: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    unchecked: str = ""

    @property
    def state(self) -> State:
        """BROKEN where one check is not good; NOT_CHECKED where there was none."""
        if self.broken:
            return State.BROKEN
        return State.VERIFIED if self.checks else State.NOT_CHECKED

    @property
    def broken(self) -> tuple[Check, ...]:
        """The checks that are not good."""
        return tuple(check for check in self.checks if not check.is_good)


@dataclass(frozen=True)
class Chain:
    """Every link of one model version."""

    version: str
    digest: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Serving:
    """Who served at a moment. `points` of 10,000 went to the challenger, told apart by `salt`.

    `why` says what decided. Without a challenger the champion had everything.
    """

    champion: str
    why: str
    challenger: str | None = None
    points: int = 0
    salt: str = ""


@dataclass(frozen=True)
class Share:
    """One model that had traffic, as `champion` or `challenger`, in basis points."""

    role: str
    digest: str
    version: str
    points: int


@dataclass(frozen=True)
class Trace:
    """An answer: the question, who served (where a moment was asked for), and a chain for each.

    `moment` are the links between that moment and the models that served; `shares` are all of
    them, also where the chains are of the one that a user was answered by.
    """

    model: str
    question: str
    ref: str
    chains: tuple[Chain, ...]
    at: datetime | None = None
    serving: Serving | None = None
    shares: tuple[Share, ...] = ()
    moment: tuple[Link, ...] = ()
    answer: str = ""

    @property
    def links(self) -> Iterator[Link]:
        """Those of the moment and of all chains."""
        yield from self.moment
        for chain in self.chains:
            yield from chain.links

    @property
    def is_whole(self) -> bool:
        """Whether no link is broken."""
        return all(link.state is not State.BROKEN for link in self.links)


def not_checked(name: str, why: str, *says: str) -> Link:
    """A link of which nothing could be compared."""
    return Link(name, says, unchecked=why)


def counts_of(links: Iterable[Link]) -> dict[State, int]:
    """How many links are in each state, those with none too."""
    states = [link.state for link in links]
    return {state: states.count(state) for state in State}
