"""A repository on GitHub with a champion, its runner machine, and what serves its model.

Real: the workflow files, every script they run, git (over HTTP, with tokens), DVC, MLflow's
registry in a file, the flights, the training. Simulated: GitHub (tests/servers/github_standin),
its runners (tests/actions), and the passage of time: see base.py.

With `has_app` a GitHub App is installed: the ruleset demands pull requests, and the App alone may
push past it. Without one there is GITHUB_TOKEN, and main takes pushes: see docs/github-settings.md.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.champion import Champion, parse_champion
from pipeline.manifest import RolloutSpec, parse_rollout
from pipeline.rollout_status import Record, parse_record
from scripts import set_up_repository
from tests.actions import Actions
from tests.actions.runs import Run
from tests.doctoring.checkouts import situation_of
from tests.repository import commit, git
from tests.servers import github_recorder
from tests.servers.github_standin import GitHubStandIn
from tests.servers.github_standin.settings_state import APP
from tests.servers.ports import free_port
from tests.stories.base import Base
from tests.stories.settings import STAGE, write_settings

MODEL = "flight-delay"
PEOPLE = ("ada", "linus", "rita", "mallory")  # the first two speak for the roles
LEDGER = "perennial/ledger"


@dataclass
class World:
    """One repository and all around it. `production` is the folder of the traffic layer."""

    base: Base
    folder: Path
    github: GitHubStandIn
    actions: Actions
    has_app: bool
    ports: tuple[int, int]

    @property
    def production(self) -> Path:
        return self.folder / "production"

    @property
    def registry(self) -> Path:
        """MLflow's database, which the retrains register in."""
        return self.folder / "mlflow.db"

    def settle(self) -> list[Run]:
        """Run all there is to run, which must not fail. Returns the runs that wait.

        A review that a newer one made needless is cancelled.
        """
        known = len(self.actions.runs)
        waiting = self.actions.settle()
        for run in self.actions.runs[known:]:
            assert run.conclusion != "failure", f"{run}\n{run.log}"
        return waiting

    def file(self, path: str, revision: str = "main") -> str:
        """A file as the repository on GitHub has it."""
        return self.github.world.git.run("show", f"{revision}:{path}")

    def has(self, path: str, revision: str = "main") -> bool:
        return bool(self.github.world.git.run("ls-tree", "-r", revision, "--", path))

    def champion(self) -> Champion:
        """The pointer on main."""
        path = f"rollouts/{MODEL}/champion.yaml"
        return parse_champion(self.file(path), path)

    def spec(self) -> RolloutSpec:
        """The manifest on main."""
        path = f"rollouts/{MODEL}/rollout.yaml"
        return parse_rollout(self.file(path), path)

    def proposed(self, number: int) -> RolloutSpec:
        """The manifest that a pull request would merge."""
        path = f"rollouts/{MODEL}/rollout.yaml"
        return parse_rollout(self.file(path, f"refs/pull/{number}/head"), path)

    def records(self) -> list[str]:
        """What the reconciler has written down on main, oldest first: stage-1, promoted, ..."""
        found = self.github.world.git.run("ls-tree", "-r", "--name-only", "main").splitlines()
        folder = f"rollouts/{MODEL}/status/"
        return [path.removeprefix(folder) for path in found if path.startswith(folder)]

    def newest(self) -> Record:
        """The newest record on main."""
        path = f"rollouts/{MODEL}/status/{self.records()[-1]}"
        return parse_record(self.file(path), path)

    def tick(self) -> None:
        """Once the stage has lasted, the cron of rollout.yml fires, and all that comes of it."""
        if self.records():
            over = self.newest().at + STAGE
            time.sleep(max((over - datetime.now(UTC)).total_seconds(), 0))
        self.actions.schedule("rollout.yml")
        self.settle()

    def minutes(self) -> int:
        """What GitHub would bill for all runs so far."""
        return sum(run.minutes for run in self.actions.runs)

    def get(self, path: str) -> Any:
        """What GitHub's API answers ada."""
        return self.github.act("ada", "GET", path)

    def pulls(self) -> list[dict[str, Any]]:
        return self.get("/pulls?state=all")

    def issues(self) -> list[dict[str, Any]]:
        """Issues that are no pull requests."""
        return [each for each in self.get("/issues?state=all") if "pull_request" not in each]

    def comments(self, number: int) -> list[str]:
        return [each["body"] for each in self.get(f"/issues/{number}/comments")]

    def verdict(self, number: int) -> tuple[str, str]:
        """State and words of the newest `perennial/verify` of a pull request."""
        head = self.get(f"/pulls/{number}")["head"]["sha"]
        newest = self.get(f"/commits/{head}/statuses")[0]
        assert newest["context"] == "perennial/verify"
        return newest["state"], newest["description"]


@contextmanager
def a_world(
    base: Base,
    folder: Path,
    *,
    has_app: bool,
    variables: Mapping[str, str] | None = None,
    warehouse: str = "",
    prepare: Callable[[Path], None] = lambda _: None,
) -> Iterator[World]:
    """GitHub serves for as long as the block lasts; nothing has happened yet.

    `prepare` changes the checkout before it is main; `warehouse` is another one than the base's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports = free_port(), free_port()
    with github_recorder.running(GitHubStandIn(folder / "bare.git")) as github:
        assert isinstance(github, GitHubStandIn)
        for login in PEOPLE:
            github.add_person(login)
        shutil.copy(base.registry, folder / "mlflow.db")
        checkout = folder / "checkout"
        git(folder, "clone", "--quiet", str(base.repository), "checkout")
        write_settings(checkout, folder / "production", *ports, has_app=has_app)
        prepare(checkout)
        _push(checkout, github)
        _set_up(checkout, github)
        actions = Actions(
            github,
            folder / "runner",
            variables=dict(variables or {}),
            secrets={
                "WAREHOUSE_URL": warehouse or base.warehouse,
                "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
            },
            environment=base.machine,
            disabled=("ci.yml",),
            app=str(APP) if has_app else "",
        )
        yield World(base, folder, github, actions, has_app, ports)
        assert github.violations == []


def _push(checkout: Path, github: GitHubStandIn) -> None:
    """It is main from now on."""
    commit(checkout, "Say who we are and how we roll out")
    git(checkout, "push", "--quiet", str(github.world.git.path), "HEAD:refs/heads/main")
    github.look()


def _set_up(checkout: Path, github: GitHubStandIn) -> None:
    """As scripts/set_up_repository.py does it: ruleset, environments, labels, variables."""
    situation = situation_of(checkout, github, "octo")
    options = set_up_repository.parse(["--apply"])
    assert set_up_repository.run(situation, options) == 0
