"""One incident, one issue and one message, however often a rollout says so.

The issue is the memory: its hidden line names the incident, and whether the chat is still to be
told. It is opened first: a kill before the chat was told leaves that to the next run, and one right
after tells it once more, never not at all. A closed issue is an incident that was dealt with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.adapters.alerts import Webhook
from pipeline.core.report.escape import clean, escape_comment, inert_title
from pipeline.core.rollout.effects import Alert
from pipeline.errors import PipelineError
from pipeline.forge import Forge, Issue

LABEL = "perennial-rollout"
_OWED = "<!-- the chat is not told yet -->"


@dataclass(frozen=True)
class Alerting:
    """Where alerts go: a forge, a chat, both, or only the log."""

    forge: Callable[[], Forge] | None
    webhook: Callable[[], Webhook | None]
    tell: Callable[[str], None]

    def send(self, alert: Alert) -> None:
        """Tell people of `alert`, where they do not know.

        One of the two that is down does not silence the other; the error is raised after that. An
        alert `is_again` tells the chat only what an issue remembers: else each run would say it.
        """
        if not alert.is_again:
            self._log(alert)
        failures: list[PipelineError] = []
        known: _Known | None = None
        try:
            known = self._known(alert)
        except PipelineError as error:
            failures.append(error)
        if known.is_owed if known else not alert.is_again:
            try:
                self._tell_chat(alert, known)
            except PipelineError as error:
                failures.append(error)
        for error in failures[1:]:
            self.tell(f"    failed: {error}")
        if failures:
            raise failures[0]

    def _known(self, alert: Alert) -> _Known | None:
        """The issue of `alert`, opened where there is none; None without a forge."""
        forge = self.forge() if self.forge is not None else None
        if forge is None:
            return None
        issue = _issue_of(forge, alert)
        if issue is None:
            if alert.is_again:
                self._log(alert)
            title, body = inert_title(alert.title), body_of(alert, is_owed=True)
            issue = forge.open_issue(title=title, body=body, labels=[LABEL])
        return _Known(forge, issue, issue.is_open and issue.body.startswith(_owed(alert)))

    def _tell_chat(self, alert: Alert, known: _Known | None) -> None:
        webhook = self.webhook()
        if webhook is None:
            return
        webhook.send(clean(alert.title), clean(alert.text))
        if known is not None:
            body = known.issue.body.replace(_OWED, "", 1)
            known.forge.edit_issue(known.issue.number, body=body)

    def _log(self, alert: Alert) -> None:
        self.tell(f"    ALERT {alert.title}: {alert.text}")


@dataclass(frozen=True)
class _Known:
    """An incident's issue, and whether the chat is still to be told."""

    forge: Forge
    issue: Issue
    is_owed: bool


def body_of(alert: Alert, *, is_owed: bool = False) -> str:
    """The issue: its hidden line, what happened, and where to look."""
    return (
        f"{_owed(alert) if is_owed else _marker(alert)}\n{escape_comment(alert.text)}\n\n"
        "What to do is in docs/runbook.md. `git log -- rollouts/` has every step with its "
        "evidence. Close this once it is dealt with.\n"
    )


def _marker(alert: Alert) -> str:
    digest = hashlib.sha256(alert.key.encode()).hexdigest()[:16]
    return f"<!-- perennial incident={digest} -->"


def _owed(alert: Alert) -> str:
    return f"{_marker(alert)}{_OWED}"


def _issue_of(forge: Forge, alert: Alert) -> Issue | None:
    """Only our own issues count: anybody may write such a line."""
    login, marker = forge.login(), _marker(alert)
    ours = (issue for issue in forge.issues(LABEL) if issue.author == login)
    return next((issue for issue in ours if issue.body.startswith(marker)), None)
