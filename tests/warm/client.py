"""Asks the server for a fork that does a command, and is to its caller what that fork is.

It ends as the fork ends, by exit code or signal, and hands on the signals that ask for an end; the
fork is killed when this is. What a fork cannot be, such as `python -X importtime` or a process with
more than the three standard files, is started cold.
It runs without site-packages and imports what is built in alone, which takes 10 ms.
"""

import _signal
import _socket
import os
import sys

HANDED_ON = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT)
KNOWN = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
NO_SERVER = 120


def main(socket: str, cold: str, warm: str, *arguments: str) -> None:
    if not is_warm(arguments):
        os.execv(cold, [cold, *arguments])  # noqa: S606
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    server.connect(socket)
    variables = [f"{name}={value}" for name, value in os.environ.items()]
    asked = (warm, os.getcwd(), str(len(arguments)), *arguments, *variables)  # noqa: PTH109
    files = b"".join(fd.to_bytes(4, sys.byteorder) for fd in (0, 1, 2))
    server.sendmsg(
        [os.fsencode("\0".join(asked))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)]
    )
    follow(server)


def is_warm(arguments: tuple[str, ...]) -> bool:
    """`-m MODULE` or a script, and no variable that changes how Python itself starts."""
    first = arguments[0] if arguments else ""
    is_command = first.endswith(".py") or (first == "-m" and len(arguments) > 1)
    others = {name for name in os.environ if name.startswith("PYTHON")} - KNOWN
    return is_command and not others and arguments[1:2] != ("pip",) and has_standard_files()


def has_standard_files() -> bool:
    """Whether those are all; a library that starts workers hands them others."""
    return len(os.listdir("/proc/self/fd")) <= 4  # noqa: PTH208 (the fourth is this look)


def hand_on(fork: int, signal: int) -> None:
    """To the fork; to its whole group where we lead one, for then all of ours was meant."""
    try:
        (os.killpg if os.getpgid(0) == os.getpid() else os.kill)(fork, signal)
    except ProcessLookupError:  # it has no group yet
        os.kill(fork, signal)


def follow(server: _socket.socket) -> None:
    """Until the fork has ended; then end like it."""
    fork = int(server.recv(64))
    for signal in HANDED_ON:
        _signal.signal(signal, lambda number, _: hand_on(fork, number))
    answer = server.recv(64)
    code = int(answer) if answer else NO_SERVER
    if code < 0:
        if -code in HANDED_ON:
            _signal.signal(-code, _signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


main(*sys.argv[1:])
