"""Scripts called as `python -m` would call them, in this process: a second sooner each."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from unittest import mock


@dataclass(frozen=True)
class Called:
    """What a process would have left."""

    returncode: int
    stdout: str
    stderr: str


def call_script(where: Path, script: str, *arguments: str, **environment: str) -> Called:
    """`python -m scripts.<script>` in the folder `where`, outside any job of GitHub's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "MLFLOW_"))}
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(where),
        mock.patch.dict(os.environ, {**kept, **environment}, clear=True),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        code = importlib.import_module(f"scripts.{script}").main(list(arguments))
    return Called(code, stdout.getvalue(), stderr.getvalue())
