"""Say below each merged retrain what became of it: the rollout, the triggers since, the figures.

One comment a pull request, found by its hidden line among our own and edited in place as weeks
pass; merges older than --days are left as they are. The figures are the champion's answers in the
warehouse (WAREHOUSE_URL) whose labels had time to come. Needs a clone that reaches back to the
merges. Prints its plan; --apply writes.

Exit codes: 0 done, 2 bad configuration, 3 an outside system failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.config import parse_utc
from pipeline.core.outcome.text import AddComment, EditComment, outcome_comment, plan_outcome
from pipeline.core.proposal.identity import PREFIX, retrain_of
from pipeline.core.report.escape import clean
from pipeline.errors import ConfigurationError, PipelineError, exit_code_of
from pipeline.forge import Forge, PullRequest, PullState
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.options import new_parser
from pipeline.paths import model_names
from pipeline.proposing.after_merge import Merge, load_outcome
from pipeline.proposing.forges import add_forge_options, chosen_forge

TEMPLATE = Path(__file__).parent.parent / "pipeline" / "templates" / "outcome.md.j2"


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and tell."""
    parser = new_parser(__file__, __doc__)
    add_forge_options(parser)
    parser.add_argument("--at", help="as of this time (default: now)")
    parser.add_argument("--days", type=int, default=120, help="how long after a merge to follow it")
    parser.add_argument("--apply", action="store_true", help="write the comments")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Look at every merged retrain. One that cannot be told of does not keep the others waiting."""
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    forge = chosen_forge(root, arguments)
    ledger = LedgerStore(root, is_local=arguments.forge == "local").read()
    template = TEMPLATE.read_text(encoding="utf-8")
    failed: list[PipelineError] = []
    for model, pull in merged(forge, model_names(root)):
        try:
            merge = Merge(root, pull.merge_commit or "")
            if at - merge.at() > timedelta(days=arguments.days):
                continue
            facts = load_outcome(merge, model, ledger, at)
            if facts is not None:
                say(forge, pull, outcome_comment(facts, template), is_applied=arguments.apply)
        except PipelineError as error:
            print(f"#{pull.number}: {clean(error)}", file=sys.stderr)
            failed.append(error)
    return exit_code_for(failed)


def merged(forge: Forge, models: tuple[str, ...]) -> Iterator[tuple[str, PullRequest]]:
    """The merged retrains of each model, newest first."""
    for pull in forge.pulls(PREFIX):
        if pull.state is PullState.MERGED and pull.merge_commit:
            yield from ((m, pull) for m in models if retrain_of(pull.branch, m))


def say(forge: Forge, pull: PullRequest, body: str, *, is_applied: bool) -> None:
    """Bring the comment below a pull request up to date; print what that takes."""
    step = plan_outcome(forge.comments(pull.number), forge.login(), body)
    if step is None:
        print(f"#{pull.number}: the comment is current.")
        return
    print(f"#{pull.number}: {step}\n\n{body}")
    if not is_applied:
        print("Nothing was written. --apply does it.")
    elif isinstance(step, AddComment):
        forge.add_comment(pull.number, step.body)
    elif isinstance(step, EditComment):
        forge.edit_comment(step.id, step.body)


def exit_code_for(failed: list[PipelineError]) -> int:
    """0 without a failure; else that of the first one that is configuration, or the first one."""
    ours = [error for error in failed if isinstance(error, ConfigurationError)]
    return (ours or failed)[0].exit_code if failed else 0


if __name__ == "__main__":
    sys.exit(main())
