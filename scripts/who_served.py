"""Which model served a user or request at a moment, from git alone.

    python -m scripts.who_served --user X --at 2013-07-02T12:00:00Z

A test that was active decides; else a rollout that was under way; else the champion of that moment.
Nothing is read but commits: not the checkout, no server. scripts/trace.py says where the model came
from, and verifies it.

Exit codes: 0 answered, 1 nobody served then, 2 bad option or configuration, 3 git failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.config import load_usecase, parse_utc
from pipeline.errors import exit_code_of
from pipeline.options import new_parser
from pipeline.tracing.past import Past
from pipeline.tracing.serving import answered, serving_at


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and answer."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--user", required=True, help="the user or request id, as it was routed by")
    parser.add_argument("--at", required=True, help="the moment, such as 2013-07-02T12:00:00Z")
    parser.add_argument("--ref", default="HEAD", help="the newest commit to believe")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: tell(Path.cwd(), arguments))


def tell(root: Path, arguments: argparse.Namespace) -> int:
    """Print the answer. Returns 0. Raises GateRefused where nobody served."""
    at = parse_utc(arguments.at, "--at")
    past = Past(root, load_usecase(root).model, arguments.ref)
    digest, why = answered(serving_at(past, at), arguments.user)
    print(f"{digest}\n  {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
