"""What jobs are given and held to: the stand-in's own settings, and the values of secrets.

Variables, environments, disabled workflows and the default permissions are `world.settings`, as
the API sets them. Of secrets the API knows names alone: their values are here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.actions.engine import Faulty
from tests.actions.patterns import fits
from tests.servers.github_standin.people import SCOPES
from tests.servers.github_standin.settings_state import Environment
from tests.servers.github_standin.world import World


@dataclass
class Settings:
    """`secrets` by the name of their environment, "" being the repository's own.

    `apps` are the private keys of the GitHub Apps that are installed, by their ids.
    """

    world: World
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    apps: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        return self.world.settings.variables

    def add_secrets(self, given: dict[str, str], environment: str = "") -> None:
        """Set values; the API lists their names from now on."""
        self.secrets.setdefault(environment, {}).update(given)
        kept = self.environment(environment) if environment else self.world.settings
        kept.secrets |= set(given)

    def secrets_of(self, environment: str) -> dict[str, str]:
        """The secrets of a job, its environment's before the repository's."""
        return {**self.secrets.get("", {}), **self.secrets.get(environment, {})}

    def environment(self, name: str) -> Environment:
        """One that nobody has set up is made by the first job that names it, as on GitHub."""
        known = self.world.settings.environments
        if name not in known:
            known[name] = Environment(next(self.world.ids))
        if known[name].wait_minutes:
            raise Faulty(f"environment {name}: wait timers are not supported by tests/actions")
        return known[name]

    def lets_in(self, environment: str, ref: str) -> bool:
        """Whether a run of `ref` may use the environment."""
        branches = self.environment(environment).branches
        return branches is None or fits(ref.removeprefix("refs/heads/"), list(branches))

    def is_enabled(self, file: str) -> bool:
        """Whether the workflow of a file may start at all."""
        settings = self.world.settings
        return settings.actions_enabled and settings.workflow_states.get(file, "active") == "active"

    def default_grants(self) -> dict[str, str]:
        """A GITHUB_TOKEN's where neither workflow nor job names any permissions."""
        if self.world.settings.default_permissions == "write":
            return dict.fromkeys(SCOPES, "write")
        return {"contents": "read"}
