"""The demo: a year of flights goes by, the triggers ask for retrains, and the best model serves.

It works in a repository of its own, .demo/flights, so that this checkout stays as it is; each run
begins .demo/ anew. There it does what a team would do, with the same scripts and on real data: the
flights that left New York in 2013. After the first champion the months go by: its answers are
recorded as a server would, the triggers look at them, and the retrains are those that fired. What
passed is rolled out by real model servers behind a real Envoy, while users ask; what misbehaves is
rolled back; a revert takes the promotion back.

Three things it takes upon itself that belong to people, and says so when it does: approving the
first champion, merging what passed, and overruling a gate. In place of GitHub there is a folder,
.forge. Two things are not as in production: the plan's hours are seconds, and the challenger that
misbehaves is made to.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from pipeline.demo.year import run
from pipeline.errors import exit_code_of
from pipeline.options import new_parser


def main(argv: list[str] | None = None) -> int:
    """Run the demo from the repository's root. A TERM stops it as Ctrl-C does: servers as well."""
    parser = new_parser(__file__, __doc__)
    parser.parse_args(argv)
    for name in (signal.SIGTERM, signal.SIGINT):  # a shell may have its jobs ignore the latter
        signal.signal(name, stop)
    try:
        return exit_code_of(lambda: run(Path.cwd()))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def stop(*_: object) -> None:
    """End what runs, with all that it started; a second Ctrl-C must not leave servers behind."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
