"""Is a retrain due? Look at production, answer for all six triggers, and dispatch at most one.

Reads the warehouse (WAREHOUSE_URL) and, where configs/triggers.yaml says so, Prometheus. Prints
every trigger's answer and changes nothing; --apply records what fired in the trigger ledger and
dispatches the retrain that is due to GITHUB_REPOSITORY. Run it as often as you like: an event is
recorded once, and a retrain is dispatched once.

Exit codes: 0 checked, whether or not a retrain is due; 2 bad configuration; 3 an outside system
failed; 4 the data is broken, nothing starts.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pipeline.config import load_usecase, parse_utc
from pipeline.core.report.escape import clean, escape_markdown
from pipeline.core.triggers.check import CheckPlan, Fate, plan_check
from pipeline.core.triggers.check_report import check_json, render_check, render_check_markdown
from pipeline.core.triggers.ledger import (
    Ledger,
    Retrain,
    RetrainState,
    calendar_since,
    open_retrain,
)
from pipeline.core.triggers.payload import RETRAIN_EVENT, RetrainPayload, payload_to_json
from pipeline.core.triggers.retrains import mark_dispatched
from pipeline.core.triggers.rules import Observation, assess_triggers
from pipeline.errors import DataIncident, SchemaChanged, exit_code_of
from pipeline.github_env import add_summary, forge_of
from pipeline.jsonio import render_json, save_text
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.monitoring.observe import Sight, nothing_seen, observe
from pipeline.monitoring.production import (
    Monitored,
    drift_rule_faults,
    load_monitored,
    watching,
)
from pipeline.options import new_parser

UNSEEN = (
    "Nothing records what the champion answers, so its performance is not known: see "
    "docs/triggers.md, The champion's answers.\n"
)


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and check."""
    parser = new_parser(__file__, __doc__)
    parser.add_argument("--at", help="see production as of this time (default: now)")
    parser.add_argument("--json", type=Path, help="write all that was seen and decided here")
    parser.add_argument(
        "--local",
        action="store_true",
        help="keep the ledger in this repository alone, and print the command instead of "
        "dispatching it",
    )
    parser.add_argument("--apply", action="store_true", help="record and dispatch")
    arguments = parser.parse_args(argv)
    gc.disable()  # one short look: searching its rows for cycles would take a fifth of it
    return exit_code_of(lambda: check(Path.cwd(), arguments))


def check(root: Path, arguments: argparse.Namespace) -> int:
    """Look, decide, print; with --apply record and dispatch. Returns the exit code."""
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    monitored = load_monitored(root)
    if monitored is None:
        print(f"{load_usecase(root).model} has no champion yet: nothing to watch.")
        return 0
    sight = look(monitored, at)
    store = LedgerStore(root, is_local=arguments.local)
    fate = partial(fate_of_proposal, root, monitored.champion.model, is_local=arguments.local)
    if arguments.apply:
        plan = record(store, monitored, sight, fate)
    else:
        ledger = store.read()
        plan = decide(ledger, monitored, sight, fate(ledger))
    tell(monitored, sight, plan, arguments.json)
    if plan.dispatch is not None:
        start(store, plan, at, arguments)
    elif not arguments.apply:
        print("Nothing was changed. --apply records and dispatches.")
    return DataIncident.exit_code if sight.data_faults else 0


def look(monitored: Monitored, at: datetime) -> Sight:
    """What production looks like at `at`. Of broken data only the fault is seen, and the calendar.

    A column that is gone is broken data, and so is a label or a score that cannot be.
    """
    try:
        with watching(monitored) as source:
            if source.predictions is None and source.measure is None:
                print(UNSEEN)
            return observe(source, monitored.reference, monitored.policy, at)
    except (SchemaChanged, DataIncident) as error:
        return nothing_seen(monitored.policy, at, error)


def fate_of_proposal(root: Path, model: str, ledger: Ledger, *, is_local: bool) -> Fate:
    """What became of the open proposal. Without an open one nobody is asked."""
    found = open_retrain(ledger, model)
    if found is None or found.state is not RetrainState.PROPOSED:
        return Fate()
    # Slow to import, and seldom needed.
    from pipeline.monitoring.merged import merged_challengers  # noqa: PLC0415
    from pipeline.proposing.forges import known_forge  # noqa: PLC0415
    from pipeline.rolling.ended import closed_retrain, ended_retrains  # noqa: PLC0415
    from pipeline.rolling.repository import RolloutRepository  # noqa: PLC0415

    forge = known_forge(root, is_local=is_local)
    closed = closed_retrain(forge, found.id) if forge is not None else {}
    repository = RolloutRepository(root, None if is_local else "origin")
    ended = closed or ended_retrains(repository, model)
    return Fate(ended, merged_challengers(root, model))


def decide(
    ledger: Ledger, monitored: Monitored, sight: Sight, fate: Fate | None = None
) -> CheckPlan:
    """What follows from `sight` on top of `ledger`."""
    return plan_check(
        ledger,
        assess_triggers(monitored.policy.triggers, with_calendar(ledger, monitored, sight)),
        monitored.policy.triggers,
        model=monitored.champion.model,
        champion=monitored.champion.digest,
        at=sight.observation.rules.at,
        data_faults=sight.data_faults,
        fate=fate,
    )


def with_calendar(ledger: Ledger, monitored: Monitored, sight: Sight) -> Observation:
    """The observation, and until when `ledger` says that the calendar has been served."""
    since = calendar_since(ledger, monitored.champion.model, monitored.champion.as_of)
    return replace(sight.observation, calendar_since=since)


def record(
    store: LedgerStore,
    monitored: Monitored,
    sight: Sight,
    fate: Callable[[Ledger], Fate],
) -> CheckPlan:
    """Decide on top of the newest ledger, and save what follows before anything is dispatched."""

    def step(ledger: Ledger) -> tuple[Ledger, CheckPlan]:
        plan = decide(ledger, monitored, sight, fate(ledger))
        return plan.ledger, plan

    return store.update(step, f"Record a check of {monitored.champion.model}")


def start(store: LedgerStore, plan: CheckPlan, at: datetime, arguments: argparse.Namespace) -> None:
    """Dispatch the retrain, then note that it was; killed in between, it is dispatched again.

    Two dispatches of one retrain are harmless: the first run claims it, the second one stops.
    """
    retrain = plan.dispatch
    if retrain is None:
        return
    if not arguments.apply:
        print(f"Would dispatch {retrain.id}. Nothing was changed. --apply does it.")
        return
    if arguments.local:
        print(f"Next: python -m scripts.admit_retrain --local --retrain {retrain.id} --apply")
    else:
        dispatch(retrain)

    store.update(
        lambda ledger: (mark_dispatched(ledger, retrain.id, at), None), f"Dispatch {retrain.id}"
    )


def dispatch(retrain: Retrain) -> None:
    """Ask GitHub to run the retrain workflow. The payload is an id: the ledger knows the rest."""
    from pipeline.adapters.github import GitHub  # noqa: PLC0415 (slow, and seldom needed)

    forge = forge_of()
    payload = payload_to_json(RetrainPayload(retrain.model, retrain.id))
    GitHub(forge.repository, forge.token, forge.api_url).dispatch(RETRAIN_EVENT, payload)
    print(f"Dispatched {retrain.id} to {forge.repository}.")


def tell(monitored: Monitored, sight: Sight, plan: CheckPlan, path: Path | None) -> None:
    """Print the answers; write them to the job's summary and to `path`."""
    model, at = monitored.champion.model, sight.observation.rules.at
    print(f"{model} at {at:%Y-%m-%d %H:%M} UTC, champion {monitored.champion.digest[:19]}\n")
    print(render_check(plan))
    add_summary(render_check_markdown(plan, model=model, at=at))
    for fault in sight.data_faults:
        print(f"Data incident: {fault}", file=sys.stderr)
        add_summary(f"- **Data incident**: {escape_markdown(fault)}")
    # No error: a retrain that drops a feature would stop the watch over the model it made.
    for fault in drift_rule_faults(monitored):
        print(f"Warning: configs/triggers.yaml: {clean(fault)}", file=sys.stderr)
        add_summary(f"- **Warning**: configs/triggers.yaml: {escape_markdown(fault)}")
    if path is not None:
        value = check_json(
            plan,
            sight.observation,
            model=model,
            champion=monitored.champion.digest,
            data_faults=sight.data_faults,
        )
        save_text(path, render_json(value))


if __name__ == "__main__":
    sys.exit(main())
