"""The shell that the pages' commands are typed into, and what must be true afterwards."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import warm
from tests.docs.pages import words

PLACEHOLDER = re.compile(r"…|<[a-z ]+>")
OUTSIDE = ("GITHUB_", "MLFLOW_", "PROMETHEUS_", "WAREHOUSE_", "AWS_", "DASK_", "DVC_")
NOT_OURS = set("|&<>$`;")  # what a plain `python -m` has no use for: bash does those
ADA = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ada"), ("EMAIL", "ada@localhost"))
}


@dataclass(frozen=True)
class Then:
    """What a command must end with, print, and leave behind.

    `typed` is what is run in its place, where a page shows more than a test can wait for.
    """

    code: int = 0
    says: str = ""
    leaves: str = ""
    typed: str = ""


@dataclass
class Shell:
    """A reader's shell in `folder`; `values` are what that reader puts in for placeholders."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]
    values: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.monkeypatch.chdir(self.folder)
        for name in [name for name in os.environ if name.startswith(OUTSIDE)]:
            self.monkeypatch.delenv(name)
        path = f"{Path(warm.python()).parent}{os.pathsep}{os.environ['PATH']}"
        for name, value in {**ADA, "PATH": path}.items():
            self.monkeypatch.setenv(name, value)

    def check(self, command: str, then: Then) -> str:
        """Run a page's command; what it printed."""
        typed = self.filled(then.typed or command)
        self.capfd.readouterr()
        code = self.run(typed)
        printed = "".join(self.capfd.readouterr())
        assert code == then.code, f"{typed}\n{printed}"
        assert self.filled(then.says) in printed, f"{typed}\n{printed}"
        if then.leaves:
            assert list(self.folder.glob(self.filled(then.leaves))), f"{typed}\n{printed}"
        return printed

    def filled(self, text: str) -> str:
        """With a value for each placeholder."""
        for name, value in self.values.items():
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", lambda _, v=value: v, text)
        assert not PLACEHOLDER.search(text), f"nothing to put in: {text}"
        return text

    def run(self, typed: str) -> int:
        """Its exit code. `python -m` runs here, which is a second sooner for each."""
        if typed.startswith("python -m ") and not NOT_OURS & set(typed):
            _, _, module, *arguments = words(typed)
            self.monkeypatch.setattr(sys, "argv", [module, *arguments])
            try:
                return importlib.import_module(module).main() or 0
            except SystemExit as ended:
                return int(ended.code or 0)
        return subprocess.run(["bash", "-c", typed], cwd=self.folder, check=False).returncode
