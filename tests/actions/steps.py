"""The steps of a job, and of a composite action in it, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.actions.contexts import Contexts
from tests.actions.engine import Faulty, engine
from tests.actions.files import Garbled
from tests.actions.machine import Machine
from tests.actions.runs import Step
from tests.actions.uses import Failed

Tree = dict[str, Any]


class Overdue(Exception):
    """A step took longer than it may."""


class RunnerLost(Exception):
    """The machine is gone: no later step runs, whatever its `if`."""


@dataclass
class Scope:
    """What the steps of a job, or of one use of a composite action, share."""

    contexts: Contexts
    env: dict[str, str]
    defaults: Mapping[str, str] = field(default_factory=dict)
    ended: list[Step] = field(default_factory=list)
    is_ok: bool = True
    is_cancelled: bool = False

    def seen(self, env: Mapping[str, str]) -> Contexts:
        """The contexts of the next step, whose variables are `env`."""
        word = "cancelled" if self.is_cancelled else "success" if self.is_ok else "failure"
        steps = {
            step.id: {
                "outputs": step.outputs,
                "outcome": step.outcome,
                "conclusion": step.conclusion,
            }
            for step in self.ended
            if step.id
        }
        return {**self.contexts, "env": env, "steps": steps, "job": {"status": word}}

    def status(self) -> dict[str, bool]:
        """What success(), failure() and cancelled() are here."""
        return {
            "success": self.is_ok and not self.is_cancelled,
            "failure": not self.is_ok and not self.is_cancelled,
            "cancelled": self.is_cancelled,
        }


@dataclass
class Doing:
    """One step while it is done: where, what, and what it sees."""

    scope: Scope
    tree: Tree
    step: Step
    env: dict[str, str]
    contexts: Contexts


Perform = Callable[[Doing], None]


def run_steps(
    machine: Machine,
    scope: Scope,
    trees: list[Tree],
    perform: Perform,
    around: Callable[[Step, str], None] = lambda _step, _when: None,
) -> None:
    """Run `trees` in `scope`; `around` is called before and after each. Raises RunnerLost."""
    for tree in trees:
        step = Step(tree.get("id", ""), _shown_name(machine, scope, tree))
        around(step, "before")
        try:
            _run_step(machine, scope, tree, step, perform)
        except RunnerLost:
            step.outcome = step.conclusion = "cancelled"
            raise
        finally:
            scope.ended.append(step)
        around(step, "after")


def name_of(tree: Tree) -> str:
    """A step's name, or what GitHub calls one that has none (without the pinned commit)."""
    if "name" in tree:
        return str(tree["name"])
    if "uses" in tree:
        return f"Run {tree['uses'].partition('@')[0]}"
    return "Run " + str(tree["run"]).strip().partition("\n")[0]


def _shown_name(machine: Machine, scope: Scope, tree: Tree) -> str:
    """The name with its expressions evaluated: those of a script that has no name as well."""
    named = {key: tree[key] for key in ("name", "run", "uses") if key in tree}
    if all(isinstance(value, str) for value in named.values()):
        return name_of(named)
    seen = scope.seen({**scope.env, **machine.variables})
    try:
        return name_of(engine().strings(named, seen, machine.workspace))
    except Faulty:  # the step itself will say so
        return name_of(named)


def _run_step(machine: Machine, scope: Scope, tree: Tree, step: Step, perform: Perform) -> None:
    outer = {**scope.env, **machine.variables}
    step.outcome = step.conclusion = "failure"
    try:
        own = engine().strings(tree.get("env") or {}, scope.seen(outer), machine.workspace)
        env = {**outer, **own}
        contexts = scope.seen(env)
        if not engine().condition(tree["if"], contexts, scope.status()):
            step.outcome = step.conclusion = "skipped"
            return
        machine.say(f"## {step.name}")
        perform(Doing(scope, tree, step, env, contexts))
        step.outcome = step.conclusion = "success"
    except (Failed, Garbled, Faulty, Overdue) as error:
        machine.say(f"##[error]{error}")
        _fail(scope, tree, step)


def _fail(scope: Scope, tree: Tree, step: Step) -> None:
    goes_on = engine().resolve(tree.get("continue-on-error", False), scope.seen(scope.env))
    if goes_on is True:
        step.conclusion = "success"
    else:
        scope.is_ok = False
