"""Tell a rollout: pause, resume, promote, abort or retry. What is told is one small commit.

Finds by itself which version, which pause or which stage is meant, and refuses what means nothing
now. Prints its plan; --apply commits and pushes it. Told already, nothing happens. The next
reconcile acts on it; promote still needs every metric to pass.

Exit codes: 0 done, 1 it means nothing now, 2 bad configuration, 3 git failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.errors import OutsideError, exit_code_of
from pipeline.options import new_parser
from pipeline.rolling.controls import plan_control
from pipeline.rolling.known import known_model
from pipeline.rolling.model_state import load_model
from pipeline.rolling.repository import ATTEMPTS, MAIN, RolloutRepository
from pipeline.rollout_commands import Verb


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and tell."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("verb", choices=[str(verb) for verb in Verb], help="what to tell it")
    parser.add_argument("--model", required=True, help="its folder in rollouts/")
    parser.add_argument("--reason", required=True, help="why: it stays in git")
    parser.add_argument("--by", default="a person at the command line", help="who says so")
    parser.add_argument("--branch", default=MAIN, help=f"where the rollouts are ({MAIN})")
    parser.add_argument("--local", action="store_true", help="this repository's own branch")
    parser.add_argument("--apply", action="store_true", help="commit and push it")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Plan and, with --apply, commit. Returns 0. Raises GateRefused where it means nothing."""
    repository = RolloutRepository(root, None if arguments.local else "origin", arguments.branch)
    for _ in range(ATTEMPTS):
        snapshot = repository.snapshot()
        tree = known_model(snapshot, arguments.model)
        control = plan_control(Verb(arguments.verb), load_model(snapshot, tree))
        print(control.subject)
        for path, blob in control.files.items():
            print(f"  {'delete' if blob is None else 'add'} {path}")
        if not control.files:
            print("  said already: nothing to do")
            return 0
        if not arguments.apply:
            print("Nothing was changed. --apply does it.")
            return 0
        message = control.message(arguments.by, arguments.reason)
        if repository.commit(snapshot, arguments.model, control.files, message):
            return 0
    raise OutsideError(f"{arguments.model}: others came first {ATTEMPTS} times. Run again.")


if __name__ == "__main__":
    sys.exit(main())
