"""Work out the three quality gates of the last pipeline run: readiness, model quality, deployment.

Reads artifacts/, configs/, dvc.lock and the trigger ledger, asks Prometheus (PROMETHEUS_URL) where
the rollout plan judges by it, prints every item and writes artifacts/gates/quality-gates.json. It
changes nothing else, so it needs no --apply. Where the package or the costs are not at hand, since
git keeps neither, their items keep the verdict that the file has from the run itself. With --final,
as before a merge, what still waits counts as a no, and nothing is written.

Exit codes: 0 no required item says no, 1 one does, 2 bad configuration, 3 an outside system failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pipeline.champion import load_champion
from pipeline.config import load_usecase, parse_utc
from pipeline.core.quality.as_json import (
    QUALITY_GATES,
    assessment_to_json,
    parse_assessment,
)
from pipeline.core.quality.assessment import assess_quality
from pipeline.core.quality.facts import Facts, Monitoring
from pipeline.core.quality.gates import Assessment, what_is_open, with_recorded
from pipeline.core.quality.text import render_assessment
from pipeline.core.triggers.ledger import Ledger
from pipeline.errors import GateRefused, exit_code_of
from pipeline.jsonio import load_json, save_json
from pipeline.manifest import version_of
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.options import new_parser
from pipeline.proposing.approvals_file import load_approvals
from pipeline.proposing.champion_figures import ask_monitoring
from pipeline.proposing.quality_facts import load_facts, request_in
from pipeline.rollout_config import load_rollout_plan


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and assess."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--retrain", help="its id in the trigger ledger (default: run by hand)")
    parser.add_argument("--local", action="store_true", help="use this repository's own ledger")
    parser.add_argument("--at", help="judge as of this time (default: the retrain's as_of)")
    parser.add_argument(
        "--approvals", type=Path, help='a JSON file: {"role": ["login", ...]}, those that count'
    )
    parser.add_argument("--final", action="store_true", help="what still waits is a no")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Assess, print and save. Returns 0. Raises GateRefused naming each item that says no."""
    facts = gather(root, arguments)
    assessment = with_recorded(assess_quality(facts), load_recorded(root / QUALITY_GATES))
    if not arguments.final:
        save_json(root / QUALITY_GATES, assessment_to_json(assessment))
    print(render_assessment(assessment), end="")
    refused = what_is_open(assessment, is_final=arguments.final)
    if refused:
        names = ", ".join(f"{item.name} ({item.verdict})" for item in refused)
        raise GateRefused(f"{len(refused)} of {len(assessment.items)} items say no: {names}.")
    return 0


def gather(root: Path, arguments: argparse.Namespace) -> Facts:
    """The run, its reason in the ledger, and what monitoring says of the champion."""
    ledger = LedgerStore(root, is_local=arguments.local).read() if arguments.retrain else Ledger()
    facts = load_facts(
        root,
        at=parse_utc(arguments.at, "--at") if arguments.at else None,
        request=request_in(ledger, arguments.retrain),
        approvals=load_approvals(arguments.approvals) if arguments.approvals else None,
    )
    return replace(facts, monitoring=monitoring_of(root, facts))


def monitoring_of(root: Path, facts: Facts) -> Monitoring:
    """What the provider answers for the champion, now: it serves now, whatever --at says."""
    if facts.plan is None:
        return Monitoring()
    champion = load_champion(root, load_usecase(root).model)
    version = version_of(champion.digest, champion.as_of) if champion else None
    return ask_monitoring(
        load_rollout_plan(root), facts.plan, version, os.environ, datetime.now(UTC)
    )


def load_recorded(path: Path) -> Assessment | None:
    """What the run itself recorded, where it did."""
    return parse_assessment(load_json(path), str(path)) if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
