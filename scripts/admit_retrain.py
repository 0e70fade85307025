"""May this run train? Check what started it, claim a retrain in the trigger ledger, or stop.

The first step of the retrain workflow. It reads GitHub's event (GITHUB_EVENT_NAME,
GITHUB_EVENT_PATH, GITHUB_RUN_ID) and believes none of it: payloads are checked against a schema,
a manual retrain needs its approvals, and only the first run of a retrain may train. With --local
it admits a retrain of this repository's own ledger instead, as `check_triggers --local` names it.
Prints its answer; --apply claims. The answer is in the step's outputs too: admitted, retrain,
trigger, priority, as_of.

Exit codes: 0 answered, admitted or not; 2 bad configuration or payload; 3 an outside system
failed.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from pipeline.champion import load_champion
from pipeline.config import load_usecase, parse_utc
from pipeline.core.report.escape import clean, escape_markdown
from pipeline.core.triggers.admission import Admission, admit_decided, admit_planned
from pipeline.core.triggers.check import Fate
from pipeline.core.triggers.decision import Status, TriggerDecision
from pipeline.core.triggers.ledger import Ledger, calendar_since
from pipeline.core.triggers.rules import assess_schedule
from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.github_env import add_summary, load_event, set_outputs
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.monitoring.merged import merged_challengers
from pipeline.monitoring.run_request import RunRequest, request_of
from pipeline.options import new_parser
from pipeline.trigger_config import load_triggers


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and answer."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--local", action="store_true", help="use this repository's own ledger")
    parser.add_argument("--retrain", help="with --local: the id of the retrain to claim")
    parser.add_argument("--at", help="answer as of this time (default: now)")
    parser.add_argument("--apply", action="store_true", help="claim it")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: admit(Path.cwd(), arguments))


def admit(root: Path, arguments: argparse.Namespace) -> int:
    """Answer and, with --apply, claim. Returns 0."""
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    request = load_request(root, arguments)
    store = LedgerStore(root, is_local=arguments.local)

    def step(ledger: Ledger) -> tuple[Ledger, Admission]:
        answer = answer_to(root, request, ledger, at)
        return answer.ledger, answer

    if arguments.apply:
        answer = store.update(step, f"Run {request.run} asks to train")
    else:
        answer = step(store.read())[1]
    tell(answer, request.as_of)
    if not arguments.apply:
        print("Nothing was claimed. --apply does it.")
    return 0


def load_request(root: Path, arguments: argparse.Namespace) -> RunRequest:
    """What is asked for: on the command line with --local, else in GitHub's event."""
    if arguments.local != bool(arguments.retrain):
        raise ConfigurationError("arguments", ["--local and --retrain belong together"])
    if arguments.local:
        return RunRequest("local", retrain=arguments.retrain)
    return request_of(root, load_event(), load_triggers(root), load_usecase(root).model)


def answer_to(root: Path, request: RunRequest, ledger: Ledger, at: datetime) -> Admission:
    """Whether the run may train, given the newest ledger."""
    if request.retrain is not None:
        return admit_planned(ledger, request.retrain, request.run, at)
    model = load_usecase(root).model
    champion = load_champion(root, model)
    return admit_decided(
        ledger,
        [request.decision or calendar(root, model, ledger, at)],
        load_triggers(root),
        model=model,
        champion=champion.digest if champion else "none",
        run=request.run,
        at=at,
        fate=Fate(merged=merged_challengers(root, model)),
    )


def calendar(root: Path, model: str, ledger: Ledger, at: datetime) -> TriggerDecision:
    """The calendar's answer: QUIET where it is off, or where there is no champion to renew yet."""
    config, champion = load_triggers(root), load_champion(root, model)
    rule = config.retraining_triggers.scheduled_retrain
    priority = config.priority_of("scheduled_retrain")
    if rule is None or not rule.enabled or champion is None:
        off = "off in configs/triggers.yaml, or no champion yet"
        return TriggerDecision("scheduled_retrain", Status.QUIET, priority, off)
    return assess_schedule(rule, at, calendar_since(ledger, model, champion.as_of), priority)


def tell(answer: Admission, as_of: str) -> None:
    """Print the answer; say it to the job's summary and to the steps that follow."""
    first = answer.causes[0] if answer.causes else None
    print(f"{'Admitted' if answer.retrain else 'Stopped'}: {clean(answer.reason)}")
    for cause in answer.causes:
        print(f"  {cause.trigger} ({cause.priority}): {clean(cause.reason)}")
    lines = [f"- {e.trigger} ({e.priority}): {escape_markdown(e.reason)}" for e in answer.causes]
    word = "Training" if answer.retrain else "Not training"
    add_summary("\n".join([f"### {word}: {escape_markdown(answer.reason)}", "", *lines]))
    set_outputs(
        {
            "admitted": "true" if answer.retrain else "false",
            "retrain": answer.retrain or "",
            "trigger": first.trigger if first else "",
            "priority": first.priority if first else "",
            "as_of": as_of,
        }
    )


if __name__ == "__main__":
    sys.exit(main())
