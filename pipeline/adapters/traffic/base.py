"""What every traffic provider is told and tells back: who serves, and which share of the users."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Protocol

from pipeline.errors import ConfigurationError

BASIS_POINTS = 10_000  # all of the traffic; also the number of buckets that users are hashed into
USER_HEADER = "x-user-id"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_SALT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")  # as in core/routing.py
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True)
class Backend:
    """A running model server: `name` is its model's version or short digest.

    A `host` that is an IP address is kept as a system tells it, so that what was set and what is
    observed are equal: 2001:DB8:0::1 is 2001:db8::1.
    """

    name: str
    host: str
    port: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "host", ip_address(self.host) or self.host)

    @property
    def is_address(self) -> bool:
        """Whether `host` is an IP address, and not a name to look up."""
        return ip_address(self.host) is not None

    @property
    def told(self) -> str:
        """How a provider's file or map names it, to be read back: name@host:port."""
        return f"{self.name}@{self.host}:{self.port}"


def ip_address(host: str) -> str | None:
    """The IP address `host` in the one form that systems tell it in, None for what is none.

    None with a zone, too: Python takes any text behind the %, and it would be written as it is.
    """
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    if "%" in host:
        return None
    family = socket.AF_INET if found.version == 4 else socket.AF_INET6
    return socket.inet_ntop(family, found.packed)


@dataclass(frozen=True)
class Weights:
    """Who serves. The challenger has the users in the buckets [0, challenger_basis_points).

    Of 10,000, so that 2,500 is 25 %. The bucket of a user is xxHash64(`salt:user`) modulo 10,000.
    With `is_mirrored` the challenger answers nobody and gets a copy of every request.

    Raises ConfigurationError with every fault: values come from files that anyone may propose.
    """

    champion: Backend
    challenger: Backend | None = None
    challenger_basis_points: int = 0
    salt: str = "none"
    is_mirrored: bool = False

    def __post_init__(self) -> None:
        faults = [*_faults_of("champion", self.champion), *self._own_faults()]
        if self.challenger is not None:
            faults += _faults_of("challenger", self.challenger)
        if faults:
            raise ConfigurationError("traffic", faults)

    @property
    def backends(self) -> tuple[Backend, ...]:
        """The champion, and the challenger where there is one."""
        return (self.champion, self.challenger) if self.challenger else (self.champion,)

    @property
    def reaches_challenger(self) -> bool:
        """Whether a challenger gets users, or copies of their requests."""
        return self.challenger is not None and (
            self.challenger_basis_points > 0 or self.is_mirrored
        )

    def is_no_more_than(self, before: Weights | None) -> bool:
        """Whether no challenger gets more than it had with `before`: traffic is taken away."""
        if not self.reaches_challenger:
            return True
        return (
            before is not None
            and before.reaches_challenger
            and (before.backends, before.salt) == (self.backends, self.salt)
            and self.challenger_basis_points <= before.challenger_basis_points
        )

    def _own_faults(self) -> list[str]:
        faults = []
        points = self.challenger_basis_points
        most = BASIS_POINTS if self.challenger else 0
        if isinstance(points, bool) or not isinstance(points, int) or not 0 <= points <= most:
            faults.append(f"challenger_basis_points: found {points!r:.40}, expected 0 to {most:,}")
        if self.is_mirrored and (self.challenger is None or points):
            faults.append("is_mirrored: a copy goes to a challenger that has no users")
        if not _SALT.fullmatch(self.salt):
            faults.append(f"salt: found {self.salt!a:.80}, expected 1 to 63 of a-z, 0-9 and '-'")
        if self.challenger is not None and self.challenger.name == self.champion.name:
            faults.append(f"challenger: has the champion's name {self.champion.name!a:.80}")
        return faults


class Traffic(Protocol):
    """A traffic provider."""

    def apply(self, wanted: Weights) -> None:
        """Make `wanted` true: in the file that outlives a restart, and in what runs.

        Safe to run twice and to be killed anywhere. Raises OutsideError where it cannot be
        confirmed; the file is written even then, as far as that is possible. What takes traffic
        away (`Weights.is_no_more_than`) is tried in every way there is before it raises.
        """

    def observe(self) -> Weights:
        """What is really served now. Raises OutsideError where that cannot be known."""


def mirror_faults(weights: Weights, provider: str) -> list[str]:
    """What is wrong with `weights` for a provider that cannot copy requests."""
    return [f"mirror: {provider} sends no copies"] if weights.is_mirrored else []


def name_fault(where: str, name: str) -> str | None:
    """What is wrong with a name, None where nothing is."""
    if _NAME.fullmatch(name):
        return None
    expected = "expected 1 to 63 of a-z, 0-9 and '-', neither first nor last a '-'"
    return f"{where}: found {name!a:.80}, {expected}"


def host_fault(where: str, host: str) -> str | None:
    """What is wrong with a host name or address, None where nothing is."""
    if Backend("", host, 0).is_address or _HOST.fullmatch(host):
        return None
    return f"{where}: found {host!a:.80}, expected an address or host name"


def _faults_of(role: str, backend: Backend) -> list[str]:
    port = backend.port
    is_port = isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65_536
    faults = [
        name_fault(f"{role}.name", backend.name),
        host_fault(f"{role}.host", backend.host),
        None if is_port else f"{role}.port: found {port!r:.40}, expected 1 to 65535",
    ]
    return [fault for fault in faults if fault]
