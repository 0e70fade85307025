"""Keep the dashboard: one issue that says how every model is, what asked for retrains and why.

Reads rollouts/, the trigger ledger and the forge's open proposals. The issue is found by its hidden
line among our own, edited in place where it would say something else, opened again if somebody
closed it. Prints its plan; --apply does it. Run it as often as you like.

Exit codes: 0 done, 2 bad configuration, 3 an outside system failed.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config import parse_utc
from pipeline.core.dashboard.issue import (
    LABEL,
    TITLE,
    OpenIssue,
    Step,
    dashboard_body,
    open_incidents,
    plan_dashboard,
)
from pipeline.core.dashboard.model import view_model
from pipeline.core.proposal.identity import PREFIX
from pipeline.errors import exit_code_of
from pipeline.forge import Forge
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.options import new_parser
from pipeline.proposing.forges import add_forge_options, chosen_forge
from pipeline.proposing.models import load_models

TEMPLATE = Path(__file__).parent.parent / "pipeline" / "templates" / "dashboard.md.j2"


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and update."""
    parser = new_parser(__file__, __doc__)
    add_forge_options(parser)
    parser.add_argument("--at", help="as of this time (default: now)")
    parser.add_argument("--apply", action="store_true", help="open or edit the issue")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: update(Path.cwd(), arguments))


def update(root: Path, arguments: argparse.Namespace) -> int:
    """Look, plan, print; with --apply write. Returns 0."""
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    forge = chosen_forge(root, arguments)
    ledger = LedgerStore(root, is_local=arguments.forge == "local").read()
    models = load_models(root, ledger, forge.pulls(PREFIX))
    issues, login = forge.issues(LABEL), forge.login()
    body = dashboard_body(
        [view_model(model, at) for model in models],
        TEMPLATE.read_text(encoding="utf-8"),
        open_incidents(issues, login),
    )
    steps = plan_dashboard(issues, login, body)
    tell(steps, body)
    if arguments.apply:
        for step in steps:
            take(forge, step)
    elif steps:
        print("Nothing was written. --apply does it.")
    return 0


def tell(steps: tuple[Step, ...], body: str) -> None:
    """Print what is to be done, and what the issue is to say."""
    if not steps:
        print("The dashboard is current.")
        return
    print("\n".join(f"To do: {step}" for step in steps))
    print(f"\n{body}")


def take(forge: Forge, step: Step) -> None:
    """Take one step; taken twice, the second time finds nothing to do."""
    if isinstance(step, OpenIssue):
        made = forge.open_issue(title=TITLE, body=step.body, labels=(LABEL,))
        print(f"Opened issue {made.number}.")
        return
    forge.edit_issue(step.number, body=step.body, is_open=step.is_open)
    print(f"Wrote issue {step.number}.")


if __name__ == "__main__":
    sys.exit(main())
