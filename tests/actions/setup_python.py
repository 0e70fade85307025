"""actions/setup-python: the Python that runs the tests, and their packages.

No version is installed and nothing downloaded: `python` is the environment of the tests, whatever
version is asked for, and is warm: see tests/warm. `pip install -r FILE` becomes a check that all
of FILE is installed there, which is made once for the same words and files: a job asks for it in
each of a hundred runs.
"""

from __future__ import annotations

import platform
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import warm
from tests.actions.uses import Call, Failed

_PYTHON = """#!/bin/sh
if [ "$1 $2 $3" = "-m pip install" ]; then
  asked=$({{ echo "$@"; for each; do [ ! -f "$each" ] || cat "$each"; done; }} | sha256sum)
  fine="{known}/${{asked%% *}}"
  [ -e "$fine" ] || {{ "{python}" "{check}" "$@" && touch "$fine"; }}
  exit
fi
exec "{warm}" "$@"
"""
_PIP = """#!/bin/sh
exec "{folder}/python" -m pip "$@"
"""


@cache
def _known() -> TemporaryDirectory[str]:
    """A file for each check that was fine; it is gone when the tests have ended."""
    return TemporaryDirectory(prefix="perennial-installed-")


def setup_python(call: Call) -> dict[str, str]:
    """Put `python` and `pip` in PATH, and behind them the programs of the packages."""
    call.only("python-version", "cache", "cache-dependency-path")
    named = call.given.get("cache-dependency-path")
    if named and not list(call.machine.workspace.glob(named)):
        raise Failed(f"No file in {call.machine.workspace} matched to [{named}]")
    folder = call.machine.tools / "python"
    folder.mkdir(exist_ok=True)
    check = Path(__file__).with_name("check_installed.py")
    scripts = {"python": _PYTHON, "python3": _PYTHON, "pip": _PIP}
    for name, text in scripts.items():
        path = folder / name
        places = {"check": check, "folder": folder, "known": _known().name, "warm": warm.python()}
        path.write_text(text.format(python=sys.executable, **places))
        path.chmod(0o755)
    call.machine.path += [str(Path(warm.python()).parent), str(folder)]
    asked = call.given.get("python-version", "any")
    call.machine.say(f"asked for Python {asked}; here it is {platform.python_version()}")
    return {"python-version": platform.python_version(), "python-path": str(folder / "python")}
