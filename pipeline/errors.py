"""Everything that can go wrong on purpose: one class for each exit code.

Scripts and stages let these reach `exit_code_of`, which prints one clear message and never a
traceback. Any other exception is a bug: it keeps its traceback, and has a code of its own, since
Python's for it, 1, is that of a gate that says no.
"""

from __future__ import annotations

import difflib
import os
import secrets
import select
import sys
import traceback
from collections.abc import Callable, Sequence

from pipeline.wording import counted


class PipelineError(Exception):
    """Base of the errors that a user can mend. The message says where, what, and what to do."""

    exit_code = 3


class GateRefused(PipelineError):
    """A gate says no. The work is done; the answer is not PASS."""

    exit_code = 1


class ConfigurationError(PipelineError):
    """A file of ours says something that it must not. Carries every fault, not the first."""

    exit_code = 2

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        self.where = where
        self.faults = tuple(faults)
        lines = "".join(f"\n  - {fault}" for fault in self.faults)
        super().__init__(f"{where}: {counted(len(self.faults), 'fault')} to mend{lines}")


def in_one_line(error: Exception) -> str:
    """What an error says, without its line breaks."""
    return " ".join(str(error).split())


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """How a fault about `name` goes on where one of `known` is near: "; did you mean 'name'?"."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


class SchemaChanged(ConfigurationError):
    """The warehouse lacks a table or column that the query reads.

    A fault of configuration to a retrain; to monitoring, which has seen it work, an incident.
    """


class OutsideError(PipelineError):
    """A system outside this repository failed: warehouse, registry, remote, disk. Run again."""

    exit_code = 3


class DataIncident(PipelineError):
    """The data is broken. Training on it would teach the fault, so nothing trains."""

    exit_code = 4


class Bug(PipelineError):
    """A mistake in the code, with its traceback, contained where others must not wait for it."""

    exit_code = 70  # EX_SOFTWARE of sysexits.h

    @classmethod
    def of(cls, error: Exception) -> Bug:
        """The bug that `error` shows."""
        told = "".join(traceback.format_exception(error)).rstrip()
        return cls(f"the code has a bug; unless it is in code of yours, please report it:\n{told}")


_STOPPED = "PERENNIAL_COMMANDS_STOPPED"  # children print into the same log


def exit_code_of(run: Callable[[], int | None]) -> int:
    """Run `run` and turn its outcome into an exit code, printing what it raised to stderr."""
    _stop_commands()
    try:
        return run() or 0
    except PipelineError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _is_unread():
            error = OSError("nobody reads the output any more, as after `| head`, so this stopped")
        print(f"OutsideError: {error}. Mend it and run again: nothing was lost.", file=sys.stderr)
        return OutsideError.exit_code
    except Exception as error:  # noqa: BLE001 (whatever it is: it must not pass for a verdict)
        print(f"Bug: {Bug.of(error)}", file=sys.stderr)
        return Bug.exit_code


def _is_unread() -> bool:
    """Whether stdout is a pipe without a reader; then what is printed from here on goes nowhere."""
    try:
        stdout = sys.stdout.fileno()
    except OSError:  # a stream in memory, as where a test looks at the output
        return False
    poll = select.poll()
    poll.register(stdout, 0)
    if not any(found & select.POLLERR for _, found in poll.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stdout)  # else Python fails once more when it ends
    os.close(nowhere)
    return True


def _stop_commands() -> None:
    """In a step of GitHub's, have the runner obey nothing that is printed from here on.

    There a line with `::add-mask::true`, or `##[add-mask]true` anywhere in it, is a command whoever
    wrote it: an alert's reason, a category of the warehouse, a key of a pull request's file. No
    script of ours gives any. Said on both streams, since the runner may read either first.
    """
    if "GITHUB_OUTPUT" not in os.environ or _STOPPED in os.environ:
        return
    os.environ[_STOPPED] = "1"
    command = f"::stop-commands::{secrets.token_hex(16)}"
    for stream in (sys.stdout, sys.stderr):
        print(command, file=stream, flush=True)
