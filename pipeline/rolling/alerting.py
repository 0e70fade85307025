"""One incident, one issue and one message, however often a rollout says so.

The issue is the memory: its hidden line names the incident. The chat is told first, so a kill in
between tells it twice and never not at all. A closed issue is an incident that was dealt with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline.adapters.alerts import Webhook
from pipeline.core.report.escape import clean, escape_comment, inert_title
from pipeline.core.rollout.effects import Alert
from pipeline.errors import PipelineError
from pipeline.forge import Forge

LABEL = "perennial-rollout"


@dataclass(frozen=True)
class Alerting:
    """Where alerts go: a forge, a chat, both, or only the log."""

    forge: Callable[[], Forge] | None
    webhook: Callable[[], Webhook | None]
    tell: Callable[[str], None]

    def send(self, alert: Alert) -> None:
        """Tell people of `alert`, unless its issue is there already.

        One of the two that is down does not silence the other. Raises its error after that.
        """
        self.tell(f"    ALERT {alert.title}: {alert.text}")
        failures: list[PipelineError] = []
        forge: Forge | None = None
        try:
            forge = self.forge() if self.forge is not None else None
            if forge is not None and _is_known(forge, alert):
                return
        except PipelineError as error:
            failures.append(error)
            forge = None
        for tell in (self._tell_chat, partial(_open_issue, forge)):
            try:
                tell(alert)
            except PipelineError as error:
                failures.append(error)
        for error in failures[1:]:
            self.tell(f"    failed: {error}")
        if failures:
            raise failures[0]

    def _tell_chat(self, alert: Alert) -> None:
        webhook = self.webhook()
        if webhook is not None:
            webhook.send(clean(alert.title), clean(alert.text))


def _open_issue(forge: Forge | None, alert: Alert) -> None:
    if forge is not None:
        forge.open_issue(title=inert_title(alert.title), body=body_of(alert), labels=[LABEL])


def body_of(alert: Alert) -> str:
    """The issue: its hidden line, what happened, and where to look."""
    return (
        f"{_marker(alert)}\n{escape_comment(alert.text)}\n\n"
        "What to do is in docs/runbook.md. `git log -- rollouts/` has every step with its "
        "evidence. Close this once it is dealt with.\n"
    )


def _marker(alert: Alert) -> str:
    digest = hashlib.sha256(alert.key.encode()).hexdigest()[:16]
    return f"<!-- perennial incident={digest} -->"


def _is_known(forge: Forge, alert: Alert) -> bool:
    """Only our own issues count: anybody may write such a line."""
    login, marker = forge.login(), _marker(alert)
    return any(
        issue.author == login and issue.body.startswith(marker) for issue in forge.issues(LABEL)
    )
