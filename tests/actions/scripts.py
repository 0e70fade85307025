"""`run:` for real: the script in its shell, with the files and variables that GitHub gives it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.actions.contexts import Contexts
from tests.actions.engine import Faulty, engine
from tests.actions.files import masks_in, read_environment, read_pairs, read_summary
from tests.actions.machine import Machine
from tests.actions.processes import SHELLS
from tests.actions.steps import Doing, Overdue, RunnerLost
from tests.actions.uses import Failed

_WORDS = (str, int, float)


@dataclass
class Scripts:
    """Runs the scripts of one job. `deadline` is monotonic; with `kill_after` the next one dies."""

    machine: Machine
    deadline: float
    minute_seconds: float
    kill_after: float | None = None
    summary: str = ""

    def run(self, doing: Doing) -> None:
        """Run the step, keep its outputs. Raises Failed, Garbled, Faulty, Overdue or RunnerLost."""
        machine, contexts = self.machine, doing.contexts
        files, log = machine.files(), machine.temp / "log"
        code = machine.processes.run(
            self._command(doing),
            self._folder(doing),
            {
                **machine.environment(),
                **self._about(contexts),
                **doing.env,
                **{name: str(path) for name, path in files.items()},
            },
            log,
            seconds=self._seconds(doing),
            kill_after=self.kill_after,
        )
        printed = log.read_text(encoding="utf-8", errors="replace")
        machine.secrets.update(masks_in(printed))
        machine.say(printed)
        if machine.processes.is_lost:
            raise RunnerLost
        self._take_over(doing, files)
        if code is None:
            raise Overdue("The action has timed out.")
        if code != 0:
            raise Failed(f"Process completed with exit code {code}.")

    def _take_over(self, doing: Doing, files: dict[str, Path]) -> None:
        """What the step said by its files counts whether it failed or not."""
        doing.step.outputs = read_pairs(files["GITHUB_OUTPUT"])
        self.machine.variables |= read_environment(files["GITHUB_ENV"])
        self.machine.path += files["GITHUB_PATH"].read_text(encoding="utf-8").splitlines()
        self.summary += read_summary(files["GITHUB_STEP_SUMMARY"])

    def _command(self, doing: Doing) -> list[str]:
        script = self.machine.temp / "script"
        text = engine().strings(doing.tree["run"], doing.contexts, self.machine.workspace)
        script.write_text(f"{text}\n", encoding="utf-8")
        shell = doing.tree.get("shell") or doing.scope.defaults.get("shell", "")
        if shell not in SHELLS:
            raise Faulty(f"shell: {shell} is not supported by tests/actions")
        return [word.format(script) for word in SHELLS[shell]]

    def _folder(self, doing: Doing) -> Path:
        default = doing.scope.defaults.get("working-directory", ".")
        at = doing.tree.get("working-directory") or default
        return self.machine.workspace / engine().strings(at, doing.contexts, self.machine.workspace)

    def _seconds(self, doing: Doing) -> float:
        """How long the step may take: its own limit, within the job's.

        What must run after the job's time is up has five minutes, as on GitHub.
        """
        left = self.deadline - time.monotonic()
        left = left if left > 0 else 5 * self.minute_seconds
        own = engine().resolve(doing.tree.get("timeout-minutes"), doing.contexts)
        return left if own is None else min(left, float(own) * self.minute_seconds)

    def _about(self, contexts: Contexts) -> dict[str, str]:
        """GITHUB_*: the words of the context `github`, but for its token."""
        github: dict[str, Any] = contexts["github"]
        words = {name: str(value) for name, value in github.items() if isinstance(value, _WORDS)}
        del words["token"]
        event = self.machine.temp / "event.json"
        event.write_text(json.dumps(github["event"]), encoding="utf-8")
        words |= {"workspace": str(self.machine.workspace), "event_path": str(event)}
        return {f"GITHUB_{name.upper()}": value for name, value in words.items()}
