"""Stand-ins for the actions that our workflows use: each does the real thing, on this machine.

An input that a stand-in does not know is an error and not passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.actions.artifacts import Store
from tests.actions.machine import Machine
from tests.actions.settings import Settings
from tests.servers.github_standin.world import World


class Failed(Exception):
    """The action failed; the message is what it prints."""


@dataclass
class Call:
    """One use of an action. `given` are its inputs by name, without those that are empty."""

    world: World
    machine: Machine
    settings: Settings
    store: Store
    attempt: int
    github: Mapping[str, str]
    given: dict[str, str]

    def only(self, *names: str) -> None:
        """Raises Failed for an input that is not one of `names`, or begins so (`permission-*`)."""
        known = [name for name in names if not name.endswith("*")]
        starts = tuple(name[:-1] for name in names if name.endswith("*"))
        odd = [name for name in self.given if name not in known and not _begins(name, starts)]
        if odd:
            raise Failed(f"the stand-in does not know these inputs: {odd}")

    def must(self, scope: str, level: str) -> None:
        """Raises Failed where the job's token lacks a grant."""
        viewer = self.world.people.viewer(f"Bearer {self.github['token']}")
        if viewer is None or not viewer.may(scope, level):
            name = scope.replace("_", "-")
            raise Failed(f"Ensure GITHUB_TOKEN has permission '{name}: {level}'.")

    def flag(self, name: str, *, default: bool) -> bool:
        return self.given.get(name, str(default)).lower() == "true"

    def inside(self, name: str) -> Path:
        """A folder in the workspace or in the job's temporary one. Raises Failed for another."""
        path = (self.machine.workspace / self.given.get(name, ".")).resolve()
        if not any(
            path.is_relative_to(place.resolve())
            for place in (self.machine.workspace, self.machine.temp)
        ):
            raise Failed(f"{name}: {path} is not below the workspace")
        return path


Action = Callable[[Call], Mapping[str, str]]


def _begins(name: str, starts: tuple[str, ...]) -> bool:
    return bool(starts) and name.startswith(starts)
