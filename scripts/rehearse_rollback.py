"""Rehearse the rollback of the proposed challenger: merge it and revert it, in a throwaway clone.

The proposal is what lies in the checkout (artifacts/, dvc.lock, rollouts/<model>/), or --branch. If
its rollouts/<model>/rollout.yaml is not written yet, one is made from configs/rollout-plan.yaml for
the rehearsal alone. Writes artifacts/gates/rollback-rehearsal.json and changes nothing else, so it
needs no --apply.

Exit codes: 0 rehearsed and nothing failed, 1 the rollback would not work, 2 bad configuration, 3
git or a file failed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from pipeline.core.quality.facts import REHEARSAL
from pipeline.domain import Verdict
from pipeline.errors import GateRefused, exit_code_of
from pipeline.jsonio import load_json, save_json
from pipeline.options import new_parser
from pipeline.proposing.rehearsal import rehearse


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and rehearse."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--base", default="HEAD", help="what the proposal is merged into (HEAD)")
    parser.add_argument("--branch", help="a branch with it (default: the checkout's files)")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Rehearse, print and save. Returns 0. Raises GateRefused where the rollback would not work."""
    started = time.monotonic()
    recorded = load_json(root / REHEARSAL) if (root / REHEARSAL).is_file() else None
    found = rehearse(root, base=arguments.base, branch=arguments.branch, recorded=recorded)
    record = {**vars(found), "seconds": round(time.monotonic() - started, 1)}
    save_json(root / REHEARSAL, record)
    print(f"Rollback of {found.model} {found.version}: {found.verdict}")
    for step in found.steps:
        print(f"  {step.verdict:<12} {step.name}: {step.reason}")
    if found.verdict in (Verdict.FAIL, Verdict.ERROR):
        raise GateRefused(f"the rollback would not work. See {REHEARSAL}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
