"""Tell the trigger ledger how a training run ended.

proposed: its pull request waits for people. lost: the champion stays. incident: the data is
broken, and the retrain is given up. failed: it crashed, and is tried again until the limit of
configs/triggers.yaml. Only the run that claimed the retrain may say so. stale: what its pull
request was judged by has moved on, so it is evaluated again; the next check of the triggers starts
that. Saying the same twice is harmless. Prints its plan; --apply writes.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import parse_utc
from pipeline.core.triggers.ledger import Ledger, RetrainState
from pipeline.core.triggers.retrains import (
    claim_run,
    fail_run,
    find_retrain,
    is_asked_again,
    mark_proposed,
    reopen,
    settle,
)
from pipeline.errors import exit_code_of
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.options import new_parser
from pipeline.trigger_config import Recovery, load_triggers

OUTCOMES = ("proposed", "won", "lost", "incident", "failed", "stale")
STALE = "main, the champion or the data moved on since it was evaluated"


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and settle."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--retrain", required=True, help="its id in the ledger")
    parser.add_argument("--outcome", required=True, choices=OUTCOMES, help="what became of it")
    parser.add_argument("--note", default="", help="a sentence for those who read the ledger")
    parser.add_argument("--local", action="store_true", help="use this repository's own ledger")
    parser.add_argument("--at", help="as of this time (default: now)")
    parser.add_argument("--apply", action="store_true", help="write it")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Take the step and, with --apply, save it. Returns 0."""
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    name = "local" if arguments.local else os.environ.get("GITHUB_RUN_ID", "")
    recovery = load_triggers(root).recovery
    store = LedgerStore(root, is_local=arguments.local)

    def step(ledger: Ledger) -> tuple[Ledger, str]:
        after = outcome_of(ledger, arguments, name, at, recovery)
        return after, str(find_retrain(after, arguments.retrain).state)

    if arguments.apply:
        state = store.update(step, f"{arguments.retrain}: {arguments.outcome}")
    else:
        state = step(store.read())[1]
    print(f"{arguments.retrain} is {state}.{_if_passed_over(arguments.outcome, state)}")
    if not arguments.apply:
        print("Nothing was written. --apply does it.")
    return 0


def outcome_of(
    ledger: Ledger, arguments: argparse.Namespace, run: str, at: datetime, recovery: Recovery
) -> Ledger:
    """The ledger after the retrain ended as the command line says."""
    retrain, note = arguments.retrain, arguments.note[:500]
    if arguments.outcome == "stale":
        return reopen(ledger, retrain, at, note or STALE)
    if arguments.outcome == "failed":
        return fail_run(ledger, retrain, run, at, recovery)
    if is_asked_again(find_retrain(ledger, retrain)):
        return ledger  # this was said before, and what was proposed has been called stale since
    # Its failed jobs were run again after `failed` was said: it takes back what nobody took since.
    ledger, _ = claim_run(ledger, retrain, run, at)
    if arguments.outcome == "proposed":
        return mark_proposed(ledger, retrain, run, at)
    ends = {
        "won": RetrainState.WON,
        "lost": RetrainState.LOST,
        "incident": RetrainState.ABANDONED,
    }
    return settle(ledger, retrain, ends[arguments.outcome], at, run=run, note=note)


def _if_passed_over(outcome: str, state: str) -> str:
    """What to know where another evaluation was asked for, and one is on its way."""
    if outcome != "stale" or state not in (RetrainState.DISPATCHED, RetrainState.RUNNING):
        return ""
    return (
        " It is being evaluated, so no other evaluation is asked for. Where its run has ended "
        "without saying so, run that run's failed jobs again."
    )


if __name__ == "__main__":
    sys.exit(main())
