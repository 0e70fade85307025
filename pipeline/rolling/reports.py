"""What a watchdog reports by repository_dispatch, and what a job believes of it: very little.

    rollout-stopped   it has set a challenger to 0 %; git is to record that
    rollout-check     something is due that only a commit can bring about

A payload is anybody's who may dispatch, so it is checked, and can only stop or look: a stop counts
where it names the attempt that runs, and a look decides for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.config import Identifier, Section, parse_section
from pipeline.core.rollout.observation import Stop
from pipeline.errors import ConfigurationError
from pipeline.rolling.latch import StopSection, stop_section

STOPPED, CHECK = "rollout-stopped", "rollout-check"
MAX_REASON = 1_000


class Report(Section):
    """The payload of both events; a check has no `stop`."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    model: Identifier
    stop: StopSection | None = None


def report_of(model: str, stop: Stop | None = None) -> dict[str, Any]:
    """The payload that says so."""
    section = stop_section(stop) if stop else None
    if section is not None:
        section = section.model_copy(update={"reason": section.reason[:MAX_REASON]})
    return Report(model=model, stop=section).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )


def parse_report(action: str, payload: Any) -> Report:
    """The report in the payload of a dispatch. Raises ConfigurationError with every fault."""
    if action not in (STOPPED, CHECK):
        fault = f"event: expected {STOPPED} or {CHECK}"
        raise ConfigurationError("repository_dispatch", [fault])
    report = parse_section(Report, payload, "client_payload")
    if (action == STOPPED) != (report.stop is not None):
        fault = f"stop: {STOPPED} has one, and {CHECK} has none"
        raise ConfigurationError("client_payload", [fault])
    return report


def stops_in(body: Mapping[str, Any]) -> dict[str, Stop]:
    """Model -> what was stopped, from the event of a job; empty for an event that tells of none."""
    if "client_payload" not in body:
        return {}
    report = parse_report(str(body.get("action")), body["client_payload"])
    return {report.model: report.stop.value} if report.stop else {}
