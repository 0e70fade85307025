"""Jobs that die at a step of one's choice: the machine is gone, and nothing tidies up."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.actions.runs import Step
from tests.actions.scripts import Scripts
from tests.actions.steps import RunnerLost


@dataclass(frozen=True)
class Kill:
    """`when` is before, during (`seconds` after the step's start) or after."""

    workflow: str
    job: str
    step: str
    when: str
    seconds: float = 0


@dataclass
class Kills:
    """Those that are still to come; each happens once."""

    waiting: list[Kill] = field(default_factory=list)

    def meet(self, workflow: str, job: str, step: Step, when: str, scripts: Scripts) -> None:
        """Called before and after each step. Raises RunnerLost where one is due."""
        scripts.kill_after = None
        for kill in list(self.waiting):
            is_here = (kill.workflow, kill.job) == (workflow, job)
            if not is_here or kill.step not in (step.id, step.name):
                continue
            if kill.when == when:
                self.waiting.remove(kill)
                scripts.machine.processes.is_lost = True
                raise RunnerLost
            if kill.when == "during" and when == "before":
                self.waiting.remove(kill)
                scripts.kill_after = kill.seconds
