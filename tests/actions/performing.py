"""What one step does: a script for real, an action by its stand-in, a composite by its steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.actions import caches, pages
from tests.actions.app_token import app_token
from tests.actions.artifact_actions import download, upload
from tests.actions.artifacts import Store
from tests.actions.attestations import attest
from tests.actions.checkout import checkout
from tests.actions.contexts import Contexts
from tests.actions.engine import Faulty, engine
from tests.actions.machine import Machine
from tests.actions.scripts import Scripts
from tests.actions.settings import Settings
from tests.actions.setup_python import setup_python
from tests.actions.steps import Doing, Scope, Tree, run_steps
from tests.actions.uses import Action, Call, Failed
from tests.servers.github_standin.world import World

ACTIONS: dict[str, Action] = {
    "actions/attest-build-provenance": attest,
    "actions/cache/restore": caches.restore,
    "actions/cache/save": caches.save,
    "actions/checkout": checkout,
    "actions/configure-pages": pages.configure,
    "actions/create-github-app-token": app_token,
    "actions/deploy-pages": pages.deploy,
    "actions/download-artifact": download,
    "actions/setup-python": setup_python,
    "actions/upload-artifact": upload,
    "actions/upload-pages-artifact": pages.upload,
}


@dataclass
class Performer:
    """Performs the steps of one job."""

    world: World
    machine: Machine
    settings: Settings
    store: Store
    attempt: int
    scripts: Scripts

    def perform(self, doing: Doing) -> None:
        """Do the step and keep its outputs. Raises Failed, Garbled, Faulty, Overdue, RunnerLost."""
        if "run" in doing.tree:
            self.scripts.run(doing)
        elif doing.tree["uses"].startswith("./"):
            self._compose(doing)
        else:
            self._use(doing)

    def _use(self, doing: Doing) -> None:
        uses = doing.tree["uses"]
        name = uses.partition("@")[0]
        if name not in ACTIONS:
            raise Faulty(f"uses: {uses} is not supported by tests/actions")
        given = self._given(doing)
        call = Call(
            self.world,
            self.machine,
            self.settings,
            self.store,
            self.attempt,
            doing.contexts["github"],
            {key.lower(): value for key, value in given.items() if value != ""},
        )
        doing.step.outputs = dict(ACTIONS[name](call))

    def _compose(self, doing: Doing) -> None:
        """The steps of a composite action have outputs, inputs and a success of their own."""
        folder = self.machine.workspace / doing.tree["uses"]
        action = _read(folder, doing.tree["uses"])
        contexts = {
            **doing.contexts,
            "github": {**doing.contexts["github"], "action_path": str(folder)},
            "inputs": self._inputs(action, doing),
        }
        scope = Scope(contexts, doing.env)
        run_steps(self.machine, scope, action["runs"]["steps"], self.perform)
        about = {name: each.get("value") for name, each in (action.get("outputs") or {}).items()}
        doing.step.outputs = self._strings(about, scope.seen(doing.env))
        if not scope.is_ok:
            raise Failed(f"{doing.tree['uses']} failed")

    def _inputs(self, action: Tree, doing: Doing) -> dict[str, str]:
        given = self._given(doing)
        known = {name: each or {} for name, each in (action.get("inputs") or {}).items()}
        defaults = {name: each.get("default", "") for name, each in known.items()}
        inputs = {**self._strings(defaults, doing.contexts), **given}
        missing = [
            name for name, each in known.items() if each.get("required") and not inputs[name]
        ]
        odd = sorted(set(given) - set(known))
        if odd or missing:
            raise Failed(f"{doing.tree['uses']}: unexpected inputs {odd}, missing {missing}")
        return inputs

    def _given(self, doing: Doing) -> dict[str, str]:
        return self._strings(doing.tree.get("with") or {}, doing.contexts)

    def _strings(self, value: Any, contexts: Contexts) -> Any:
        return engine().strings(value, contexts, self.machine.workspace)


def _read(folder: Any, uses: str) -> Tree:
    file = next((path for path in folder.glob("action.y*ml")), None)
    if file is None:
        raise Failed(f"Can't find 'action.yml' under '{folder}'. Did you forget a checkout?")
    action = engine().action(file.name, file.read_text(encoding="utf-8"))
    if action["runs"]["using"] != "composite":
        raise Faulty(f"{uses}: only composite actions are supported by tests/actions")
    return action
