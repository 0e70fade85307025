"""Forks for each command that is asked for; see tests/warm/__init__.py.

A fork whose client is gone is killed with its process group, and so is every fork that was asked
for from within its session: as the kill of a group would reach all of them without a server.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LARGEST = 1024 * 1024
OURS = ("pipeline", "scripts")
IMPORTED = re.compile(r"^ *(?:from|import) ([A-Za-z_][\w.]*)", re.MULTILINE)
DVC = ("dvc.cli", "dvc.commands.repro", "dvc.repo.reproduce", "dvc.stage.run", "dvc.repo.push")
# Of an MLflow server what it stands on, and not mlflow.server, which reads variables as it loads.
MLFLOW = (
    "mlflow.cli",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    *("alembic", "fastapi", "flask", "graphene", "uvicorn"),
)
S3 = ("boto3", "dvc_s3", "moto.server", "moto.s3.responses")


@dataclass(frozen=True)
class Asked:
    """A command: `arguments` as behind `python`, and what a process inherits."""

    program: str
    folder: str
    arguments: list[str]
    variables: dict[str, str]
    files: list[int]


@dataclass(frozen=True)
class Fork:
    """One that runs. `session` is its client's; `client` is told how it ended."""

    session: int
    client: socket.socket


class Server:
    """Serves whoever connects to `listener`, until standard input ends."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._forks: dict[int, Fork] = {}
        self._doomed: set[int] = set()
        self._waiting: list[socket.socket] = []
        self._watch(self._listener, self._accept)
        self._watch(sys.stdin, self._end)

    def serve(self) -> Asked:
        """What is to be done: returns in each fork, and in no other process."""
        while True:
            for key, _ in self._selector.select():
                # What came before it may have closed it.
                if key.fileobj in self._selector.get_map():
                    asked = key.data()
                    if asked is not None:
                        return asked
            if not self._doomed:
                self._tell_waiting()

    def _watch(self, file: object, do: Callable[[], Asked | None]) -> None:
        self._selector.register(file, selectors.EVENT_READ, do)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self._watch(client, partial(self._hear, client))

    def _hear(self, client: socket.socket) -> Asked | None:
        message, files, _, _ = socket.recv_fds(client, LARGEST, 3)
        self._selector.unregister(client)
        if not message:  # it went again, or only asks whether all have ended
            self._waiting.append(client)
            return None
        load_libraries()
        asked = asked_in(message, files)
        fork = os.fork()
        if fork == 0:
            return asked
        for file in files:
            os.close(file)
        self._follow(fork, client)
        return None

    def _follow(self, fork: int, client: socket.socket) -> None:
        self._forks[fork] = Fork(session_of(client), client)
        ended = os.pidfd_open(fork)
        self._watch(ended, partial(self._reap, fork, ended))
        self._watch(client, partial(self._kill, fork))
        with suppress(OSError):
            client.send(str(fork).encode())

    def _reap(self, fork: int, ended: int) -> None:
        """Tell the client how it ended."""
        client = self._forks.pop(fork).client
        _, status = os.waitpid(fork, 0)
        with suppress(OSError):
            client.send(str(os.waitstatus_to_exitcode(status)).encode())
        self._doomed.discard(fork)
        self._selector.unregister(ended)
        os.close(ended)
        if client in self._selector.get_map():
            self._selector.unregister(client)
        client.close()

    def _kill(self, fork: int) -> None:
        """Its client is gone."""
        if fork in self._doomed:
            return
        self._doomed.add(fork)
        self._selector.unregister(self._forks[fork].client)
        for kill in (os.kill, os.killpg):  # it may not have made its group yet
            with suppress(ProcessLookupError):
                kill(fork, signal.SIGKILL)
        for other in [pid for pid, other in self._forks.items() if other.session == fork]:
            self._kill(other)

    def _tell_waiting(self) -> None:
        while self._waiting:
            self._waiting.pop().close()

    def _end(self) -> None:
        for fork in list(self._forks):
            self._kill(fork)
        os._exit(0)


def asked_in(message: bytes, files: list[int]) -> Asked:
    """What the client wrote: texts with a zero byte between them."""
    program, folder, count, *others = os.fsdecode(message).split("\0")
    arguments, variables = others[: int(count)], others[int(count) :]
    pairs = (variable.partition("=") for variable in variables)
    return Asked(program, folder, arguments, {name: value for name, _, value in pairs}, files)


def session_of(client: socket.socket) -> int:
    """The session of the process at the other end; 0 where it is gone."""
    pid = int.from_bytes(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4), sys.byteorder)
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def load_libraries() -> None:
    """Whatever our code imports that is not ours, once."""
    if "sklearn" in sys.modules:
        return
    for name in sorted({*imported(), *DVC, *MLFLOW, *S3}):
        if name.partition(".")[0] not in {*OURS, *sys.stdlib_module_names}:
            with suppress(ImportError):
                import_module(name)
    gc.freeze()  # a collection in a fork would copy all of it


def imported() -> Iterator[str]:
    """What comes behind `import` and `from`, in the first words of a line of our code."""
    for room in OURS:
        for path in (ROOT / room).rglob("*.py"):
            yield from IMPORTED.findall(path.read_text(encoding="utf-8"))


def become(asked: Asked) -> None:
    """Take over the folder, the variables and the files, as a process of a session of its own."""
    os.setsid()
    for number, file in enumerate(asked.files):
        os.dup2(file, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.chdir(asked.folder)
    os.environ.clear()
    os.environ.update(asked.variables)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        is_line = stream is sys.stderr or stream.isatty()
        is_at_once = bool(asked.variables.get("PYTHONUNBUFFERED"))
        stream.reconfigure(line_buffering=is_line, write_through=is_at_once)
    sys.executable = asked.program
    named = next(each for each in asked.arguments if each != "-m")
    Path("/proc/self/comm").write_text(named[-15:])  # the end of the name, for `ps`
    sys.dont_write_bytecode = bool(asked.variables.get("PYTHONDONTWRITEBYTECODE"))


def run(arguments: list[str], variables: dict[str, str]) -> int:
    """`python ARGUMENTS`. The exit code."""
    first, *others = arguments
    is_module = first == "-m"
    sys.argv[:] = others if is_module else arguments
    place = str(Path.cwd()) if is_module else str(Path(first).resolve().parent)
    sys.path[:0] = [place, *filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))]
    try:
        if is_module:
            runpy.run_module(others[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(first, run_name="__main__")
    except SystemExit as ended:
        return code_of(ended.code)
    except BaseException:  # noqa: BLE001 (nobody is above)
        traceback.print_exc()
        return 1
    return 0


def code_of(ended: object) -> int:
    """As Python ends with it: what is no number is printed."""
    if ended is None or isinstance(ended, int):
        return (ended or 0) & 0xFF
    print(ended, file=sys.stderr)
    return 1


def leave(code: int) -> None:
    """Do what is to be done at the end, without taking thousands of modules apart."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def main(listener: int) -> None:
    """Serve; and in each fork, do what was asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    sys.path[:] = [place for place in sys.path if place != str(HERE)]
    asked = Server(socket.socket(fileno=listener)).serve()
    become(asked)
    leave(run(asked.arguments, asked.variables))


if __name__ == "__main__":
    main(int(sys.argv[1]))
