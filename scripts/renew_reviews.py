"""Have main judge those open proposals again whose verdict it would not give any more.

A verdict is main's as it was then. Where more than records of rollouts and A/B tests came to main
since, or a day went by, `review` is started again; what happens to the pull request itself starts
it anyway. Run it in a checkout of main, as often as you like: a proposal is asked for once for each
main, and once a day. Prints its plan; --apply starts the reviews, and says on the commit status
that an outdated verdict counts no longer.

Exit codes: 0 done, or nothing to do; 2 bad configuration; 3 an outside system failed.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import parse_utc
from pipeline.core.report.escape import clean
from pipeline.errors import exit_code_of
from pipeline.options import new_parser
from pipeline.proposing.forges import add_forge_options, chosen_forge
from pipeline.reviewing.renewals import find_renewals, renew


def main(argv: list[str] | None = None) -> int:
    """Parse the command line, look, and ask."""
    parser = new_parser(__file__, __doc__)
    add_forge_options(parser)
    parser.add_argument("--at", help="as of this time (default: now)")
    parser.add_argument("--apply", action="store_true", help="start the reviews")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Print the plan and, with --apply, follow it. Returns 0. Raises PipelineError."""
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    forge = chosen_forge(root, arguments)
    found = find_renewals(root, forge, at)
    for renewal in found:
        print(f"#{renewal.pull.number} is to be judged again: {clean(renewal.reason)}")
        for remark in renew(root, forge, renewal) if arguments.apply else ():
            print(f"  {clean(remark)}")
    if not found:
        print("No open proposal has to be judged again.")
    elif not arguments.apply:
        print("Nothing was started. --apply starts the reviews.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
