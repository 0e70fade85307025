"""Decide every transition in the history of rollouts/ again; each must come out as it was recorded.

Needs nothing but a clone: no metrics, no traffic layer, no registry. Changes nothing.

Exit codes: 0 all agree, 1 one or more do not, 2 bad configuration, 3 git failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.errors import GateRefused, exit_code_of
from pipeline.options import new_parser
from pipeline.rolling.known import require_known
from pipeline.rolling.replay import replay
from pipeline.rolling.repository import MAIN, RolloutRepository


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and replay."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--model", action="append", default=[], help="only this one (repeatable)")
    parser.add_argument("--branch", default=MAIN, help=f"where the rollouts are ({MAIN})")
    parser.add_argument("--local", action="store_true", help="this repository's own branch")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Print each transition and whether it agrees. Raises GateRefused where one does not."""
    remote = None if arguments.local else "origin"
    snapshot = RolloutRepository(root, remote, arguments.branch).snapshot()
    require_known(snapshot.models, arguments.model)
    counts = {"agree": 0, "verdicts": 0, "differ": 0}
    for model in arguments.model or snapshot.models:
        for found in replay(snapshot, snapshot.models[model]):
            counts["differ" if found.difference else "agree"] += 1
            counts["verdicts"] += found.verdict is not None
            word = "DIFFERS" if found.difference else "agrees"
            why = f": {found.difference}" if found.difference else ""
            print(f"{found.commit[:12]} {model} {found.name} {found.verdict or '-'} {word}{why}")
    total = counts["agree"] + counts["differ"]
    print(f"{total} transitions, {counts['verdicts']} with a verdict: {counts['differ']} differ.")
    if counts["differ"]:
        raise GateRefused("the history does not follow from its own evidence.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
