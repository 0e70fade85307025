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
from typing import Any

from pipeline.approvers import load_approvers
from pipeline.champion import Champion, load_champion
from pipeline.config import load_usecase, parse_utc
from pipeline.core.admission import Admission, admit_decided, admit_planned, decision_of_alert
from pipeline.core.decision import TriggerDecision
from pipeline.core.ledger import Ledger, calendar_since
from pipeline.core.manual import Approval, ManualRequest, assess_manual
from pipeline.core.payload import RetrainPayload, parse_payload
from pipeline.core.report_escape import clean, escape_markdown
from pipeline.core.triggers import assess_schedule
from pipeline.errors import ConfigurationError, exit_code_of
from pipeline.github_env import GitHubEvent, add_summary, forge_of, load_event, set_outputs
from pipeline.monitoring.ledger_store import LedgerStore
from pipeline.trigger_config import PRIORITIES, TriggerConfig, load_triggers


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and answer."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--local", action="store_true", help="use this repository's own ledger")
    parser.add_argument("--retrain", help="with --local: the id of the retrain to claim")
    parser.add_argument("--at", help="answer as of this time (default: now)")
    parser.add_argument("--apply", action="store_true", help="claim it")
    arguments = parser.parse_args(argv)
    return exit_code_of(lambda: admit(Path.cwd(), arguments))


def admit(root: Path, arguments: argparse.Namespace) -> int:
    """Answer and, with --apply, claim. Returns 0."""
    at = parse_utc(arguments.at, "--at") if arguments.at else datetime.now(UTC)
    event = GitHubEvent("local", {}, "local") if arguments.local else load_event()
    asked = Asked(root, event, at, arguments.retrain)
    store = LedgerStore(root, is_local=arguments.local)
    if arguments.apply:
        answer = store.update(asked.step, f"Run {event.run} asks to train")
    else:
        answer = asked.step(store.read())[1]
    tell(answer, asked.as_of)
    if not arguments.apply:
        print("Nothing was claimed. --apply does it.")
    return 0


class Asked:
    """What started the run, checked once, so that the ledger's step only computes."""

    def __init__(self, root: Path, event: GitHubEvent, at: datetime, retrain: str | None) -> None:
        self._run, self._at, self._retrain = event.run, at, retrain
        self._config = load_triggers(root)
        self._model = load_usecase(root).model
        self._champion = load_champion(root, self._model)
        self._decision: TriggerDecision | None = None
        self.as_of = ""
        if event.name == "repository_dispatch":
            self._read_dispatch(event.body)
        elif event.name == "workflow_dispatch":
            self.as_of = as_of_input(event.body)
            request = manual_request(root, self._config, event)
            self._decision = decide_manual(self._config, request)
        elif event.name not in ("schedule", "local"):
            fault = f"found {event.name!r}, expected one that .github/workflows/retrain.yml has"
            raise ConfigurationError("GITHUB_EVENT_NAME", [fault])

    def step(self, ledger: Ledger) -> tuple[Ledger, Admission]:
        """The ledger with the claim in it, and the answer."""
        if self._retrain is not None:
            answer = admit_planned(ledger, self._retrain, self._run, self._at)
        else:
            answer = admit_decided(
                ledger,
                [self._decision or self._calendar(ledger)],
                self._config,
                model=self._model,
                champion=self._champion.digest if self._champion else "none",
                run=self._run,
                at=self._at,
            )
        return answer.ledger, answer

    def _read_dispatch(self, body: dict[str, Any]) -> None:
        payload = parse_payload(
            body.get("action"), body.get("client_payload"), models={self._model}
        )
        if isinstance(payload, RetrainPayload):
            self._retrain = payload.retrain
        else:
            self._decision = decision_of_alert(payload, self._config)

    def _calendar(self, ledger: Ledger) -> TriggerDecision:
        rule = self._config.retraining_triggers.scheduled_retrain
        champion: Champion | None = self._champion
        if rule is None or not rule.enabled or champion is None:
            fault = "off in configs/triggers.yaml, or no champion yet: nothing is due"
            raise ConfigurationError("scheduled_retrain", [fault])
        since = calendar_since(ledger, self._model, champion.as_of)
        priority = self._config.priority_of("scheduled_retrain")
        return assess_schedule(rule, self._at, since, priority)


def as_of_input(body: dict[str, Any]) -> str:
    """The input as_of in one form, or empty: now."""
    text = inputs_of(body).get("as_of") or ""
    return f"{parse_utc(str(text), 'input as_of'):%Y-%m-%dT%H:%M:%SZ}" if text else ""


def manual_request(root: Path, config: TriggerConfig, event: GitHubEvent) -> ManualRequest:
    """Who asks, why, and who agreed: the people are GitHub's word, never the event's."""
    from pipeline.adapters.github import GitHub  # noqa: PLC0415 (slow, for manual runs alone)

    inputs = inputs_of(event.body)
    priority = inputs.get("priority") or config.priority_of("manual_retrain")
    if priority not in PRIORITIES:
        fault = f"found {str(priority)[:40]!r}, expected one of {', '.join(PRIORITIES)}"
        raise ConfigurationError("input priority", [fault])
    forge = forge_of()
    people = GitHub(forge.repository, forge.token, forge.api_url).run_people(int(event.run))
    # Running it again is agreeing to it: that is how a second person approves where the plan has
    # no environments with reviewers.
    agreed = {*people.approvers, people.triggering_actor}
    roles = load_approvers(root)
    approvals = tuple(
        Approval(person, role) for person in sorted(agreed) for role in roles.roles_of(person)
    )
    reason = clean(inputs.get("reason") or "no reason given")
    return ManualRequest(f"run/{event.run}", people.actor, reason, priority, approvals)


def inputs_of(body: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a workflow_dispatch; none given is an empty object."""
    inputs = body.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise ConfigurationError("workflow_dispatch", ["inputs: expected an object"])
    return inputs


def decide_manual(config: TriggerConfig, request: ManualRequest) -> TriggerDecision:
    """The manual trigger's answer. Raises ConfigurationError where it is off."""
    rule = config.retraining_triggers.manual_retrain
    if rule is None or not rule.enabled:
        raise ConfigurationError("manual_retrain", ["off in configs/triggers.yaml"])
    return assess_manual(rule, request, config.priority_of("manual_retrain"))


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
