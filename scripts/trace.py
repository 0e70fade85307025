"""Which data, code, approvals and commits put a model in front of users; every link is verified.

    python -m scripts.trace 2013-07-03T12:00:00Z            # who served then, and why
    python -m scripts.trace 2013-07-03T12:00:00Z --user X   # and who answered X
    python -m scripts.trace 2013-07-02-4d1e8f0a2b3c         # one version, or its digest
    python -m scripts.trace … --json

Reads commits alone, and needs the light set. The registry is asked where MLFLOW_TRACKING_URI names
a server, GitHub where GITHUB_REPOSITORY and GITHUB_TOKEN are set, and a package is hashed where DVC
keeps it on this disk. What cannot be asked is said, and breaks nothing. Changes nothing.

Exit codes: 0 no link is broken, 1 one or more are, or no model is known, 2 bad question or
configuration, 3 git failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pipeline.config import load_usecase
from pipeline.core.trace.report import render_trace, trace_to_json
from pipeline.errors import GateRefused, exit_code_of
from pipeline.forge import Forge
from pipeline.jsonio import render_json
from pipeline.options import new_parser
from pipeline.proposing.forges import add_forge_options, chosen_forge
from pipeline.tracing.outside import Outside
from pipeline.tracing.past import Past
from pipeline.tracing.question import trace_of


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and answer."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("question", help="a time, a digest (or its beginning), or a version")
    parser.add_argument("--user", help="the user or request id, as it was routed by")
    parser.add_argument("--model", help="default: the one of configs/usecase.yaml")
    parser.add_argument("--ref", default="HEAD", help="the newest commit to believe")
    parser.add_argument("--json", action="store_true", help="every check, for programs")
    parser.add_argument("--local", action="store_true", help="the ledger is in this repository")
    add_forge_options(parser)
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: tell(Path.cwd(), arguments))


def tell(root: Path, arguments: argparse.Namespace) -> int:
    """Print the trace. Returns 1 where a link is broken."""
    past = Past(root, arguments.model or load_usecase(root).model, arguments.ref)
    if arguments.model:
        past.require_model()
    outside = Outside(root, os.environ, _forge(root, arguments), is_local=arguments.local)
    trace = trace_of(past, arguments.question, outside, arguments.user)
    print(render_json(trace_to_json(trace)) if arguments.json else render_trace(trace), end="")
    return 0 if trace.is_whole else GateRefused.exit_code


def _forge(root: Path, arguments: argparse.Namespace) -> Forge | None:
    is_known = {"GITHUB_REPOSITORY", "GITHUB_TOKEN"} <= {k for k, v in os.environ.items() if v}
    return chosen_forge(root, arguments) if is_known or arguments.forge == "local" else None


if __name__ == "__main__":
    sys.exit(main())
