"""One job on its machine: from its token to its outputs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.actions.artifacts import Store
from tests.actions.contexts import RUNNER, Contexts, github_context, job_contexts
from tests.actions.engine import engine
from tests.actions.kills import Kills
from tests.actions.machine import Machine
from tests.actions.performing import Performer
from tests.actions.processes import Processes
from tests.actions.runs import Job, Run, Step
from tests.actions.scripts import Scripts
from tests.actions.settings import Settings
from tests.actions.steps import RunnerLost, Scope, run_steps
from tests.actions.tokens import grants_of, is_from_fork
from tests.servers.github_standin.people import ACTIONS_BOT
from tests.servers.github_standin.world import World

_DEFAULT_MINUTES = 360


@dataclass
class Host:
    """What all jobs run on. A minute of `timeout-minutes` lasts `minute_seconds`."""

    world: World
    settings: Settings
    folder: Path
    own: Mapping[str, str]
    kills: Kills
    minute_seconds: float = 60

    def run(self, run: Run, job: Job, processes: Processes) -> None:
        """Run the job to its end: result, outputs, log and summary are the job's from then on."""
        world = self.world
        job.started_at = world.now()
        token = world.people.mint(ACTIONS_BOT, grants_of(run, job, self.settings))
        machine = Machine(self.folder / "machine", world.name, processes, self.own)
        machine.start()
        contexts = self._contexts(run, job, token, machine)
        machine.secrets |= {token, *contexts["secrets"].values()}
        try:
            self._run(run, job, machine, contexts)
        finally:
            job.log, job.completed_at, job.state = machine.log, world.now(), "completed"
            world.people.revoked.add(token)

    def _run(self, run: Run, job: Job, machine: Machine, contexts: Contexts) -> None:
        tree = run.workflow.jobs[job.id]
        scope = Scope(contexts, contexts["env"], tree.get("defaults", {}).get("run", {}))
        minutes = engine().resolve(tree.get("timeout-minutes", _DEFAULT_MINUTES), contexts)
        deadline = time.monotonic() + float(minutes) * self.minute_seconds
        scripts = Scripts(machine, deadline, self.minute_seconds)
        store = Store(run.folder / "artifacts")
        performer = Performer(self.world, machine, self.settings, store, run.attempt, scripts)

        def around(step: Step, when: str) -> None:
            scope.is_cancelled = scope.is_cancelled or time.monotonic() > deadline
            self.kills.meet(run.workflow.file, job.id, step, when, scripts)

        try:
            run_steps(machine, scope, tree["steps"], performer.perform, around)
            job.outputs = self._outputs(tree, scope, machine)
            for act in reversed(machine.afterwards):
                act()
        except RunnerLost:
            scope.is_ok = False
            machine.say("##[error]The hosted runner lost communication with the server.")
        job.steps, job.summary = scope.ended, scripts.summary
        job.result = _result(scope)

    def _contexts(self, run: Run, job: Job, token: str, machine: Machine) -> Contexts:
        """All that a job's steps see, its own variables (`env`) among them."""
        tree = run.workflow.jobs[job.id]
        secrets = {} if is_from_fork(run) else self.settings.secrets_of(job.environment)
        contexts: dict[str, Any] = {
            **job_contexts(self.world, run, job, self.settings),
            "github": {
                **github_context(self.world, run, job.id, token),
                "workspace": str(machine.workspace),
            },
            "runner": {**RUNNER, "temp": str(machine.temp), "tool_cache": str(machine.tools)},
            "secrets": {**secrets, "GITHUB_TOKEN": token},
        }
        env: dict[str, str] = {}
        for part in (run.workflow.tree.get("env"), tree.get("env")):
            env |= engine().strings(part or {}, contexts, machine.workspace)
        return {**contexts, "env": env}

    def _outputs(self, tree: Mapping[str, Any], scope: Scope, machine: Machine) -> dict[str, str]:
        """The job's outputs; one that holds a secret is left out, as on GitHub."""
        about = tree.get("outputs") or {}
        found = engine().strings(about, scope.seen(scope.env), machine.workspace)
        kept = {}
        for name, value in found.items():
            if any(secret and secret in value for secret in machine.secrets):
                machine.say(f"##[warning]Skip output '{name}' since it may contain secret.")
            else:
                kept[name] = value
        return kept


def _result(scope: Scope) -> str:
    if scope.is_cancelled:
        return "cancelled"
    return "success" if scope.is_ok else "failure"
