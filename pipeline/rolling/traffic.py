"""The traffic layer as a rollout sees it: who gets what, since when, and what was stopped.

LocalTraffic      Envoy or HAProxy on this machine, with the latch beside their files
RecordedTraffic   one elsewhere, which a watchdog sets as the records in git say
BranchTraffic     rendered files on a branch, which a cluster applies (branch_traffic.py)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from pipeline.adapters.traffic import Backend, Traffic, Weights
from pipeline.core.rollout.observation import Routing, Stop
from pipeline.errors import ConfigurationError, GateRefused, OutsideError, in_one_line
from pipeline.rolling.latch import Beside, Decided, Latch, check_decision
from pipeline.rolling.names import Names


@dataclass(frozen=True)
class Seen:
    """What the traffic layer says. `routing` is None where it does not say; `reason` is why."""

    routing: Routing | None
    routed_since: datetime | None = None
    stop: Stop | None = None
    reason: str = ""


class RolloutTraffic(Protocol):
    """The traffic of one model."""

    def observe(self) -> Seen:
        """What is true now. Never raises OutsideError: a provider that is silent says None."""

    def apply(self, routing: Routing, stop: Stop | None, *, decided: Decided, salt: str) -> None:
        """Make `routing` true, with the latch `stop` or without one. Safe to repeat and to kill.

        Without a `stop`, raises GateRefused where that would give traffic to what the latch keeps
        at 0, or where who set the weights knew more than is `decided` from. Raises OutsideError
        where it cannot be confirmed.
        """

    def follow_addresses(self) -> str:
        """Send each version's users to where its server is now, in the same shares.

        Returns what was done or is in the way, in one line; "" where nothing has moved.
        """


class LocalTraffic:
    """A provider on this machine. The latch is written before traffic goes, and cleared after.

    A full disk, a folder that is read-only or a lock that a stopped process holds keep traffic from
    being given; what takes it away is tried all the same, and raises afterwards.
    """

    def __init__(
        self,
        provider: Traffic,
        latch: Latch,
        names: Names,
        clock: Callable[[], datetime],
        is_answering: Callable[[Backend, str], bool],
    ) -> None:
        """`is_answering`: whether the server at an address answers for a model digest."""
        self._provider = provider
        self._latch = latch
        self._names = names
        self._clock = clock
        self._is_answering = is_answering

    def observe(self) -> Seen:
        """See RolloutTraffic. Reads under the lock, so never half of a change."""
        try:
            with self._latch.held():
                beside = self._latch.found() or Beside()
                routing = self._names.routing(self._provider.observe())
        except OutsideError as error:
            beside = self._latch.found() or Beside()
            return Seen(None, beside.routed_since, beside.stop, str(error))
        return Seen(routing, beside.routed_since, beside.stop)

    def apply(self, routing: Routing, stop: Stop | None, *, decided: Decided, salt: str) -> None:
        """See RolloutTraffic."""
        is_less = stop is not None or not routing.reaches_challenger
        missed: list[OutsideError] = []
        with ExitStack() as stack:
            with _noted(missed if stop is not None else None):
                stack.enter_context(self._latch.held())
            beside = self._beside(is_less=is_less)
            if stop is None:
                check_decision(self._names.versions, beside, routing, decided)
            elif self._names.version(routing.champion) == stop.version:
                raise GateRefused(f"{stop.version} was stopped, so it gets no traffic at all.")
            weights = self._weights(routing, salt)
            is_change = not self._is_routed(weights)
            since = self._clock() if is_change else beside.routed_since
            if stop is not None or is_change:
                with _noted(missed if is_less else None):
                    self._latch.save(replace(beside, routed_since=since, stop=stop or beside.stop))
            self._set(weights, routing)
            sequence = max(beside.sequence, decided.sequence)
            with _noted(missed if is_less else None):
                self._latch.save(replace(beside, routed_since=since, stop=stop, sequence=sequence))
        if missed:
            raise missed[0]

    def follow_addresses(self) -> str:
        """See RolloutTraffic. Nobody is sent to a server that does not answer there yet.

        Never raises for an address that the provider refuses: the look that follows may have to
        take traffic away.
        """
        try:
            with self._latch.held():
                return self._follow(self._provider.observe())
        except (OutsideError, ConfigurationError) as error:
            return f"addresses: {in_one_line(error)}"

    def _follow(self, served: Weights) -> str:
        moved = [new for old in served.backends if (new := self._moved(old)) is not None]
        there, said = {}, []
        for backend in moved:
            if self._is_answering(backend, self._names.digest(backend.name)):
                there[backend.name] = backend
            else:
                said.append(f"{_told(backend)} does not answer yet")
        if there:
            champion = there.get(served.champion.name, served.champion)
            challenger = served.challenger and there.get(served.challenger.name, served.challenger)
            self._provider.apply(replace(served, champion=champion, challenger=challenger))
            told = ", ".join(map(_told, there.values()))
            said.append(f"addresses: {told}, as its line says; shares are as before")
        return "; ".join(said)

    def _moved(self, backend: Backend) -> Backend | None:
        """Where a server is now, None where it has not moved or nobody says."""
        try:
            found = self._names.backend(self._names.digest(backend.name))
        except (OutsideError, ConfigurationError):
            return None
        return found if found != backend else None

    def _beside(self, *, is_less: bool) -> Beside:
        """What the latch says. One that is damaged keeps nobody from taking traffic away."""
        return (self._latch.found() or Beside()) if is_less else self._latch.load()

    def _weights(self, routing: Routing, salt: str) -> Weights:
        """`routing` with addresses. Taking all from a challenger needs none but the one in use.

        However the one that is written down got lost: with its file, its line or half of the line.
        """
        try:
            return self._names.weights(routing, salt)
        except (OutsideError, ConfigurationError):
            if (in_use := self._champion_in_use(routing)) is None:
                raise
            return in_use

    def _set(self, weights: Weights, routing: Routing) -> None:
        """As `_weights`, also where it is the provider that refuses the address: then raises."""
        try:
            self._provider.apply(weights)
        except ConfigurationError:
            if (in_use := self._champion_in_use(routing)) is not None:
                self._provider.apply(in_use)
            raise

    def _champion_in_use(self, routing: Routing) -> Weights | None:
        """Everyone to the champion where it is served now; None where `routing` asks for more."""
        champion = self._provider.observe().champion
        if routing.reaches_challenger or champion.name != self._names.version(routing.champion):
            return None
        return Weights(champion)

    def _is_routed(self, weights: Weights) -> bool:
        try:
            return self._provider.observe() == weights
        except OutsideError:
            return False


def _told(backend: Backend) -> str:
    return f"{backend.name} is at {backend.host}:{backend.port}"


@contextmanager
def _noted(missed: list[OutsideError] | None) -> Iterator[None]:
    """A failure in the block is added to `missed` and does not end what is done; None: it does."""
    try:
        yield
    except OutsideError as error:
        if missed is None:
            raise
        missed.append(error)


class RecordedTraffic:
    """One that cannot be reached from here: it is as the newest record says, by the watchdog.

    That is believed only so far: nothing advances without samples of the challenger itself.
    """

    def __init__(self, recorded: Routing, stop: Stop | None) -> None:
        self._recorded = recorded
        self._stop = stop

    def observe(self) -> Seen:
        """See RolloutTraffic."""
        return Seen(self._recorded, None, self._stop)

    def apply(self, routing: Routing, stop: Stop | None, *, decided: Decided, salt: str) -> None:
        """Nothing to do here: the watchdog pulls the record that was or will be committed."""

    def follow_addresses(self) -> str:
        """Nothing to do here: the watchdog does it."""
        return ""
