"""A Python whose libraries are loaded: a command starts in 0.03 s instead of in two of a core.

Half of what the tests cost was the import of pandas, scikit-learn and MLflow by some hundred
processes, each for a second of work. Within `running`, `python()` asks a server (server.py) for a
fork of itself instead; in the workers of pytest-xdist that is `sys.executable`, so that scripts
which a test calls start warm what they start. The fork has the libraries and nothing of ours: it
reads the code of the checkout it runs in, with the arguments, variables, folder and files of who
asked, in a session of its own, and it ends when they do.

What it is not: a test that something is imported at all, is light, or starts (tests/test_light.py
and tests/test_process.py start a Python of their own, and so does every test without pytest-xdist);
nor has the fork a limit that who asked has set for what it starts: that starts `COLD`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

COLD = sys.executable  # before conftest.py puts the warm one there
_VARIABLE = "WARM_PYTHON"
_HERE = Path(__file__).parent
_SCRIPT = """#!/bin/sh
exec "{python}" -IS "{client}" "{socket}" "{python}" "$0" "$@"
"""


def python() -> str:
    """The program to start our commands with: warm within `running`, else this very Python."""
    return os.environ.get(_VARIABLE, COLD)


def is_possible() -> bool:
    """Whether this is Linux, and lets a process be watched by a file; else all start cold."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


@contextmanager
def running() -> Iterator[None]:
    """`python` is warm meanwhile, here and in processes that inherit our variables.

    The server loads the libraries when it is first asked. Its folder has the programs beside our
    Python as links, and `python` and `python3` of its own.
    """
    with TemporaryDirectory(prefix="warm-") as folder:  # a socket's path must be short
        yield from _running_in(Path(folder))


def _running_in(folder: Path) -> Iterator[None]:
    path = folder / "socket"
    _fill(folder / "bin", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen(128)
        server = _start(listener)
    os.environ[_VARIABLE] = str(folder / "bin/python")
    try:
        yield
    finally:
        del os.environ[_VARIABLE]
        server.communicate()  # it ends when nobody can write to it any more


def _start(listener: socket.socket) -> subprocess.Popen[bytes]:
    """Nothing of Python's own settings, which are those of each command."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    file = listener.fileno()
    return subprocess.Popen(
        [COLD, str(_HERE / "server.py"), str(file)],
        env=inherited,
        stdin=subprocess.PIPE,
        pass_fds=[file],
    )


def settle() -> None:
    """Until all have ended whose client was killed before."""
    path = Path(python()).parent.parent / "socket"
    if path.is_socket():
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            asking.connect(str(path))
            asking.shutdown(socket.SHUT_WR)
            asking.recv(1)  # it is closed then


def _fill(folder: Path, path: Path) -> None:
    folder.mkdir()
    for program in Path(COLD).parent.iterdir():
        if not program.name.startswith("python"):
            (folder / program.name).symlink_to(program)
    text = _SCRIPT.format(python=COLD, client=_HERE / "client.py", socket=path)
    for name in ("python", "python3"):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
