"""From a finished pipeline run to one open pull request for its model.

Reads artifacts/, evidence/ and what else the run changed, and the trigger ledger. The branch gets
dvc.lock, figures, plots, the report, the evidence and the manifest that a merge would roll out,
never data or a model. A run that did not pass opens nothing. What is there already is found by
its branch and its hidden marker: unchanged, nothing happens; changed, it is renewed in place; an
older proposal is closed with a link; one that a person closed stays closed until the evidence
changes; commits of people on the branch stop everything. Prints its plan; --apply follows it, step
by step, and may be killed and run again at any moment. The answer is in the step's outputs too:
end, number, url, branch.

Exit codes: 0 the proposal is as it should be; 1 the run did not pass, or must not be proposed;
2 bad configuration; 3 an outside system failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipeline.core.proposal.steps import End, ProposalPlan
from pipeline.core.pull.facts import PullFacts, is_waiting, required_items
from pipeline.core.quality.as_json import QUALITY_GATES
from pipeline.core.report.escape import clean, escape_markdown
from pipeline.core.triggers.ledger import Event, causes_of
from pipeline.core.triggers.retrains import find_retrain
from pipeline.domain import Verdict
from pipeline.errors import GateRefused, OutsideError, exit_code_of
from pipeline.forge import Forge
from pipeline.github_env import add_summary, set_outputs
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.options import new_parser
from pipeline.proposing.attested import subjects_of
from pipeline.proposing.finished import load_proposal
from pipeline.proposing.forges import add_forge_options, chosen_forge
from pipeline.proposing.loop import Proposal, bring_about, plan


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and propose."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--retrain", help="its id in the trigger ledger (default: run by hand)")
    add_forge_options(parser)
    parser.add_argument("--apply", action="store_true", help="do it")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: run(Path.cwd(), arguments))


def run(root: Path, arguments: argparse.Namespace) -> int:
    """Propose the run in the checkout at `root`. Returns 0. Raises GateRefused where it may not."""
    is_local = arguments.forge == "local"
    forge = chosen_forge(root, arguments)
    proposal, facts = load_proposal(
        root,
        forge,
        retrain=arguments.retrain,
        causes=load_causes(root, arguments.retrain, is_local=is_local),
        remote=None if is_local else "origin",
    )
    refuse_what_lost(root, facts)
    found = plan(proposal)
    print(f"Plan for {facts.report.model}, retrain {facts.retrain}:\n{clean_lines(str(found))}")
    if not arguments.apply:
        print("Nothing was changed. --apply does it.")
        return 0
    end = bring_about(proposal, lambda line: print(f"- {clean(line)}", flush=True))
    tell(forge, proposal, end)
    if end.end is End.STOPPED:
        raise GateRefused(f"{proposal.wanted.branch}: {end.reason}.")
    return 0


def load_causes(root: Path, retrain: str | None, *, is_local: bool) -> tuple[Event, ...]:
    """Why the ledger says that this retrain ran; nothing for one by hand.

    Raises ConfigurationError for a retrain that the ledger does not have.
    """
    if retrain is None:
        return ()
    ledger = LedgerStore(root, is_local=is_local).read()
    return causes_of(ledger, find_retrain(ledger, retrain).id)


def refuse_what_lost(root: Path, facts: PullFacts) -> None:
    """Raise GateRefused, and say it in the job's summary, unless every gate of the run passed."""
    if not (root / QUALITY_GATES).is_file():
        raise OutsideError(
            f"{QUALITY_GATES}: not found. Run python -m scripts.assess_gates, then this again."
        )
    if facts.verdict is Verdict.PASS:
        return
    reason = f"{facts.retrain} is not proposed: {facts.verdict}, {clean(facts.report.title)}"
    items = [
        f"{item['verdict']} {item['title']}: {item['reason']}"
        for gate in facts.quality_gates
        for item in required_items(gate)
        if item["verdict"] != Verdict.PASS and not is_waiting(item)
    ]
    lines = "\n".join(f"- {escape_markdown(item)}" for item in items)
    add_summary(f"### {escape_markdown(reason)}\n\n{lines}")
    shown = "".join(f"\n  - {clean(item)}" for item in items)
    raise GateRefused(f"{reason}. The champion stays.{shown}")


def tell(forge: Forge, proposal: Proposal, end: ProposalPlan) -> None:
    """Print how it ended; say it to the job's summary and to the steps that follow."""
    wanted = proposal.wanted
    url = forge.pull(end.number).url if end.number else ""
    print(f"{end.end}: {clean(end.reason)}. {clean(url)}")
    where = f"{escape_markdown(url)}\n" if url else ""
    add_summary(f"### {wanted.retrain}: {end.end}\n\n{escape_markdown(end.reason)}\n\n{where}")
    set_outputs(
        {
            "end": end.end,
            "number": str(end.number or ""),
            "url": url,
            "branch": wanted.branch,
            **subjects_of(proposal.files, wanted.model),
        }
    )


def clean_lines(text: str) -> str:
    """Each line by itself, so that a title can neither end a line nor move the cursor."""
    return "\n".join(f"  {clean(line)}" for line in text.splitlines())


if __name__ == "__main__":
    sys.exit(main())
