"""Work the figures of a retrain pull request out again, and save what came out.

Runs main's code on the rows and the model that the commit's dvc.lock names; nothing of the commit
is executed. Reads the warehouse again too where WAREHOUSE_URL is set. It writes one file and
changes nothing else, so it needs no --apply; scripts/verify_retrain_pr.py judges the file. The
step's outputs say what it is about: head, main, and whether all was as_claimed ("true", "false").

Of GitHub's pull requests only the newest commit of a branch perennial/retrain/... of our own is
worked out, whoever asks: what a fork proposes, no run of ours has made.

Exit codes: 0 worked out, whatever came out; 1 it is not ours; 2 bad configuration, 3 an outside
system failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.adapters.git.trees import Tree, fetch_pull, is_newest_of
from pipeline.core.proposal.identity import PREFIX
from pipeline.core.report.escape import clean
from pipeline.errors import GateRefused, exit_code_of
from pipeline.github_env import set_outputs
from pipeline.jsonio import save_json
from pipeline.options import new_parser
from pipeline.proposing.forges import add_forge_options, chosen_forge
from pipeline.reviewing.recompute import recompute

OUTPUT = "artifacts/review/recomputed.json"


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and work it out."""
    parser = new_parser(__file__, __doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--pull-request", type=int, help="its number; its commits are fetched")
    which.add_argument("--head", help="a commit that is here already")
    add_forge_options(parser)
    parser.add_argument("--output", default=OUTPUT, help=f"where to save it ({OUTPUT})")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Work it out and save it. Returns 0."""
    head = arguments.head or _head_of(root, arguments)
    with TemporaryDirectory(prefix="perennial-review-") as folder:
        reads_warehouse = "WAREHOUSE_URL" in os.environ
        found = recompute(root, head, Path(folder) / "main", reads_warehouse=reads_warehouse)
    save_json(root / arguments.output, found)
    wrong = (*found.faults, *found.differences)
    for line in wrong:
        print(f"  {clean(line)}")
    print(f"{len(wrong)} differences. Saved {arguments.output}.")
    as_claimed = "false" if wrong else "true"
    set_outputs({"head": found.head, "main": found.main, "as_claimed": as_claimed})
    return 0


def _head_of(root: Path, arguments: argparse.Namespace) -> str:
    """The newest commit of the pull request, which is here then. GitHub needs no token for it.

    Raises GateRefused for one that is not ours.
    """
    if arguments.forge == "local":
        return chosen_forge(root, arguments).pull(arguments.pull_request).head
    head = Tree(root, fetch_pull(root, arguments.pull_request)).commit
    if not is_newest_of(root, head, PREFIX):
        raise GateRefused(
            f"pull request {arguments.pull_request}: {head[:12]} is the newest of no branch "
            f"{PREFIX}... of this repository: nothing was worked out."
        )
    return head


if __name__ == "__main__":
    sys.exit(main())
