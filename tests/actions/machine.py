"""What a job has of its own: a clean workspace, a home, its variables, its log."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.actions.files import masked
from tests.actions.processes import Processes

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FILES = ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY")


@dataclass
class Machine:
    """`variables` and `path` are what steps added by GITHUB_ENV and GITHUB_PATH.

    `afterwards` is what actions do when the job ends, the last one first.
    """

    root: Path
    repository: str
    processes: Processes
    own: Mapping[str, str]
    secrets: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    afterwards: list[Callable[[], object]] = field(default_factory=list)
    printed: list[str] = field(default_factory=list)

    @property
    def workspace(self) -> Path:
        return self.root / "work" / self.repository / self.repository

    @property
    def temp(self) -> Path:
        return self.root / "temp"

    @property
    def tools(self) -> Path:
        return self.root / "tools"

    @property
    def home(self) -> Path:
        return self.root / "home"

    def start(self) -> None:
        """Begin with nothing, as every job does."""
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in (self.workspace, self.temp, self.tools, self.home):
            folder.mkdir(parents=True)

    def environment(self) -> dict[str, str]:
        """What every process of the job is given; nothing is inherited from the tests."""
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "RUNNER_ARCH": "X64",
            "RUNNER_ENVIRONMENT": "github-hosted",
            "RUNNER_NAME": "stand-in",
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_TOOL_CACHE": str(self.tools),
            **self.own,
            "PATH": os.pathsep.join([*reversed(self.path), self.own.get("PATH", _PATH)]),
        }

    def files(self) -> dict[str, Path]:
        """The files of one step, empty: by the names of their variables."""
        found = {f"GITHUB_{name}": self.temp / name.lower() for name in _FILES}
        for path in found.values():
            path.write_bytes(b"")
        return found

    def say(self, text: str) -> None:
        """Write to the log; it is masked when it is read, since secrets may come later."""
        if text.strip():
            self.printed.append(text if text.endswith("\n") else f"{text}\n")

    @property
    def log(self) -> str:
        return masked("".join(self.printed), self.secrets)
