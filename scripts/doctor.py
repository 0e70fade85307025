"""Look for everything that could be wrong, and say how to mend it: one line each.

Reads this checkout, the environment as a job would have it (WAREHOUSE_URL, PROMETHEUS_URL,
MLFLOW_TRACKING_URI, ...) and, with GITHUB_TOKEN, the repository on GitHub. Changes nothing, and
shows no secret. With the light install, what needs the training stack is told as not checked.

Exit codes: 0 no fault, 1 at least one fault.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from pipeline.doctoring.examine import examine
from pipeline.doctoring.finding import Health
from pipeline.doctoring.situation import Situation, load_situation
from pipeline.errors import exit_code_of
from pipeline.options import new_parser


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and look."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--repository", help="owner/name (that of the remote origin)")
    parser.add_argument(
        "--offline", action="store_true", help="look at the files of this checkout alone"
    )
    parser.add_argument("--quiet", action="store_true", help="leave out what is ok")
    arguments = parser.parse_args(argv)

    def look() -> int:
        situation = load_situation(Path.cwd(), os.environ, arguments.repository)
        return run(situation, is_quiet=arguments.quiet, is_offline=arguments.offline)

    return exit_code_of(look)


def run(situation: Situation, *, is_quiet: bool = False, is_offline: bool = False) -> int:
    """Print each finding as it is made. Returns 1 where there is a fault."""
    counts: Counter[Health] = Counter()
    for finding in examine(situation, is_offline=is_offline):
        counts[finding.health] += 1
        if not (is_quiet and finding.health is Health.OK):
            print(finding, flush=True)
    print("\n" + ", ".join(f"{counts[health]} {health}" for health in Health if counts[health]))
    return int(counts[Health.FAULT] > 0)


if __name__ == "__main__":
    sys.exit(main())
