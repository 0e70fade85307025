"""May this pull request be merged? Judge what it changes, by main's code, policy and champion.

Run in a checkout of main: of the pull request only git objects are read, nothing of it is run. A
retrain must pass every gate; a change of what serves needs the approvals of its roles; a rollback
needs nothing, so that nobody waits at 3 a.m.; anything else is not this script's business.
Prints a table; --apply sets the commit status `perennial/verify` and, for a retrain, keeps one
comment current. The answer is in the step's outputs too: verdict, stale, retrain.

One to another branch than main is not judged.

Exit codes: 0 it may be merged, or with --accept-no whatever the answer, or it is none to main;
1 it may not, or not yet; 2 bad configuration, 3 an outside system failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pipeline.adapters.git.trees import fetch_pull
from pipeline.config import load_usecase, parse_utc
from pipeline.core.proposal.identity import BASE, PREFIX, retrain_of
from pipeline.core.quality.facts import REHEARSAL
from pipeline.core.report.escape import clean
from pipeline.core.review.gates import is_stale
from pipeline.core.review.kind import Kind, kind_of
from pipeline.core.review.recomputed import Recomputed, assess_recomputed, parse_recomputed
from pipeline.core.review.renewal import address_of
from pipeline.core.review.report import CONTEXT, MARKER, description_of, render_review
from pipeline.core.triggers.ledger import Ledger, why_not_asked_for
from pipeline.domain import Gate, Verdict, worst
from pipeline.errors import Bug, GateRefused, PipelineError, exit_code_of, in_one_line
from pipeline.forge import Forge, PullRequest, StatusState
from pipeline.github_env import add_summary, set_outputs
from pipeline.jsonio import load_json
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.options import new_parser
from pipeline.proposing.forges import add_forge_options, chosen_forge
from pipeline.proposing.rehearsal import rehearse
from pipeline.reviewing.approvals import assess_reviews, why_by_hand
from pipeline.reviewing.facts import Commits, assess_contents, commits_of, judges_alike

STATES = {
    Verdict.PASS: StatusState.SUCCESS,
    Verdict.INCONCLUSIVE: StatusState.PENDING,
    Verdict.FAIL: StatusState.FAILURE,
    Verdict.ERROR: StatusState.ERROR,
}


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and judge."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--pull-request", type=int, required=True, help="its number")
    add_forge_options(parser)
    parser.add_argument("--recomputed", help="what scripts/recompute_retrain.py saved")
    parser.add_argument("--at", help="judge as of this time (default: now)")
    parser.add_argument("--accept-no", action="store_true", help="exit with 0 whatever the answer")
    parser.add_argument("--apply", action="store_true", help="set the status and the comment")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: verify(Path.cwd(), arguments))


def verify(root: Path, arguments: argparse.Namespace) -> int:
    """Judge and, with --apply, say so on the forge. Returns the exit code."""
    forge = chosen_forge(root, arguments)
    pull = forge.pull(arguments.pull_request)
    if pull.base != BASE:  # a status is the commit's: said for another branch it counted for main
        print(f"Pull request {pull.number} is to {clean(pull.base)}, not to {BASE}: not judged.")
        set_outputs({"verdict": "", "stale": "false", "retrain": ""})
        return 0
    if arguments.forge != "local":
        fetch_pull(root, pull.number)
    commits = commits_of(root, pull.head)  # whatever was pushed since has a run of its own
    kind = kind_of(commits.changes)
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    recomputed = load_recomputed(root, arguments.recomputed)
    ledger = None
    if kind is Kind.RETRAIN:
        ledger = ledger_of(root, is_local=arguments.forge == "local")
    gates = gates_of(kind, commits, pull, forge, ledger, recomputed=recomputed, at=at)
    show(kind, pull, gates)
    verdict = worst(gate.verdict for gate in gates)
    # By its branch: whoever may edit the body must not have another one evaluated again.
    model = load_usecase(root).model
    retrain = retrain_of(pull.branch, model) or ""
    # What the ledger does not wait for it cannot have evaluated again: whoever ran it does that.
    is_awaited = ledger is not None and why_not_asked_for(ledger, model, retrain) is None
    is_retrain_stale = is_awaited and is_stale(gates)
    set_outputs(
        {
            "verdict": verdict,
            "stale": "true" if is_retrain_stale else "false",
            "retrain": retrain,
        }
    )
    if arguments.apply:
        publish(forge, kind, pull, gates, commits.main.commit)
    else:
        print("Nothing was said on the forge. --apply does it.")
    return 0 if verdict is Verdict.PASS or arguments.accept_no else GateRefused.exit_code


def gates_of(
    kind: Kind,
    commits: Commits,
    pull: PullRequest,
    forge: Forge,
    ledger: Ledger | None,
    *,
    recomputed: Recomputed | None,
    at: datetime,
) -> tuple[Gate, ...]:
    """The gates that this kind of pull request must pass."""
    if kind is Kind.ROLLBACK:
        return (_free("rollback", "It only brings back what served before."),)
    if kind is Kind.OTHER:
        return (_free("serving", "It changes nothing that serves."),)
    if kind is Kind.SERVING:
        return (approvals_of(commits, pull, forge),)
    if pull.is_fork:
        return (_not_ours("It comes from a fork, where no run of ours can have made it."),)
    model = load_usecase(commits.root).model
    retrain = retrain_of(pull.branch, model)
    if retrain is None:
        return (_not_ours(f"It comes from {pull.branch}: no verdict would be renewed there."),)
    why = why_by_hand(commits.head, ledger, model, retrain)
    approvals = approvals_of(commits, pull, forge, why)
    contents = contents_of(commits, retrain, pull.body, at)
    main = commits.main.commit
    if recomputed is not None and judges_alike(commits.root, recomputed.main, main):
        recomputed = replace(recomputed, main=main)
    figures = assess_recomputed(recomputed, pull.head, main)
    return (*contents, *figures, approvals)


def approvals_of(commits: Commits, pull: PullRequest, forge: Forge, why: str | None = None) -> Gate:
    """The gate on what people said; `why` the retrain ran by hand, if it did."""
    reviews, makers = forge.reviews(pull.number), forge.makers(pull, commits.merges)
    return assess_reviews(commits.root, pull, reviews, makers, why_by_hand=why)


def ledger_of(root: Path, *, is_local: bool) -> Ledger | None:
    """The trigger ledger; None where it cannot be read, which must not end the judge."""
    try:
        return LedgerStore(root, is_local=is_local).read()
    except PipelineError as error:
        print(f"The trigger ledger cannot be read: {error}", file=sys.stderr)
        return None


def _not_ours(reason: str) -> Gate:
    rule = f"A retrain comes from the branch {PREFIX}<retrain> of this repository."
    return Gate("branch", Verdict.FAIL, rule, reason)


def contents_of(commits: Commits, retrain: str, body: str, at: datetime) -> tuple[Gate, ...]:
    """The gates on what a retrain brings; where main's code breaks on it, one that says so."""
    rule = "All that belongs to a retrain."
    try:
        return (*assess_contents(commits, retrain, body, at), rollback_gate(commits))
    except PipelineError as error:
        return (Gate("contents", Verdict.FAIL, rule, in_one_line(error)),)
    except Exception as error:  # noqa: BLE001 (a verdict of an earlier main must not stay)
        print(f"Bug: {Bug.of(error)}", file=sys.stderr)
        reason = f"Main's code broke on it ({type(error).__name__}): the log has the place."
        return (Gate("contents", Verdict.ERROR, rule, reason),)


def rollback_gate(commits: Commits) -> Gate:
    """Merge and revert the commit in a clone of main: what serves must be as before."""
    text, tip = commits.head.text(REHEARSAL), commits.head.commit
    try:
        found = rehearse(commits.root, branch=tip, recorded=json.loads(text) if text else None)
    except (PipelineError, ValueError, RecursionError) as error:
        reason = in_one_line(error)
        return Gate("rollback", Verdict.ERROR, "The rollback is rehearsed.", reason)
    still_open = [step for step in found.steps if step.verdict is not Verdict.PASS]
    said = "; ".join(f"{step.name}: {step.reason}" for step in still_open)
    fine = f"Merged and reverted on {found.base[:12]}: all is as before."
    return Gate("rollback", found.verdict, "The rollback is rehearsed.", said or fine)


def publish(
    forge: Forge, kind: Kind, pull: PullRequest, gates: tuple[Gate, ...], main: str
) -> None:
    """Set the status; for a retrain, keep the one comment of ours as it should read now.

    The status leads to the commit of main that judged: scripts/renew_reviews.py reads it there.

    A status belongs to the commit, and anybody's fork may have that of our own proposal: then the
    fork's verdict is left to its comment, and the status stays that of our pull request.
    """
    if kind in (Kind.RETRAIN, Kind.SERVING):
        text, login = render_review(gates, pull.head), forge.login()
        mine = [
            comment
            for comment in forge.comments(pull.number)
            if comment.author == login and comment.body.startswith(MARKER)
        ]
        if not mine:
            forge.add_comment(pull.number, text)
        elif mine[0].body.splitlines() != text.splitlines():
            forge.edit_comment(mine[0].id, text)
    own = own_pull_of(forge, pull.head) if pull.is_fork else None
    if own is not None:
        print(f"No status was set: {pull.head[:12]} is the commit of #{own.number}, which is ours.")
        return
    state = STATES[worst(gate.verdict for gate in gates)]
    forge.set_status(
        pull.head,
        context=CONTEXT,
        state=state,
        description=description_of(gates),
        url=address_of(main, pull.url),
    )


def own_pull_of(forge: Forge, head: str) -> PullRequest | None:
    """The open pull request from a branch of our own repository whose newest commit is `head`."""
    return next((pull for pull in forge.open_pulls() if pull.head == head), None)


def show(kind: Kind, pull: PullRequest, gates: tuple[Gate, ...]) -> None:
    """Print the answer, worst gates first, and add it to the job's summary."""
    print(f"Pull request {pull.number} at {pull.head[:12]} ({kind}): {description_of(gates)}")
    for gate in sorted(gates, key=lambda gate: -gate.verdict.severity):
        print(f"  {gate.verdict:<12} {gate.name:<12} {clean(gate.reason)}")
    add_summary(render_review(gates, pull.head))


def load_recomputed(root: Path, path: str | None) -> Recomputed | None:
    """What was worked out again; None where nothing was."""
    if path is None or not (root / path).is_file():
        return None
    return parse_recomputed(load_json(root / path))


def _free(name: str, reason: str) -> Gate:
    return Gate(name, Verdict.PASS, "Needs no gates.", reason)


if __name__ == "__main__":
    sys.exit(main())
